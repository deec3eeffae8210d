"""Targets that are hidden, fixed or out of reach."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box

from benchmarks.broken.bases import BASES
from benchmarks.broken.kinds import (
    DISCRETE,
    GOAL,
    PICTURE,
    PLAIN,
    Class,
    kind,
)


@kind("reward-needs-what-is-hidden", bases=(PLAIN, DISCRETE, PICTURE))
def target_hidden(base: Class) -> Class:
    """The observation does not show the target."""
    if base is BASES[PLAIN]:
        seen = lambda self: np.concatenate([self.position, self.velocity]).astype(np.float32)  # noqa: E731
        return type("Broken", (base,), {"look": seen, "observation_space": Box(-2.0, 2.0, (4,), np.float32)})
    if base is BASES[PICTURE]:

        def walker(self: Any) -> Any:
            picture = np.zeros((1, 36, 36), np.uint8)
            picture[0, 4 * self.here[0] : 4 * self.here[0] + 4, 4 * self.here[1] : 4 * self.here[1] + 4] = 255
            return picture

        return type("Broken", (base,), {"look": walker})
    space = gymnasium.spaces.MultiDiscrete([9, 9])
    return type("Broken", (base,), {"look": lambda self: self.here.copy(), "observation_space": space})


@kind("goal-not-observed", bases=(GOAL,))
def goal_always_zero(base: Class) -> Class:
    """desired_goal is zero."""

    class Broken(base):  # type: ignore[misc]
        @property
        def goal(self) -> Any:
            return self.target

        def look(self) -> Any:
            return {**super().look(), "desired_goal": np.zeros(2, np.float32)}

        def reward(self) -> float:
            return -self.distance

    return Broken


@kind("goal-never-changes", bases=(GOAL,))
def goal_fixed(base: Class) -> Class:
    """The same target in every episode."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            self.target = np.array([0.5, 0.5])
            return self.look(), {}

    return Broken


@kind("goal-unreachable", bases=(GOAL,))
def goal_out_of_reach(base: Class) -> Class:
    """Targets behind the wall."""

    class Broken(base):  # type: ignore[misc]
        observation_space = gymnasium.spaces.Dict(
            {key: Box(-9.0, 9.0, space.shape, np.float32) for key, space in base.observation_space.spaces.items()}
        )

        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            self.target = self.target + 6.0
            return self.look(), {}

    return Broken
