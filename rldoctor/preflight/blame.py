"""Whose exception it is, the environment's own code's or a check's, and what an environment may not do."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from typing import NoReturn

from rldoctor.environments.naming import where

# Wrappers of Gymnasium fail on what an environment returned; the fault is not where they raise.
_WRAPPERS = ("gymnasium/wrappers", "gymnasium/core.py", "stable_baselines3/common/monitor.py")


@contextlib.contextmanager
def told_apart(call: str) -> Iterator[None]:
    """Mark what the environment's own code raises, so that it is not taken for a defect of a check."""
    try:
        yield
    except (Exception, SystemExit) as problem:
        innermost = traceback.extract_tb(problem.__traceback__)[-1].filename.replace("\\", "/")
        if not any(part in innermost for part in _WRAPPERS):
            problem.__dict__.setdefault("rldoctor_call", call)
        raise


def raised_in(problem: BaseException | None) -> str:
    """Return the call in which the environment itself raised ``problem`` or what led to it; empty where it did not."""
    while problem is not None:
        if call := problem.__dict__.get("rldoctor_call"):
            return str(call)
        problem = problem.__cause__ or problem.__context__
    return ""


@contextlib.contextmanager
def contained() -> Iterator[None]:
    """Keep standard output for the report, and the process alive, whatever an environment prints or calls."""
    process, leave = os.getpid(), os._exit

    def refuse(status: int) -> NoReturn:
        # A process that the environment started may end as it likes.
        if os.getpid() != process:
            leave(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = refuse
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os._exit = leave


class Told:
    """What the environment raised that has been reported, so that each fault is reported once."""

    def __init__(self) -> None:
        self._faults: set[tuple[str, str, str]] = set()

    def is_new(self, call: str, problem: BaseException) -> bool:
        """Return whether it has not been reported yet; it counts as reported from now on."""
        fault = (call, type(problem).__name__, where(problem))
        new = fault not in self._faults
        self._faults.add(fault)
        return new
