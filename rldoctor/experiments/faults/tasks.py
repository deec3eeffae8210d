"""Tasks that cannot be solved, or whose success nobody can see."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import TimeLimit

from rldoctor.experiments.faults.fault import Env, Fault, Tampered

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
        wrap=lambda _: lambda env: Tampered(env, end=lambda over, cut, info: (over, cut, {**info, "is_success": 0.0})),
        always_harms=True,
        only=_FETCH,
    ),
    Fault(
        "horizon-short",
        "Episodes end before the task can be done; the knob is the horizon in steps.",
        ("environment-misconfigured", "task-unreachable"),
        {"mild": 5.0, "strong": 2.0},
        wrap=lambda k: lambda env: TimeLimit(env, int(k)),
        only=_FETCH,
    ),
    Fault(
        "time-limit-as-end",
        "The time limit is reported as a true end; PPO copes with it on short tasks.",
        (),
        wrap=lambda _: lambda env: Tampered(env, end=lambda over, cut, info: (over or cut, False, info)),
    ),
)
