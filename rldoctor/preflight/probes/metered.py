"""Environments whose calls are charged to the budget of a preflight."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Iterator
from typing import Any

import gymnasium

from rldoctor.environments.rollouts import Env
from rldoctor.preflight.budget import Budget

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


class Kept(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that others still need when a rollout closes it."""

    def close(self) -> None:
        """Leave it open."""


class Metered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Charges each reset and step to a budget.

    Args:
        env: The environment.
        budget: What its calls are charged to.
    """

    def __init__(self, env: Env, budget: Budget) -> None:
        super().__init__(env)
        self._budget = budget

    def reset(self, **kwargs: Any) -> Any:
        """Reset within the budget."""
        started = time.monotonic()
        with self._budget.calling("reset"), told_apart("reset"):
            result = self.env.reset(**kwargs)
        self._budget.reset_seconds = max(self._budget.reset_seconds, time.monotonic() - started)
        return result

    def step(self, action: Any) -> Any:
        """Step within the budget."""
        with self._budget.calling("step"), told_apart("step"):
            return self.env.step(action)
