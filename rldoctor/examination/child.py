"""Preflight of an environment in a process of its own: one that hangs or dies costs its evidence, not the diagnosis."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from rldoctor.config import Config
from rldoctor.environments.baselines import measure_baselines
from rldoctor.environments.registry import make
from rldoctor.errors import RldoctorError, UsageError
from rldoctor.model import Finding, Json, PreflightResult, Severity, Verdict
from rldoctor.preflight.runner import run_preflight

# The process needs a few seconds to import PyTorch, and a step that hangs is interrupted at the end of the budget.
_GRACE = 15.0
# Enough for a stable mean where preflight played none, in a few seconds.
_BASELINE_EPISODES = 20


@dataclass(frozen=True)
class Examined:
    """What came of a preflight in another process.

    Attributes:
        result: The preflight; ``None`` where it did not end.
        baselines: What :func:`rldoctor.environments.baselines.measure_baselines` returns; empty where not measured.
        failure: Why there is no result, as a finding; ``None`` where there is one.
    """

    result: PreflightResult | None = None
    baselines: Mapping[str, Json] | None = None
    failure: Finding | None = None


def examine_environment(env: str, arguments: Mapping[str, Json], config: Config, seconds: float) -> Examined:
    """Run the checks of one environment in another process.

    Args:
        env: Name of the environment, as the registry takes it.
        arguments: What it is made with.
        config: The project's configuration.
        seconds: Time for the checks.

    Raises:
        UsageError: There is no such environment.
    """
    # Spawned, not forked: a fork of a process with threads (PyTorch's, MuJoCo's) may hang.
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(env, dict(arguments), config, seconds, sender), daemon=True)
    process.start()
    sender.close()
    result: PreflightResult | None = None
    end = time.monotonic() + seconds + _GRACE
    try:
        while receiver.poll(None if end == float("inf") else max(0.0, end - time.monotonic())):
            kind, content = receiver.recv()
            if kind == "result":
                result = content
            elif kind == "baselines":
                return Examined(result, content)
            elif kind == "usage":
                raise content
            else:
                return Examined(failure=_failure(env, content.problem, content.cure))
    except (EOFError, OSError):
        process.join()
        if result is None:
            return Examined(failure=_failure(env, f"its process ended with exit code {process.exitcode}"))
    finally:
        process.terminate()
        process.join(1.0)
        if process.is_alive():
            process.kill()
            process.join()
        receiver.close()
    # The baselines are a bonus; without the checks there is nothing.
    return Examined(result) if result else Examined(failure=_failure(env, f"it took more than {seconds:.0f} s"))


def _failure(env: str, why: str, cure: str = "") -> Finding:
    return Finding(
        "ENV101",
        "environment-not-examined",
        Severity.WARNING,
        f"{env} could not be examined: {why.rstrip('.')}.",
        cure or f"Run rldoctor preflight --env {env}.",
    )


def _run(env: str, arguments: dict[str, Any], config: Config, seconds: float, sender: Connection) -> None:
    # Ctrl-C goes to all processes of the group; the one that waits decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What an environment prints does not belong into the report.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    measured: dict[str, Any] = {}
    try:
        result = run_preflight(
            env, select=("ENV",), measured=measured, config=config, budget=seconds, arguments=arguments
        )
        sender.send(("result", result))
        found = measured.get("baselines")
        # An environment that has failed or run out of time is not played again.
        if not found and result.verdict in (Verdict.HEALTHY, Verdict.SUSPECT):
            with contextlib.suppress(Exception):
                found = measure_baselines(lambda: make(env, **arguments), range(_BASELINE_EPISODES))
        sender.send(("baselines", found))
    except UsageError as error:
        # A module that raises while it is imported is the environment's fault; a name that does not exist is not.
        kind = "error" if error.__cause__ is not None else "usage"
        sender.send((kind, type(error)(error.problem, error.cure)))
    except RldoctorError as error:
        sender.send(("error", RldoctorError(error.problem, error.cure)))
    except Exception as error:
        sender.send(("error", RldoctorError(f"{type(error).__name__}: {error}")))
