"""Whose exception it is: the environment's own code's, or a check's."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator

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
