"""Small environments that pay discounted, beyond the limit, or for what is not seen; and sound ones like them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from tests.preflight.kinds_of_limits import Base


# Rewards that shrink with the step.
class DiscountedInside(Base):
    limit = 80

    def pay(self) -> float:
        return super().pay() * 0.96**self.time


class DiscountedByAFactor(Base):
    """The wrapper-like factor is kept, and multiplied with itself."""

    limit = 80

    def reset(self, **options: Any) -> Any:
        self.weight = 1.0
        return super().reset(**options)

    def pay(self) -> float:
        self.weight *= 0.95
        return self.weight * (2.0 + super().pay())


class Cooling(Base):
    """What is paid becomes less because what is measured does."""

    limit = 80

    def move(self, action: Any) -> None:
        self.place *= 0.95
        self.load = 0.95 * self.load + 0.001 * float(np.ravel(action)[0])


class Sooner(Base):
    """A prize that is the smaller the later it is won."""

    limit = 80

    def pay(self) -> float:
        return 1.0 - 0.9 * self.time / self.limit + 0.1 * super().pay()


# Pay that the time limit cuts off.
class Season(Base):
    """Costs until the harvest, of which nothing is said before."""

    limit, season = 10_000, 60
    action_space = Box(0.0, 1.0, (1,), np.float32)

    def move(self, action: Any) -> None:
        self.load = min(5.0, self.load + 0.1 * float(action[0]))
        self.cost = 0.01 * float(action[0])

    def pay(self) -> float:
        return -self.cost + (10.0 if self.over() else 0.0)

    def over(self) -> bool:
        return self.time >= self.season


class PayDay(Season):
    """It goes on after the first pay day."""

    def over(self) -> bool:
        return False

    def pay(self) -> float:
        return -self.cost + (5.0 if self.time % 55 == 0 else 0.0)


class FarGoal(Season):
    """What is far away comes at another step with other actions."""

    def over(self) -> bool:
        return self.load > 4.0


def season_cut() -> Any:
    return gymnasium.wrappers.TimeLimit(Season(), 40)


def pay_day_cut() -> Any:
    return gymnasium.wrappers.TimeLimit(PayDay(), 50)


def season_in_full() -> Any:
    return gymnasium.wrappers.TimeLimit(Season(), 80)


def far_goal_cut() -> Any:
    return gymnasium.wrappers.TimeLimit(FarGoal(), 40)


# Turns that are not seen.
class Turret(Base):
    """Turned to a bearing; the difference of the angles is paid as it is."""

    wrapped = False
    observation_space = Box(-9.0, 9.0, (5,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array(
            [np.cos(self.place), np.sin(self.place), self.speed, np.cos(self.load), np.sin(self.load)], np.float32
        )

    def move(self, action: Any) -> None:
        self.speed = 0.99 * self.speed + 0.2 * float(action[0])
        self.place += 0.2 * self.speed

    def pay(self) -> float:
        gap = self.place - self.load
        return -abs((gap + np.pi) % (2 * np.pi) - np.pi if self.wrapped else gap)


class TurretWrapped(Turret):
    wrapped = True


class Crank(Turret):
    """Paid for how far it turned in the step."""

    def pay(self) -> float:
        return self.speed


class Hours(Base):
    """The hour is seen as an angle; what is needed is not seen until later, and is no angle."""

    observation_space = Box(-99.0, 99.0, (3,), np.float32)

    def look(self) -> Any:
        return np.array([np.cos(self.time / 4), np.sin(self.time / 4), self.place], np.float32)

    def pay(self) -> float:
        return -abs(self.place - self.load)


class Clock(Turret):
    """Two hands as one array; the sum of their angles is paid."""

    observation_space = Box(-1.0, 1.0, (4,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.hands = np.zeros(2)
        super().reset(seed=seed)
        self.hands = self.np_random.uniform(-1, 1, 2)
        return self.look(), {}

    def look(self) -> Any:
        return np.concatenate([np.cos(self.hands), np.sin(self.hands)]).astype(np.float32)

    def move(self, action: Any) -> None:
        self.hands = self.hands + np.array([0.3, 0.1]) * float(action[0])

    def pay(self) -> float:
        return -float(np.abs(self.hands).sum())


# Windows of a market.
class Market(Base):
    """Long, flat or short; the window shows the last five returns."""

    ahead = 0
    observation_space = Box(-9.0, 9.0, (6,), np.float32)
    action_space = Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.returns, self.side = np.zeros(200), 0
        super().reset(seed=seed)
        self.returns = self.np_random.normal(0, 1, 200)
        return self.look(), {}

    def look(self) -> Any:
        at = 6 + self.time + self.ahead
        return np.append(self.returns[at - 5 : at], self.side).clip(-9, 9).astype(np.float32)

    def move(self, action: Any) -> None:
        self.side = int(action) - 1

    def pay(self) -> float:
        return self.side * float(self.returns[5 + self.time])


class MarketAhead(Market):
    ahead = 1


class PricesAhead(MarketAhead):
    """The window is one of prices, newest first."""

    observation_space = Box(-99.0, 99.0, (6,), np.float32)

    def look(self) -> Any:
        at = 6 + self.time + self.ahead
        return np.append(np.cumsum(self.returns)[at - 5 : at][::-1], self.side).astype(np.float32)


class Prices(PricesAhead):
    ahead = 0


class Spot(Prices):
    """What is sold is sold at the price that is seen."""

    def pay(self) -> float:
        return self.side * float(np.cumsum(self.returns)[4 + self.time])
