"""Small environments whose angles, goals and counters are in the right unit, frame and size, or in a wrong one."""

from __future__ import annotations

import time
from time import monotonic_ns
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from tests.preflight.kinds_of_limits import Base


# Angles.
class Boat(Base):
    """Steered by a rudder, in degrees."""

    observation_space = Box(-200.0, 200.0, (3,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    turn = 360.0

    def angle(self) -> float:
        return float(np.deg2rad(self.course))

    def look(self) -> Any:
        return np.array([self.x, self.y, self.course / self.turn], np.float32)

    def move(self, action: Any) -> None:
        self.course += self.turn / 24 * float(np.ravel(action)[0])
        self.course = (self.course + self.turn / 2) % self.turn - self.turn / 2
        self.x += 0.3 * self.quick * np.cos(self.angle())
        self.y += 0.3 * self.quick * np.sin(self.angle())

    def pay(self) -> float:
        return -float(np.hypot(self.x, self.y))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.x, self.y, self.course = 0.0, 0.0, 0.0
        super().reset(seed=seed)
        self.x, self.y, self.quick = self.np_random.uniform(0.5, 1, 3)
        self.course = float(self.np_random.uniform(-self.turn / 2, self.turn / 2))
        return self.look(), {}


class BoatInDegreesAlone(Boat):
    def angle(self) -> float:
        return self.course


class BoatInRadians(Boat):
    turn = 2 * np.pi

    def angle(self) -> float:
        return self.course


class BoatConvertedTwice(BoatInRadians):
    def angle(self) -> float:
        return float(np.deg2rad(self.course))


class Compass(Base):
    """A needle that is turned, of which the cosine and the sine are seen."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Discrete(3)

    def look(self) -> Any:
        angle = self.seen(self.needle)
        return np.array([np.cos(angle), np.sin(angle)], np.float32)

    def seen(self, needle: float) -> float:
        return float(np.deg2rad(needle))

    def move(self, action: Any) -> None:
        self.needle = (self.needle + 7.5 * (int(action) - 1)) % 360

    def pay(self) -> float:
        return float(np.cos(np.deg2rad(self.needle)))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.needle = 0.0
        super().reset(seed=seed)
        self.needle = float(self.np_random.uniform(0, 360))
        return self.look(), {}


class CompassInDegreesAlone(Compass):
    def seen(self, needle: float) -> float:
        return needle


class Wheel(Compass):
    """Turns on and on, in radians, from anywhere."""

    def seen(self, needle: float) -> float:
        return needle

    def move(self, action: Any) -> None:
        self.needle += 2.0 * (int(action) + 0.5)

    def pay(self) -> float:
        return float(np.cos(self.needle))


# Frames and units of goals.
class Hand(Base):
    """A hand above a table, whose corner stands at (1.2, 0.8)."""

    corner, far, limit = np.array([1.2, 0.8]), 0.2, 40
    action_space = Box(-1.0, 1.0, (2,), np.float32)
    observation_space = Dict(
        {key: Box(-np.inf, np.inf, (2,)) for key in ("observation", "achieved_goal", "desired_goal")}
    )

    def achieved(self) -> Any:
        return self.at.copy()

    def desired(self) -> Any:
        return self.target.copy()

    def look(self) -> Any:
        return {"observation": self.at - self.corner, "achieved_goal": self.achieved(), "desired_goal": self.desired()}

    def move(self, action: Any) -> None:
        self.at = np.clip(self.at + 0.03 * np.clip(action, -1, 1), self.corner - 0.3, self.corner + 0.3)

    def compute_reward(self, achieved_goal: Any, desired_goal: Any, info: Any) -> Any:
        return -np.linalg.norm(np.asarray(achieved_goal) - desired_goal, axis=-1)

    def pay(self) -> float:
        return float(self.compute_reward(self.achieved(), self.desired(), {}))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.at, self.target = self.corner.copy(), self.corner.copy()
        super().reset(seed=seed)
        self.at = self.corner + self.np_random.uniform(-0.2, 0.2, 2)
        self.target = self.corner + self.np_random.uniform(-0.2, 0.2, 2)
        return self.look(), {}


class HandFromTheCorner(Hand):
    def achieved(self) -> Any:
        return self.at - self.corner


class GoalFromTheCorner(Hand):
    def desired(self) -> Any:
        return self.target - self.corner


class GoalInMillimetres(Hand):
    def desired(self) -> Any:
        return 1000 * self.target


class HandInItsFrame(Hand):
    """Both from the corner."""

    def achieved(self) -> Any:
        return self.at - self.corner

    def desired(self) -> Any:
        return self.target - self.corner


class HandOfALongWay(Hand):
    """Goals far away, in the same frame; where it was counted from is another place."""

    def move(self, action: Any) -> None:
        self.at = self.at + 0.1 * np.clip(action, -1, 1)
        self.log = self.at - 7.0

    def reset(self, **options: Any) -> Any:
        self.log = np.zeros(2)
        super().reset(**options)
        self.target = self.target + 3.0
        return self.look(), {}


# Counters.
class Calls(Base):
    """One of four lines is served; the others wait."""

    limit, kind = 120, np.int64
    observation_space = Box(-200.0, 1000.0, (4,), np.float32)
    action_space = Discrete(4)

    def look(self) -> Any:
        return self.lines.astype(np.float32)

    def move(self, action: Any) -> None:
        self.lines += self.np_random.poisson(3, 4).astype(self.kind)
        self.lines[int(action)] -= min(max(0, int(self.lines[int(action)])), 5)

    def pay(self) -> float:
        return -0.01 * float(self.lines.sum())

    def reset(self, **options: Any) -> Any:
        self.lines = np.zeros(4, self.kind)
        return super().reset(**options)


class CallsInBytes(Calls):
    kind = np.int8


class Meter(Base):
    """Counts by hundreds, in one number."""

    limit, count = 200, np.int16(0)
    observation_space = Box(-4.0, 4.0, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.count / 1e4, self.place], np.float32)

    def move(self, action: Any) -> None:
        super().move(action)
        with np.errstate(over="ignore"):
            self.count = np.int16(self.count + np.int16(250 + 50 * np.ravel(action)[0]))

    def reset(self, **options: Any) -> Any:
        self.count = np.int16(0)
        return super().reset(**options)


class MeterThatStops(Meter):
    """The same up to its last number."""

    def move(self, action: Any) -> None:
        Base.move(self, action)
        self.count = np.int16(min(32_000, int(self.count) + 250))


class Board(Base):
    """Stones of both players as -1 and 1, and a mark of -100 for what is out of play."""

    observation_space = Box(-100, 1, (9,), np.int8)
    action_space = Discrete(9)

    def look(self) -> Any:
        return self.stones.copy()

    def move(self, action: Any) -> None:
        self.stones[int(action)] = -100 if self.stones[int(action)] else 1

    def pay(self) -> float:
        return float(self.stones[4] == 1)

    def reset(self, **options: Any) -> Any:
        self.stones = np.zeros(9, np.int8)
        return super().reset(**options)


# Clocks.
class RealTime(Base):
    """Moves as long as the last step took."""

    def move(self, action: Any) -> None:
        now = self.clock()
        self.place += (now - self.last) * (1 + float(np.ravel(action)[0]))
        self.last = now

    def clock(self) -> float:
        return time.perf_counter()

    def reset(self, **options: Any) -> Any:
        self.last = self.clock()
        return super().reset(**options)


class RealTimeInNanoseconds(RealTime):
    def clock(self) -> float:
        return monotonic_ns() / 1e9


class Timed(Base):
    """Only measures how long steps take, and draws from a generator that nobody seeds."""

    def move(self, action: Any) -> None:
        super().move(action)
        self.took = time.perf_counter()
        self.place += float(np.random.default_rng().normal())
