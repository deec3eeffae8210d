"""Small environments that pay for the way to a place, so that going to and fro pays more, or not."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from tests.preflight.kinds_of_limits import Base


class Trail(Base):
    """A hut on a plain; getting nearer is paid, getting farther costs as much."""

    observation_space = Box(-20.0, 20.0, (4,), np.float32)
    action_space = Discrete(5)
    limit = 100
    ways = ((1, 0), (-1, 0), (0, 1), (0, -1), (0, 0))

    def far(self) -> float:
        return float(np.abs(self.at - self.hut).sum())

    def look(self) -> Any:
        return np.array([*self.at, *self.hut], np.float32)

    def move(self, action: Any) -> None:
        before = self.far()
        self.at = np.clip(self.at + self.ways[int(action)], -10, 10)
        self.nearer = before - self.far()

    def pay(self) -> float:
        return self.nearer + 8.0 * self.over()

    def over(self) -> bool:
        return self.far() < 1

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.at = self.hut = np.zeros(2, int)
        super().reset(seed=seed)
        self.at, self.hut = self.np_random.integers(-8, 9, (2, 2))
        return self.look(), {}


class TrailOneWay(Trail):
    """Getting farther costs nothing."""

    def pay(self) -> float:
        return max(0.0, self.nearer) + 8.0 * self.over()


class TrailOfPraise(Trail):
    """Paid for being nearer than a step before, whatever was lost before."""

    def pay(self) -> float:
        return 1.0 * (self.nearer > 0) - 0.1 + 8.0 * self.over()


class TrailOfARecord(Trail):
    """Paid for being nearer than ever, which is seen."""

    observation_space = Box(-40.0, 40.0, (5,), np.float32)

    def look(self) -> Any:
        return np.array([*self.at, *self.hut, self.best], np.float32)

    def move(self, action: Any) -> None:
        super().move(action)
        self.nearer = max(0.0, self.best - self.far())
        self.best = min(self.best, self.far())

    def reset(self, **options: Any) -> Any:
        self.best = 0.0
        super().reset(**options)
        self.best = self.far()
        return self.look(), {}


class TrailToStayAt(Trail):
    """The nearer the better, at every step; the hut is to be stayed at."""

    def pay(self) -> float:
        return 1.0 - self.far() / 40

    def over(self) -> bool:
        return False
