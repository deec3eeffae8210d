"""Small environments in which to do nothing, or to fall at once, pays most, and sound ones like them."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from tests.preflight.kinds_of_limits import Base


# What is paid for, and used up or not.
class Dirt(Base):
    """A vacuum cleaner on a line of twelve tiles; dirt that is paid for stays in a copy."""

    stays = True
    observation_space = Box(0.0, 12.0, (13,), np.float32)
    action_space = Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.dirt, self.cell = np.zeros(12), 0
        super().reset(seed=seed)
        self.dirt, self.cell = (self.np_random.random(12) < 0.4).astype(float), int(self.np_random.integers(12))
        return self.look(), {}

    def look(self) -> Any:
        return np.append(self.dirt, self.cell).astype(np.float32)

    def move(self, action: Any) -> None:
        self.cell = int(np.clip(self.cell + (0, 1, -1)[int(action)], 0, 11))
        dirt = self.dirt.copy() if self.stays else self.dirt
        self.taken, dirt[self.cell] = float(dirt[self.cell]), 0.0

    def pay(self) -> float:
        return self.taken - 0.05


class DirtTaken(Dirt):
    stays = False


class Mine(Dirt):
    """Ore of three sorts, and a shaft that may be dug deeper; the best is not used up."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.dirt = self.np_random.choice([0.0, 0.5, 1.0], 12, p=[0.5, 0.1, 0.4])
        return self.look(), {}


class Beacon(Dirt):
    """It is the task to come to a beacon, and to stay."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.dirt = np.eye(12)[int(self.np_random.integers(12))]
        return self.look(), {}


class Corner(Base):
    """It is the task to come to the corner of a board of four cells, and to stay there, against its walls."""

    limit = 40
    observation_space = Box(0.0, 1.0, (2,), np.float32)
    action_space = Discrete(4)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.cell = np.zeros(2)
        super().reset(seed=seed)
        self.cell = self.np_random.integers(0, 2, 2).astype(float)
        return self.look(), {}

    def look(self) -> Any:
        return self.cell.astype(np.float32)

    def move(self, action: Any) -> None:
        self.cell = np.clip(self.cell + ((1, 0), (-1, 0), (0, 1), (0, -1))[int(action)], 0, 1)

    def pay(self) -> float:
        return float((self.cell == 1).all())


class Battery(Base):
    """To sell costs, too: an abs() of the flow."""

    sells = False
    observation_space = Box(-9.0, 9.0, (2,), np.float32)
    action_space = Discrete(3)

    def look(self) -> Any:
        return np.array([self.place, self.load], np.float32)

    def move(self, action: Any) -> None:
        flow = float(np.clip(self.load + 0.2 * (int(action) - 1), 0, 1)) - self.load
        self.cost = (1.5 + self.place) * (flow if self.sells else abs(flow))
        self.load += flow
        self.place = float(np.clip(self.place + 0.1 * self.np_random.normal(), -1, 1))

    def pay(self) -> float:
        return -self.cost

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.load = 0.5
        return self.look(), {}


class BatteryThatSells(Battery):
    sells = True


# Falls that are not told.
class Pole(Base):
    """A pole falls to either side; each step costs, and a fall ends the episode and the costs."""

    limit, worth = 150, -1.0
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, **options: Any) -> Any:
        found = super().reset(**options)
        self.place, self.load = 0.05 * self.place, 0.0
        return self.look(), found[1]

    def move(self, action: Any) -> None:
        self.speed += 0.05 * (5 * self.place + 3 * float(action[0]))
        self.place += 0.1 * self.speed

    def over(self) -> bool:
        return abs(self.place) > 0.5

    def pay(self) -> float:
        return self.worth - 0.2 * float(self.action[0]) ** 2


class PoleOfAngles(Pole):
    """The same, seen in another order and seen from elsewhere."""

    def look(self) -> Any:
        return np.array([self.load, 3 * self.speed, 7 - 4 * self.place], np.float32)


class PoleThatPays(Pole):
    worth = 1.0


class PoleWithAFine(Pole):
    def pay(self) -> float:
        return super().pay() - 300.0 * self.over()


class Trip(Pole):
    """A way to a door at its end; each step costs."""

    def move(self, action: Any) -> None:
        self.place += 0.02 * (1 + float(action[0]))
