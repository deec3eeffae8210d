"""Preflight and baselines in another process, in the background of a training that leaves the other cores idle."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rldoctor.config import DEFAULTS, Config
from rldoctor.environments import registry
from rldoctor.environments.baselines import measure_baselines
from rldoctor.errors import RldoctorError
from rldoctor.model import Json, PreflightResult, Verdict
from rldoctor.preflight.checks.learning.baseline_policies import EPISODES
from rldoctor.preflight.runner import run_preflight
from rldoctor.recipe import Recipe

_SECONDS = 120.0
# Called with how many checks are done, how many there are, and the name of the next.
Watcher = Callable[[int, int, str], None]


class BackgroundPreflight:
    """Checks a recipe's environment in another process from ``__enter__`` on; ``__exit__`` ends the process.

    Args:
        recipe: Names the environment.
        directory: Where runs will be written.
        watcher: Called on progress, from another thread.
        config: What the project asks for.
    """

    def __init__(self, recipe: Recipe, directory: Path, watcher: Watcher, config: Config = DEFAULTS) -> None:
        # Spawned, not forked: a fork of a process with threads (PyTorch's, MuJoCo's) may hang.
        context = multiprocessing.get_context("spawn")
        self._receiver, self._sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(recipe, directory, self._sender, config), daemon=True)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._watcher = watcher
        self._result: Future[PreflightResult] = Future()
        self._baselines: Future[Mapping[str, Json]] = Future()
        self.failed = threading.Event()
        """Set as soon as preflight has found errors."""

    def __enter__(self) -> BackgroundPreflight:
        self._process.start()
        # Now only the other process can write: when it dies, reading ends.
        self._sender.close()
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._listener.join()
        self._receiver.close()

    def result(self) -> PreflightResult:
        """Wait for preflight and return its result.

        Raises:
            RldoctorError: Preflight ended early.
        """
        return self._result.result()

    def baselines(self) -> Mapping[str, Json]:
        """Wait for the baselines and return what :func:`measure_baselines` returns for the first evaluation seeds.

        They are those of preflight, on fewer episodes than the policy plays: that is enough to tell a trained policy
        from an untrained one.

        Raises:
            RldoctorError: Measuring them ended early.
        """
        return self._baselines.result()

    def _listen(self) -> None:
        error = RldoctorError(
            "The process that runs preflight ended before it was done.",
            "Run rldoctor preflight by itself to see where.",
        )
        with contextlib.suppress(EOFError, OSError):
            while True:
                kind, content = self._receiver.recv()
                if kind == "progress":
                    self._watcher(*content)
                elif kind == "result":
                    if content.verdict is Verdict.SICK:
                        self.failed.set()
                    self._result.set_result(content)
                elif kind == "baselines":
                    self._baselines.set_result(content)
                else:
                    error = content
        for future in (self._result, self._baselines):
            if not future.done():
                future.set_exception(error)


def _run(recipe: Recipe, directory: Path, sender: Connection, config: Config) -> None:
    # Ctrl-C goes to all processes of the group; the one that trains decides what ends, and when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    measured: dict[str, Any] = {}
    try:
        result = run_preflight(
            recipe.env,
            recipe=recipe,
            directory=directory,
            watcher=lambda name, done, total: sender.send(("progress", (done, total, name))),
            measured=measured,
            config=config,
            # The training has the other cores, so that everything may take longer; nobody waits for it.
            budget=_SECONDS,
        )
        sender.send(("progress", (len(result.checks), len(result.checks), "")))
        sender.send(("result", result))
        if result.verdict is not Verdict.SICK:
            sender.send(("baselines", _baselines(recipe, measured.get("baselines"))))
    except RldoctorError as error:
        sender.send(("error", error))
    except Exception as error:
        problem = f"The preflight of {recipe.env} ended early with {type(error).__name__}: {error}."
        sender.send(("error", RldoctorError(problem, f"Run rldoctor preflight --env {recipe.env}.")))


def _baselines(recipe: Recipe, found: Any) -> Mapping[str, Json]:
    """Return what preflight measured of the baselines, unless it played fewer episodes than usual."""
    if found and all(aggregate["n_episodes"] >= EPISODES for aggregate in found.values()):
        baselines: Mapping[str, Json] = found
        return baselines
    return measure_baselines(
        lambda: registry.make(recipe.env, **recipe.env_arguments), range(recipe.evaluation_episodes)
    )
