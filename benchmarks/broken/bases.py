"""Four small healthy environments: a plain one, one with goals, one of pictures and one of whole numbers."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

NEAR = 0.1
"""Distance below which a target is reached."""


class Point(gymnasium.Env[Any, Any]):
    """Push a point with a mass to a target on a plane."""

    metadata = {"render_modes": []}  # noqa: RUF012
    observation_space: Any = Box(-2.0, 2.0, (6,), np.float32)
    action_space: Any = Box(-1.0, 1.0, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        """Draw a start and a target."""
        super().reset(seed=seed)
        self.position = self.np_random.uniform(-1, 1, 2)
        self.velocity = np.zeros(2)
        self.target = self.np_random.uniform(-1, 1, 2)
        return self.look(), {}

    def step(self, action: Any) -> Any:
        """Push."""
        self.move(np.asarray(action, dtype=float))
        return self.look(), self.reward(), self.over(), False, self.info()

    def move(self, action: Any) -> None:
        """Push for one step; the walls stop the point."""
        self.velocity = 0.8 * self.velocity + 0.1 * action
        self.position = np.clip(self.position + self.velocity, -2, 2)

    def look(self) -> Any:
        """Return what the policy sees."""
        return np.concatenate([self.position, self.velocity, self.target]).astype(np.float32)

    @property
    def distance(self) -> float:
        """From the point to its target."""
        return float(np.linalg.norm(self.position - self.target))

    def reward(self) -> float:
        """Return minus the distance."""
        return -self.distance

    def over(self) -> bool:
        """Return whether the target is reached."""
        return self.distance < 0.02

    def info(self) -> dict[str, Any]:
        """Return the distance and whether it is small."""
        return {"distance": self.distance, "is_success": self.distance < NEAR}


class Goal(Point):
    """The same with goals in the observation."""

    observation_space = Dict(
        observation=Box(-2.0, 2.0, (4,), np.float32),
        achieved_goal=Box(-2.0, 2.0, (2,), np.float32),
        desired_goal=Box(-2.0, 2.0, (2,), np.float32),
    )
    distance_threshold = NEAR

    def move(self, action: Any) -> None:
        """Move for one step, without a mass."""
        self.velocity = 0.1 * action
        self.position = np.clip(self.position + self.velocity, -2, 2)

    def look(self) -> Any:
        """Return state and goals."""
        seen = super().look()
        return {"observation": seen[:4], "achieved_goal": seen[:2].copy(), "desired_goal": seen[4:].copy()}

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        """Return minus the distances of many goals."""
        return -np.linalg.norm(np.asarray(achieved_goal) - desired_goal, axis=-1)

    def reward(self) -> float:
        """Return minus the distance of the goals that are seen."""
        seen = self.look()
        return float(self.compute_reward(seen["achieved_goal"], seen["desired_goal"], {}))

    def over(self) -> bool:
        """Goals are held, not only reached."""
        return False


class Grid(gymnasium.Env[Any, Any]):
    """Walk over a board to a target."""

    metadata = {"render_modes": []}  # noqa: RUF012
    observation_space: Any = MultiDiscrete([9, 9, 9, 9])
    action_space: Any = Discrete(4)
    moves = ((0, 1), (1, 0), (0, -1), (-1, 0))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        """Draw a start and a target."""
        super().reset(seed=seed)
        self.here = self.np_random.integers(2, 7, 2)
        self.target = self.np_random.integers(0, 9, 2)
        return self.look(), {}

    def step(self, action: Any) -> Any:
        """Walk one square."""
        self.move(int(action))
        return self.look(), self.reward(), self.over(), False, self.info()

    def move(self, action: int) -> None:
        """Walk one square; the border stops."""
        self.here = np.clip(self.here + self.moves[action], 0, 8)

    def look(self) -> Any:
        """Return both squares."""
        return np.concatenate([self.here, self.target])

    @property
    def distance(self) -> float:
        """Squares to the target."""
        return float(np.abs(self.here - self.target).sum())

    def reward(self) -> float:
        """Return minus the distance, as a part of the largest."""
        return -self.distance / 16

    def over(self) -> bool:
        """Return whether the target is reached."""
        return self.distance == 0

    def info(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


class Picture(Grid):
    """The same board, seen as a picture."""

    observation_space = Box(0, 255, (1, 36, 36), np.uint8)

    def look(self) -> Any:
        """Draw the walker and the target."""
        picture = np.zeros((1, 36, 36), np.uint8)
        for value, (x, y) in ((120, self.target), (255, self.here)):
            picture[0, 4 * x : 4 * x + 4, 4 * y : 4 * y + 4] = value
        return picture


BASES: dict[str, type[gymnasium.Env[Any, Any]]] = {"plain": Point, "goal": Goal, "discrete": Grid, "picture": Picture}
HORIZON = 50
