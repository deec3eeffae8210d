"""Preflight and baselines in a process of their own, beside a training that leaves the other cores idle."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from rldoctor.config import DEFAULTS, Config
from rldoctor.environments import registry
from rldoctor.environments.baselines import measure_baselines
from rldoctor.errors import RldoctorError
from rldoctor.model import Json, PreflightResult, Verdict
from rldoctor.preflight.checks.learning.baseline_policies import EPISODES
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe

# Told how many checks are done, how many there are, and the name of the next.
Watcher = Callable[[int, int, str], None]


class BackgroundPreflight:
    """Examines a recipe's environment in another process from ``__enter__`` on; leaving the context ends it.

    Args:
        recipe: Names the environment.
        directory: Where runs will be written.
        watcher: Told of progress, from another thread.
        config: What the project asks for.
    """

    def __init__(self, recipe: Recipe, directory: Path, watcher: Watcher, config: Config = DEFAULTS) -> None:
        # Spawned, not forked: a fork of a process with threads (PyTorch's, MuJoCo's) may hang.
        context = multiprocessing.get_context("spawn")
        self._receiver, sender = context.Pipe(duplex=False)
        self._sender = sender
        self._process = context.Process(target=_examine, args=(recipe, directory, sender, config), daemon=True)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._watcher = watcher
        self._results: dict[str, Any] = {}
        self._changed = threading.Condition()
        self.sick = threading.Event()
        """Set as soon as preflight has found errors."""

    def __enter__(self) -> BackgroundPreflight:
        self._process.start()
        # The other process holds the only end that can write now: when it dies, reading ends.
        self._sender.close()
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.join()
        self._listener.join()
        self._receiver.close()

    def subject(self) -> PreflightResult:
        """Wait for preflight and return what it says.

        Raises:
            RldoctorError: It broke off.
        """
        subject: PreflightResult = self._wait_for("subject")
        return subject

    def baselines(self) -> Mapping[str, Json]:
        """Wait for the baselines and return what :func:`measure_baselines` returns for the first evaluation seeds.

        They are those of preflight, on fewer episodes than the policy plays: what they are for, telling a trained
        policy from none, needs no more.

        Raises:
            RldoctorError: They broke off.
        """
        baselines: Mapping[str, Json] = self._wait_for("baselines")
        return baselines

    def _wait_for(self, what: str) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: what in self._results or "error" in self._results)
        if what not in self._results:
            raise self._results["error"]
        return self._results[what]

    def _listen(self) -> None:
        try:
            while True:
                kind, content = self._receiver.recv()
                if kind == "progress":
                    self._watcher(*content)
                    continue
                if kind == "subject" and content.verdict is Verdict.SICK:
                    self.sick.set()
                self._keep(kind, content)
        except (EOFError, OSError):
            ended = RldoctorError(
                "The process that examines the environment ended before it was done.",
                "Run rldoctor preflight by itself to see where.",
            )
            self._keep("error", self._results.get("error", ended))

    def _keep(self, kind: str, content: Any) -> None:
        with self._changed:
            self._results[kind] = content
            self._changed.notify_all()


def _examine(recipe: Recipe, directory: Path, sender: Connection, config: Config) -> None:
    # Ctrl-C goes to the whole group of processes; what is to end, and when, is decided by the one that trains.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def tell(name: str, done: int, total: int) -> None:
        sender.send(("progress", (done, total, name)))

    measured: dict[str, Any] = {}
    try:
        subject = run_preflight(
            recipe.env,
            recipe=recipe,
            directory=directory,
            watcher=lambda name, done, total: tell(name, done, total),
            measured=measured,
            config=config,
        )
        count = len(subject.checks)
        tell("", count, count)
        sender.send(("subject", subject))
        if subject.verdict is not Verdict.SICK:
            sender.send(("baselines", _baselines(recipe, measured.get("baselines"))))
    except RldoctorError as error:
        sender.send(("error", error))
    except Exception as error:
        problem = f"The examination of {recipe.env} broke off with {type(error).__name__}: {error}."
        sender.send(("error", RldoctorError(problem, f"Run rldoctor preflight --env {recipe.env}.")))


def _baselines(recipe: Recipe, found: Any) -> Mapping[str, Json]:
    """Return what preflight found the baselines to score, unless it played fewer episodes than it wants to."""
    if found and all(aggregate["n_episodes"] >= EPISODES for aggregate in found.values()):
        baselines: Mapping[str, Json] = found
        return baselines
    return measure_baselines(lambda: registry.make(recipe.env), range(recipe.evaluation_episodes))
