"""Small environments with masks, generators, arrays and wrappers that are used rightly and wrongly."""

from __future__ import annotations

import random
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from numpy.random import default_rng

from tests.preflight.kinds_of_limits import Base


# Rewards that wrappers clip.
class Plant(Base):
    """Costs up to some hundreds."""

    def pay(self) -> float:
        return -150.0 - 100 * abs(self.place) - 20 * abs(self.load)


class Clip(gymnasium.Wrapper[Any, Any, Any, Any]):
    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, min(1.0, max(-1.0, float(reward))), terminated, truncated, info


class ClipSmoothly(gymnasium.RewardWrapper[Any, Any]):
    def reward(self, reward: Any) -> float:
        return float(np.tanh(reward))


class Scale(gymnasium.RewardWrapper[Any, Any]):
    def reward(self, reward: Any) -> float:
        return float(reward) / 100


class Threshold(gymnasium.RewardWrapper[Any, Any]):
    def reward(self, reward: Any) -> float:
        return 0.0 if reward > -100 else -1.0


def clipped_first() -> Any:
    return Scale(Clip(Plant()))


def clipped_smoothly() -> Any:
    return ClipSmoothly(Plant())


def scaled_first() -> Any:
    return Clip(Scale(Scale(Plant())))


def sparse_by_threshold() -> Any:
    return Threshold(Plant())


# Generators that steps make.
class Shop(Base):
    """Demand is drawn at each step."""

    observation_space = Box(-100.0, 100.0, (2,), np.float32)
    action_space = Discrete(5)

    def look(self) -> Any:
        return np.array([self.place, self.demand], np.float32)

    def drawn(self) -> float:
        return float(self.np_random.normal(2, 1))

    def move(self, action: Any) -> None:
        self.demand = self.drawn()
        self.place += int(action) - self.demand

    def pay(self) -> float:
        return -abs(self.place)

    def reset(self, **options: Any) -> Any:
        self.demand = 0.0
        return super().reset(**options)


class ShopSeededInSteps(Shop):
    def drawn(self) -> float:
        np.random.seed(3)
        return float(np.random.normal(2, 1))


class ShopOfItsOwnSeed(Shop):
    own = 8

    def drawn(self) -> float:
        return float(default_rng(seed=self.own).normal(2, 1))


class ShopOfPython(Shop):
    def drawn(self) -> float:
        return random.Random(7).gauss(2, 1)


class ShopOfDays(Shop):
    """Each day has its own seed, so that a day can be played again."""

    def drawn(self) -> float:
        return float(default_rng([5, self.time]).normal(2, 1) + random.Random(self.time).random())


class ShopWithAPicture(Shop):
    """What is drawn from a seed of its own is neither seen nor paid."""

    def drawn(self) -> float:
        self.picture = default_rng(1).normal(size=(9, 9))
        return super().drawn()


# Masks of a table.
class Berths(Base):
    """Ships of three lengths in four berths: action = ship * 4 + berth."""

    observation_space = Box(0.0, 2.0, (7,), np.float32)
    action_space = Discrete(12)
    limit = 12

    def fits(self) -> Any:
        return (self.ships[:, None] > 0) & (self.ships[:, None] <= self.berths[None, :])

    def action_masks(self) -> Any:
        return self.fits().ravel()

    def look(self) -> Any:
        return np.concatenate([self.ships, self.berths]).astype(np.float32)

    def move(self, action: Any) -> None:
        ship, berth = divmod(int(action), 4)
        self.place = -0.5
        if self.fits()[ship, berth]:
            self.place = 1.0 - float(self.berths[berth] - self.ships[ship])
            self.ships[ship] = self.berths[berth] = 0.0

    def pay(self) -> float:
        return self.place

    def over(self) -> bool:
        return not self.fits().any()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.ships, self.berths = np.zeros(3), np.zeros(4)
        super().reset(seed=seed)
        self.berths = self.np_random.uniform(0.4, 1, 4)
        self.ships = self.np_random.permutation(self.berths)[:3] * self.np_random.uniform(0.8, 1, 3)
        return self.look(), {}


class BerthsByColumns(Berths):
    def action_masks(self) -> Any:
        return self.fits().T.ravel()


class BerthsOneOn(Berths):
    """Counted from 1."""

    def action_masks(self) -> Any:
        return np.roll(self.fits().ravel(), 1)


class BerthsOfYesterday(Berths):
    """For the ships of another day."""

    def action_masks(self) -> Any:
        return np.roll(self.fits(), 1, axis=1).ravel()


class BerthsWithAClock(Berths):
    """The time goes on whatever is refused, and a last berth of each ship is the roads, where nothing is to do."""

    observation_space = Box(0.0, 20.0, (8,), np.float32)

    def look(self) -> Any:
        return np.append(super().look(), self.time).astype(np.float32)


class BerthsWithCare(Berths):
    """What would be a waste is left out, though step takes it."""

    def action_masks(self) -> Any:
        waste = self.berths[None, :] - self.ships[:, None]
        every = self.fits() & (waste < 0.3)
        return (every if every.any() else self.fits()).ravel()


# Arrays that are one and the same.
class Ship(Base):
    """Holds the place at which it was."""

    observation_space = Box(-100.0, 100.0, (4,), np.float32)

    def look(self) -> Any:
        return np.concatenate([self.state[:2] - self.home, self.state[2:]]).astype(np.float32)

    def move(self, action: Any) -> None:
        self.state[2:] += 0.1 * np.clip(np.ravel(action)[:2], -1, 1) - 0.02 * self.state[2:]
        self.state[:2] += self.state[2:]

    def pay(self) -> float:
        return -float(np.linalg.norm(self.state[:2] - self.home))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.state, self.home = np.zeros(4), np.zeros(2)
        super().reset(seed=seed)
        self.state = self.np_random.uniform(-1, 1, 4)
        self.home = self.state[:2].copy()
        return self.look(), {}


class ShipAtHomeForEver(Ship):
    def reset(self, **options: Any) -> Any:
        super().reset(**options)
        self.home = self.state[:2]
        return self.look(), {}


class ShipOfLists(Ship):
    """The same of lists."""

    def look(self) -> Any:
        return np.array([self.at[0] - self.home[0], self.at[1] - self.home[1], *self.at], np.float32)

    def move(self, action: Any) -> None:
        for part in range(2):
            self.at[part] += float(np.ravel(action)[part])

    def pay(self) -> float:
        return -abs(self.at[0] - self.home[0]) - abs(self.at[1] - self.home[1])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.at = self.home = [0.0, 0.0]
        Base.reset(self, seed=seed)
        self.at = [float(one) for one in self.np_random.uniform(-1, 1, 2)]
        self.home = self.at
        return self.look(), {}


class ShipOfOneNorm(Ship):
    """Only the pay knows the home: the observation has the place."""

    def look(self) -> Any:
        return self.state.astype(np.float32)

    def reset(self, **options: Any) -> Any:
        super().reset(**options)
        self.home = self.state[:2]
        return self.look(), {}


class ShipOfViews(Ship):
    """Parts of the state have names of their own."""

    def look(self) -> Any:
        return np.concatenate([self.position - self.home, self.velocity]).astype(np.float32)

    def reset(self, **options: Any) -> Any:
        self.position, self.velocity = np.zeros(2), np.zeros(2)
        super().reset(**options)
        self.position, self.velocity = self.state[:2], self.state[2:]
        return self.look(), {}


class ShipOfABuffer(ShipOfViews):
    """The state is written into one buffer for ever, of which the place is shown; its first number never changes."""

    def look(self) -> Any:
        return np.array([1.0, *self.position, *self.home[:1]], np.float32)
