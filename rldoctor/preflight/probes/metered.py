"""Environments whose calls are charged to the budget of a preflight."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import gymnasium
import numpy as np

from rldoctor.environments.rollouts import Env
from rldoctor.preflight.blame import told_apart
from rldoctor.preflight.budget import Budget


class Kept(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that others still need when a rollout closes it."""

    def close(self) -> None:
        """Leave it open."""


class Metered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Charges each reset and step to a budget, and hands over a copy of each action.

    A step that changes its action in place (ENV303) would change what is compared, held or stored.

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
            return self.env.step(action.copy() if isinstance(action, np.ndarray) else deepcopy(action))
