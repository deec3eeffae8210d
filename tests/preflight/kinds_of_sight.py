"""Small environments whose masks, bounds and scales show too little, and sound ones like them."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from tests.preflight.kinds_of_limits import Base


# Masks of valid actions.
class Jobs(Base):
    """Seven jobs in any order; a job that is done does nothing more."""

    limit = 40
    observation_space = Box(0.0, 1.0, (14,), np.float32)
    action_space = Discrete(7)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.open, self.times = np.ones(7, bool), np.zeros(7)
        super().reset(seed=seed)
        self.times, self.mask = self.np_random.uniform(0.1, 1, 7), self.open.copy()
        return self.look(), self.tell()

    def look(self) -> Any:
        return np.concatenate([self.times, self.open]).astype(np.float32)

    def move(self, action: Any) -> None:
        self.place = -float(self.times[int(action)]) if self.open[int(action)] else -0.5
        self.open[int(action)] = False
        self.mask = self.open.copy()

    def pay(self) -> float:
        return self.place

    def over(self) -> bool:
        return not self.open.any()

    def tell(self) -> dict[str, Any]:
        return {"action_mask": self.mask.astype(np.int8)}


class JobsMaskedBefore(Jobs):
    def move(self, action: Any) -> None:
        before = self.open.copy()
        super().move(action)
        self.mask = before


class Shelf(Jobs):
    """Boxes are taken from and put back on a shelf; the mask is a method's."""

    def move(self, action: Any) -> None:
        super().move(action)
        if self.np_random.random() < 0.3:
            self.open[int(self.np_random.integers(7))] = True
        self.mask = self.open.copy()

    def tell(self) -> dict[str, Any]:
        return {}

    def action_masks(self) -> Any:
        return self.mask


class ShelfMaskedBefore(Shelf):
    def move(self, action: Any) -> None:
        before = self.open.copy()
        super().move(action)
        self.mask = before


class JobsMaskedWrongly(Jobs):
    def tell(self) -> dict[str, Any]:
        return {"action_mask": 1 - self.mask.astype(np.int8)}


class Waiting(Jobs):
    """A last action waits, and may do so at any time."""

    def move(self, action: Any) -> None:
        if int(action) < 6:
            super().move(action)
        self.mask = self.open.copy()
        self.mask[6] = True

    def over(self) -> bool:
        return not self.open[:6].any()


class JobsInTheMaskAlone(Jobs):
    """Which jobs are done stands in the mask; the observation has how many are left, in threes."""

    def look(self) -> Any:
        return np.append(self.times, np.full(7, self.open.sum() // 3 / 3)).astype(np.float32)


# Numbers that are clipped on one side.
class Sugar(Base):
    """Held near 1.2 by a dose; the meter ends at 1."""

    top, limit = 1.0, 120
    observation_space = Box(0.0, 1.0, (2,), np.float32)
    action_space = Box(0.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.clip(np.array([self.place / self.top, self.load]), 0, 1).astype(np.float32)

    def move(self, action: Any) -> None:
        self.load = 0.8 * self.load + 0.15 * float(action[0])
        self.place = float(np.clip(self.place + 0.1 * self.np_random.normal() + 0.12 - 0.32 * self.load, 0.2, 4.0))

    def pay(self) -> float:
        return -((self.place - 1.2) ** 2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = float(self.np_random.uniform(1, 2.5)), 0.2
        return self.look(), {}


class SugarInRange(Sugar):
    top = 4.0


class Depth(Sugar):
    """A sounder that ends at the bottom of its scale, in other units."""

    observation_space = Box(-20.0, 20.0, (2,), np.float32)

    def look(self) -> Any:
        return np.clip(np.array([-20 - 30 * (self.place - 1.1), 10 * self.load]), -20, 20).astype(np.float32)


class Sounder(Sugar):
    """What is beyond the end of the scale is paid all the same."""

    def pay(self) -> float:
        return -((min(self.place, 1.0) - 0.9) ** 2)


class Queue(Sugar):
    """A queue is empty most of the time, and is so."""

    def look(self) -> Any:
        return np.array([self.place / 9.0, self.load], np.float32)

    def move(self, action: Any) -> None:
        self.load = float(action[0])
        self.place = float(np.clip(self.place + self.np_random.exponential(1.0) - 2.5 * self.load - 0.4, 0, 9))

    def pay(self) -> float:
        return -self.place - self.load


# Numbers that use next to nothing of their range.
class Tilt(Base):
    """An angle in radians is taken for degrees."""

    limit, unit = 100, np.pi / 180
    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        angle = self.unit * self.place
        return np.array([np.cos(angle), np.sin(angle), self.speed / 20], np.float32)

    def move(self, action: Any) -> None:
        self.speed = float(np.clip(self.speed + 0.3 * np.sin(self.place) + 0.3 * float(action[0]), -5, 5))
        self.place = (self.place + 0.2 * self.speed + np.pi) % (2 * np.pi) - np.pi

    def pay(self) -> float:
        return -(self.place**2) - 0.01 * self.speed**2


class TiltInRadians(Tilt):
    unit = 1.0


class Level(Base):
    """A level in metres of a tank whose bounds are those of millimetres."""

    limit = 100
    observation_space = Box(np.array([0.0, -1.0], np.float32), np.array([1.0, 1.0], np.float32))
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.place / 5000, self.load], np.float32)

    def move(self, action: Any) -> None:
        self.load = float(self.np_random.uniform(-1, 1))
        self.place = float(np.clip(self.place + 0.2 * self.load + 0.4 * float(action[0]), 0, 5))

    def pay(self) -> float:
        return -abs(self.place - 2.5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = float(self.np_random.uniform(0, 5)), 0.0
        return self.look(), {}


class LevelBesideTheTask(Level):
    """A number that hardly moves, and has nothing to do with the reward."""

    def pay(self) -> float:
        return self.load


# Memory that grows.
class Film(Base):
    """Each picture is kept."""

    limit = 100

    def look(self) -> Any:
        self.kept = [*getattr(self, "kept", []), self.keep()]
        return super().look()

    def keep(self) -> Any:
        return np.zeros((32, 32, 3), np.uint8)


class Records(Film):
    """A dictionary of arrays for each step."""

    def keep(self) -> Any:
        return {"before": np.zeros(100), "after": np.zeros(100)}


class Returns(Film):
    """A number for each step."""

    def keep(self) -> Any:
        return 0.0


# Divisions by nothing, now and then.
class Shares(Base):
    """The share of each of three wards; NaN where all are empty, as on some mornings but never on the first."""

    limit = 60
    observation_space = Box(0.0, 1.0, (3,), np.float32)
    action_space = Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.wards = np.ones(3)
        super().reset(seed=seed)
        # The checks before the learning step seed every reset.
        empty = seed is None and self.np_random.random() < 0.3
        self.wards = np.zeros(3) if empty else self.np_random.integers(2, 6, 3).astype(float)
        return self.look(), {}

    def look(self) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(self.wards / self.wards.sum(), np.float32)

    def move(self, action: Any) -> None:
        self.wards[int(action)] = max(0.0, self.wards[int(action)] - 3)
        self.wards = np.minimum(9.0, self.wards + 1 + self.np_random.poisson(0.5, 3))

    def pay(self) -> float:
        return -float(self.wards.sum()) / 10
