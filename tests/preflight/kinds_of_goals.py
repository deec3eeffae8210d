"""Small environments of the kinds that test_kinds_of_goals.py tells apart: goals, successes, ends and actions."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

from tests.preflight.kinds_of_limits import Base


# Ends that the observation shows.
class FallingBall(Base):
    """Caught at the bottom of a picture, or not: the row of the ball is the time."""

    rows = 20
    observation_space = Box(0, 255, (rows, 20, 1), np.uint8)
    action_space = Discrete(3)

    def look(self) -> Any:
        picture = np.zeros((self.rows, 20, 1), np.uint8)
        picture[self.time, round(self.ball)] = 255
        picture[self.rows - 1, self.hand - 1 : self.hand + 2] = 120
        return picture

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.ball, self.hand = 10.0, 10
        super().reset(seed=seed)
        self.ball = float(self.np_random.uniform(2, 17))
        return self.look(), {}

    def step(self, action: Any) -> Any:
        self.hand = int(np.clip(self.hand + int(action) - 1, 1, 18))
        self.ball = float(np.clip(self.ball + self.np_random.uniform(-0.5, 0.5), 0, 19))
        self.time += 1
        over = self.time == self.rows - 1
        caught = abs(self.ball - self.hand) <= 2
        return self.look(), (2.0 * caught - 1.0) * over, over, False, {}


class SandClock(Base):
    """Sand runs out of a glass that is weighed with its load."""

    def look(self) -> Any:
        left = self.filled - self.time
        return np.array([left + 3.0 * self.load, self.place, self.load], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.filled = 25
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        seen, paid, *_ = super().step(action)
        return seen, paid, self.time >= self.filled, False, {}


class CardsLeft(Base):
    """Twelve cards, one a step: those that were seen are marked."""

    observation_space = Box(0, 1, (12,), np.int8)
    action_space = Discrete(2)

    def look(self) -> Any:
        return self.marked.copy()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.marked = np.zeros(12, np.int8)
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        self.time += 1
        card = self.np_random.choice(np.flatnonzero(self.marked == 0))
        self.marked[card] = 1
        return self.look(), float((card >= 6) == (int(action) == 1)), self.time == 12, False, {}


class HiddenClock(Base):
    """The limit terminates, and nothing tells when."""

    def step(self, action: Any) -> Any:
        seen, paid, *_ = super().step(action)
        return seen, paid, self.time >= 30, False, {}


class HiddenClockInPictures(FallingBall):
    """The ball bounces about until the time is up."""

    def look(self) -> Any:
        picture = np.zeros((self.rows, 20, 1), np.uint8)
        picture[self.hand, round(self.ball)] = 255
        return picture


class HiddenClockThatDrifts(Base):
    """Goes on in one direction, faster or slower by chance."""

    def step(self, action: Any) -> Any:
        self.place += float(self.np_random.uniform(0.0, 0.4))
        seen, paid, *_ = super().step(action)
        return seen, paid, self.time >= 30, False, {}


# Actions that a step changes.
class ScalesInPlace(Base):
    def move(self, action: Any) -> None:
        action *= 0.5
        super().move(action)


class ClipsInPlace(Base):
    def move(self, action: Any) -> None:
        np.clip(action, -0.1, 0.1, out=action)
        super().move(action)


class HeadsCountedFromOne(Base):
    action_space = MultiDiscrete([3, 3])

    def move(self, action: Any) -> None:
        action -= 1
        super().move(action.astype(float))


class ScalesACopy(Base):
    def move(self, action: Any) -> None:
        super().move(0.5 * action)


class ScaledInPlaceByGymnasium(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Gymnasium's own wrapper, which copies."""

    def __init__(self) -> None:
        super().__init__(gymnasium.wrappers.RescaleAction(Base(), -2.0, 2.0))


# Goals that change.
class Point(Base):
    """A point that is pushed to a goal."""

    near = 0.1
    observation_space = Dict(
        observation=Box(-np.inf, np.inf, (2,)),
        achieved_goal=Box(-np.inf, np.inf, (2,)),
        desired_goal=Box(-np.inf, np.inf, (2,)),
    )

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -np.linalg.norm(np.asarray(achieved) - np.asarray(desired), axis=-1).astype(np.float64)

    def look(self) -> Any:
        here = np.array([self.place, self.load], np.float32)
        return {"observation": here, "achieved_goal": here.copy(), "desired_goal": self.goal.astype(np.float32)}

    def draw(self) -> Any:
        return self.np_random.uniform(-1, 1, 2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.goal = np.zeros(2)
        super().reset(seed=seed)
        self.goal = self.draw()
        return self.look(), {}

    def step(self, action: Any) -> Any:
        self.move(action)
        self.time += 1
        seen = self.look()
        paid = float(self.compute_reward(seen["achieved_goal"], seen["desired_goal"], {}))
        return seen, paid, False, self.time >= self.limit, self.tell()

    def distance(self) -> float:
        return float(np.hypot(self.place - self.goal[0], self.load - self.goal[1]))

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.distance() < self.near}


class DrawnWhereItIsSeen(Point):
    def look(self) -> Any:
        self.goal = self.draw()
        return super().look()


class DrawnOfFourCorners(Point):
    def draw(self) -> Any:
        return self.np_random.choice([-1.0, -0.9, -0.8, 0.7, 0.8, 0.9, 1.0], 2)

    def move(self, action: Any) -> None:
        self.goal = self.draw()
        super().move(action)


class DrawnByAWrapper(gymnasium.ObservationWrapper[Any, Any, Any]):
    def __init__(self) -> None:
        super().__init__(Point())

    def observation(self, observation: Any) -> Any:
        return {**observation, "desired_goal": self.np_random.uniform(-1, 1, 2).astype(np.float32)}


class GoalFlies(Point):
    """The goal flies in a circle."""

    def move(self, action: Any) -> None:
        turn = 0.2
        self.goal = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ self.goal
        super().move(action)


class GoalWanders(Point):
    def move(self, action: Any) -> None:
        self.goal = self.goal + self.np_random.normal(0, 0.05, 2)
        super().move(action)


class NextGoal(Point):
    """Every fourth step has a new goal."""

    def move(self, action: Any) -> None:
        if self.time % 4 == 3:
            self.goal = self.draw()
        super().move(action)


# Successes that stay.
class SuccessStays(Point):
    near, succeeded = 0.5, False

    def tell(self) -> dict[str, Any]:
        self.succeeded = self.succeeded or self.distance() < self.near
        return {"is_success": self.succeeded}


class SuccessesOfAll(Base):
    """Told without goals, under another name, once three episodes have succeeded."""

    count = 0

    def tell(self) -> dict[str, Any]:
        self.count += abs(self.place) < 0.1
        return {"solved": self.count >= 3}


class BestSoFar(Point):
    """Success is that the least distance so far is small."""

    least = np.inf

    def tell(self) -> dict[str, Any]:
        self.least = min(self.least, self.distance())
        return {"success": self.least < 0.3}


class SuccessStaysInTheEpisode(SuccessStays):
    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.succeeded = False
        return super().reset(seed=seed)


class SuccessByPlace(Point):
    near = 0.4


class SuccessByChance(Point):
    """Judged by a noisy sensor."""

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.distance() + self.np_random.normal(0, 0.5) < 0.5}


# Goals that must be met.
class MetExactly(Point):
    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return np.all(np.asarray(achieved) == np.asarray(desired), axis=-1) - 1.0


class MetToRounding(Point):
    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return np.all(np.isclose(achieved, desired, rtol=0, atol=1e-6), axis=-1).astype(float)


class MetInMicrometres(Point):
    """The threshold is in another unit than the goals."""

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return (super().compute_reward(achieved, desired, info) > -5e-6).astype(float)


class MetWithin(Point):
    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return (super().compute_reward(achieved, desired, info) > -0.1) - 1.0


class MetCells(MetExactly):
    """Cells of a board are met exactly."""

    action_space = Discrete(4)

    def draw(self) -> Any:
        return self.np_random.integers(-4, 5, 2)

    def move(self, action: Any) -> None:
        way = ((1, 0), (-1, 0), (0, 1), (0, -1))[int(action)]
        place, load = np.clip(np.round([self.place, self.load]) + way, -4, 4)
        self.place, self.load = float(place), float(load)


class MetFinely(Point):
    """Within a hundredth of a step: hard, and not the same as never."""

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return (super().compute_reward(achieved, desired, info) > -1e-3) - 1.0
