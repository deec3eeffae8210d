"""Preflight, or a part of it, in another process.

Of a training, all of it, in the background, as the training leaves the other cores idle. Of a preflight, the checks
that need no PyTorch, while this process imports PyTorch.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rldoctor import machine
from rldoctor.config import DEFAULTS, Config
from rldoctor.environments import registry
from rldoctor.environments.baselines import measure_baselines
from rldoctor.errors import RldoctorError
from rldoctor.model import Json, PreflightResult, Severity, Verdict
from rldoctor.preflight.blame import contained
from rldoctor.preflight.budget import Budget
from rldoctor.preflight.check import Check, Group
from rldoctor.preflight.checks import all_checks
from rldoctor.preflight.checks.learning.baseline_policies import EPISODES
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.runner import CheckOutcome, Elsewhere, run_checks, run_preflight
from rldoctor.recipe import Recipe

_SECONDS = 120.0
# Their authors' own tests make several at a time, in several processes; what a user wrote may want a port for itself.
_TESTED = ("gymnasium.", "gymnasium_robotics.")
# After the end of the budget: to close environments, and to send.
_GRACE = 2.0
# What the other process is asked for, and in which order.
_PARTS = (Group.ENVIRONMENT, Group.BASELINES)
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


@contextlib.contextmanager
def environment_checks(context: PreflightContext, checks: Sequence[Check]) -> Iterator[Elsewhere]:
    """Run the checks of an environment that need no PyTorch in another process, where that saves time.

    That is where this process has not imported PyTorch, some check needs it, there is a second core, and the
    environment is one that may be made in two processes. What the other process does not bring, this one does.
    """
    theirs = _theirs(checks)
    pays = "torch" not in sys.modules and any(check.heavy for check in checks) and machine.cores() > 1
    own = context.wrap or context.make_vec_env or context.make_model
    if not theirs or not pays or own or not context.entry_point.startswith(_TESTED):
        yield lambda check: None
        return
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    settings = (context.env_id, context.recipe, context.directory, context.rules, context.arguments)
    process = spawn.Process(
        target=_run_theirs, args=(theirs, settings, context.verdict_only, context.budget.seconds, sender), daemon=True
    )
    process.start()
    sender.close()
    try:
        yield _Elsewhere(context, receiver, theirs)
    finally:
        process.terminate()
        process.join()
        receiver.close()


def _theirs(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return the codes of the shipped checks of an environment that need neither PyTorch nor one that does."""
    codes: list[str] = []
    for check in checks:
        # Of those of the machine, one that times steps belongs to the environment's.
        group = check.group is not Group.LEARNING and (check.group is not Group.MACHINE or check.requires)
        if group and not check.heavy and not check.origin and set(check.requires).issubset(codes):
            codes.append(check.code)
    return tuple(codes)


def _part(check: Check) -> Group:
    return Group.BASELINES if check.group is Group.BASELINES else Group.ENVIRONMENT


class _Elsewhere:
    """What came of the checks in the other process; asked for when the first of each part is due."""

    def __init__(self, context: PreflightContext, receiver: Connection, codes: Sequence[str]) -> None:
        self._context = context
        self._receiver = receiver
        self._codes = frozenset(codes)
        self._found: dict[Group, Mapping[str, CheckOutcome]] = {}

    def __call__(self, check: Check) -> CheckOutcome | None:
        if check.code not in self._codes:
            return None
        for part in _PARTS[: _PARTS.index(_part(check)) + 1]:
            if part not in self._found:
                self._found[part] = self._receive(part)
        return self._found[_part(check)].get(check.code)

    def _receive(self, part: Group) -> Mapping[str, CheckOutcome]:
        """Wait for a part; nothing where it does not come, or where this process has to look at an error itself."""
        if self._found and not any(self._found.values()):
            return {}
        if part is Group.ENVIRONMENT:
            # There is nothing else to do meanwhile.
            with contextlib.suppress(Exception):
                import stable_baselines3  # noqa: F401
        budget = self._context.budget
        try:
            if not self._receiver.poll(max(budget.remaining, 0.0) + _GRACE):
                return {}
            results, measured, repeatable, step_seconds, reset_seconds = self._receiver.recv()
        except (EOFError, OSError):
            return {}
        failed = any(finding.severity is Severity.ERROR for _, findings in results for finding in findings)
        if failed and budget.remaining > 0.5 * budget.seconds:
            return {}
        self._context.measured.update(measured)
        self._context.repeatable = repeatable
        budget.step_seconds = step_seconds
        budget.reset_seconds = max(budget.reset_seconds, reset_seconds)
        return {result.code: (result, findings) for result, findings in results}


def _run_theirs(
    codes: Sequence[str], settings: tuple[Any, ...], verdict_only: bool, seconds: float, sender: Connection
) -> None:
    # As above: the process that waits decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    env_id, recipe, directory, rules, arguments = settings
    context = PreflightContext(
        env_id,
        recipe,
        directory=directory,
        rules=rules,
        budget=Budget(seconds),
        arguments=arguments,
        verdict_only=verdict_only,
    )
    # The process that waits says what is wrong where nothing comes.
    with contextlib.suppress(Exception), context.budget.enforced(), contained():
        chosen = [check for check in all_checks() if check.code in codes]
        for part in _PARTS:
            results = run_checks([c for c in chosen if _part(c) is part], context, lambda name, place, total: None)
            budget = context.budget
            sender.send((results, context.measured, context.repeatable, budget.step_seconds, budget.reset_seconds))
            if context.failed:
                # Whether the next part is to run depends on what failed, which the process that waits knows.
                break
        context.close()
