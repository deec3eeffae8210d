"""Tasks that cannot be solved, or whose success nobody can see."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from rldoctor.experiments.faults.fault import Env, Fault

_FETCH = ("FetchReachDense-v4",)


class MovedGoal(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Puts the goal ``metres`` above where it was drawn."""

    def __init__(self, env: Env, metres: float) -> None:
        super().__init__(env)
        self._offset = np.array([0.0, 0.0, metres])

    def reset(self, **kwargs: Any) -> Any:
        """Reset, then move the goal in the simulator, so that reward and success follow."""
        observation, info = self.env.reset(**kwargs)
        unwrapped: Any = self.env.unwrapped
        unwrapped.goal = unwrapped.goal + self._offset
        return {**observation, "desired_goal": unwrapped.goal.copy()}, info


class DeadSuccess(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Reports failure whatever happens."""

    def step(self, action: Any) -> Any:
        """Step and deny success."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated, truncated, {**info, "is_success": 0.0}


class ShortHorizon(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Truncates after ``steps`` steps."""

    def __init__(self, env: Env, steps: int) -> None:
        super().__init__(env)
        self._horizon = steps
        self._taken = 0

    def reset(self, **kwargs: Any) -> Any:
        """Reset the count."""
        self._taken = 0
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Any:
        """Step and count."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._taken += 1
        return observation, reward, terminated, truncated or self._taken >= self._horizon, info


class LimitAsEnd(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Reports a reached time limit as a true end."""

    def step(self, action: Any) -> Any:
        """Step and confuse truncation with termination."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, reward, terminated or truncated, False, info


FAULTS = (
    Fault(
        "goal-unreachable",
        "The goal is out of the robot's reach; the knob is how far it is moved up, in metres.",
        ("task-unreachable",),
        {"mild": 0.5, "strong": 2.0},
        wrap=lambda k: lambda env: MovedGoal(env, k),
        only=_FETCH,
    ),
    Fault(
        "success-flag-dead",
        "is_success is never true.",
        ("success-signal-broken",),
        wrap=lambda _: DeadSuccess,
        always_harms=True,
        only=_FETCH,
    ),
    Fault(
        "horizon-short",
        "Episodes end before the task can be done; the knob is the horizon in steps.",
        ("environment-misconfigured", "task-unreachable"),
        {"mild": 5.0, "strong": 2.0},
        wrap=lambda k: lambda env: ShortHorizon(env, int(k)),
        only=_FETCH,
    ),
    Fault(
        "time-limit-as-end",
        "The time limit is reported as a true end; PPO shrugs it off on short tasks.",
        (),
        wrap=lambda _: LimitAsEnd,
    ),
)
