"""Small environments, broken and healthy, of the kinds that test_kinds_of_limits.py tells apart."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete


class Base(gymnasium.Env[Any, Any]):
    """A cart on a track, pushed to and fro, that is paid for being near the middle."""

    limit = 40
    observation_space: Any = Box(-np.inf, np.inf, (3,), np.float32)
    action_space: Any = Box(-1.0, 1.0, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, self.speed, self.load], np.float32)

    def pay(self) -> float:
        return -abs(self.place) - 0.1 * abs(self.load)

    def move(self, action: Any) -> None:
        one, two = np.clip(np.ravel(action)[:2], -1, 1)
        self.speed = 0.9 * self.speed + 0.05 * one
        self.load += 0.05 * two
        self.place += self.speed

    def over(self) -> bool:
        return False

    def tell(self) -> dict[str, Any]:
        return {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = self.np_random.uniform(-1, 1, 2)
        self.speed, self.time, self.action = 0.0, 0, None
        return self.look(), {}

    def step(self, action: Any) -> Any:
        self.action = action
        self.move(action)
        self.time += 1
        return self.look(), float(self.pay()), self.over(), self.time >= self.limit, self.tell()


# Limits before anything can happen.
class Corridor(Base):
    """A corridor of cells with a door at its end; -1 a step."""

    length, limit = 12, 5
    observation_space = Box(0.0, 30.0, (1,), np.float32)
    action_space = Discrete(2)

    def look(self) -> Any:
        return np.array([self.place], np.float32)

    def move(self, action: Any) -> None:
        self.place = max(0, self.place + 2 * int(action) - 1)

    def pay(self) -> float:
        return -1.0

    def over(self) -> bool:
        return self.place >= self.length

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(2))
        return self.look(), {}


class CorridorLongEnough(Corridor):
    limit = 20


class Swing(Base):
    """A weak motor has to swing a load up to where it pays; nothing is paid before."""

    limit = 8
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def move(self, action: Any) -> None:
        self.speed += 0.1 * float(np.clip(action[0], -1, 1)) - 0.15 * np.sin(self.place)
        self.place += 0.5 * self.speed

    def pay(self) -> float:
        return float(abs(self.place) > 1.5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = float(self.np_random.uniform(-0.05, 0.05)), 0.0
        return self.look(), {}


class SwingLongEnough(Swing):
    limit = 45


class Rounds(Base):
    """Five rounds with a reward in each: a short game."""

    limit = 5


class NeverPaid(Corridor):
    """Whose door never opens: no limit is to blame."""

    length = 10**9


# Success that is told where episodes are cut off.
class SuccessAtTheCut(Base):
    def tell(self) -> dict[str, Any]:
        return {"is_success": self.time >= self.limit}


class GoalSuccessAtTheCut(Base):
    """The same with goals and cells."""

    place_space = Box(-50.0, 50.0, (1,), np.float64)
    observation_space = Dict(observation=Box(-50, 50, (1,)), achieved_goal=place_space, desired_goal=place_space)
    action_space = Discrete(3)

    def look(self) -> Any:
        here = np.array([self.place])
        return {"observation": here.astype(np.float32), "achieved_goal": here, "desired_goal": np.array([self.load])}

    def move(self, action: Any) -> None:
        self.place += 0.2 * (int(action) - 1)

    def pay(self) -> float:
        return -abs(self.place - self.load)

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -np.linalg.norm(achieved - desired, axis=-1)

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.time >= self.limit}


class SuccessByPlace(Base):
    def tell(self) -> dict[str, Any]:
        return {"is_success": abs(self.place) < 0.5}


class SuccessJudgedAtTheEnd(Base):
    """Whether the cart is near the middle counts at the end alone."""

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.time >= self.limit and abs(self.place) < 0.5}


class SuccessOfSurvival(Base):
    """To stay on the track to the end is the task."""

    def over(self) -> bool:
        return abs(self.place) > 1.5

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.time >= self.limit and not self.over()}


# Numbers cast to bytes.
class SignedBytes(Base):
    limit = 100

    def look(self) -> Any:
        return (np.array([self.place, self.load]) * 400).astype(np.int64).astype(np.int8).astype(np.float32) / 128

    observation_space = Box(-1.0, 1.0, (2,), np.float32)


class BytesInADict(Base):
    limit = 100
    observation_space = Dict(where=Box(0, 1000, (2,), np.int64), speed=Box(-np.inf, np.inf, (1,), np.float32))

    def look(self) -> Any:
        where = (np.array([self.place, self.load]) * 300).astype(np.int64).astype(np.uint8).astype(np.int64)
        return {"where": where, "speed": np.array([self.speed], np.float32)}


class ClockFace(Base):
    """An angle in degrees wraps at 360, an hour at 24."""

    limit = 100
    observation_space = Box(0.0, 360.0, (2,), np.float32)

    def look(self) -> Any:
        return np.array([round(np.degrees(9 * self.place)) % 360, self.time % 24], np.float32)


class Thousandths(Base):
    """Whole numbers that do not wrap."""

    limit = 100

    def look(self) -> Any:
        return np.round(super().look() * 100)


class Memory(Base):
    """The memory of a game, declared as bytes, is what it is."""

    limit = 100
    observation_space = Box(0, 255, (2,), np.uint8)

    def look(self) -> Any:
        return (np.array([self.place, self.load]) * 300).astype(np.int64).astype(np.uint8)


# Parts of the action without an effect.
class HalfOfTheHeads(Base):
    action_space = MultiDiscrete([3, 3, 4, 4])

    def move(self, action: Any) -> None:
        super().move(np.asarray(action[:2], float) - 1)


class HalfOfTheMotors(Base):
    """The load's motor, and one more, are not connected."""

    action_space = Box(-1.0, 1.0, (3,), np.float32)

    def move(self, action: Any) -> None:
        super().move([float(action[0]), 0.0])


class SeldomHeads(Base):
    """To grip counts beside the load alone, and what to grip only then."""

    action_space = MultiDiscrete([3, 2, 3])

    def move(self, action: Any) -> None:
        near = abs(self.place - 0.25) < 0.1
        super().move([float(action[0]) - 1, (float(action[2]) - 1) * float(action[1]) * near])


class Shifted(Base):
    """Where starts are against a wall, one direction does nothing there."""

    def move(self, action: Any) -> None:
        super().move(action)
        self.place = max(self.place, -0.2)


class Gripper(Base):
    """One of three motors is for an object that is not there."""

    action_space = Box(-1.0, 1.0, (3,), np.float32)


# Actions that are weak, and those that are slow.
class Oven(Base):
    """Follows the weather; its heater is slow, and adds up."""

    limit, heater = 250, 0.004
    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, np.sin(self.time / 20 + self.load)], np.float32)

    def move(self, action: Any) -> None:
        self.place += self.heater * float(action[0]) + 0.01 * np.sin(self.time / 20 + self.load)


class OvenUnplugged(Oven):
    """A heater of watts where thousands are meant."""

    heater = 1e-5


class Boat(Base):
    """Drifts with a current, against which a paddle does nothing worth the name; three strokes."""

    limit, paddle = 120, 2e-5
    action_space = Discrete(3)

    def move(self, action: Any) -> None:
        self.speed = 0.98 * self.speed + self.paddle * (int(action) - 1) + 0.01 * np.sin(self.place + self.load)
        self.place += self.speed


class BoatWithAMotor(Boat):
    paddle = 1e-3


# What is seen late, and what acts late.
class LateView(Base):
    def reset(self, **options: Any) -> Any:
        self.views: list[Any] = []
        return super().reset(**options)

    def look(self) -> Any:
        self.views = [*self.views, super().look()][-9:]
        return self.views[0]


class LateCells(LateView):
    """The same of whole numbers, with a cost of the action."""

    action_space = MultiDiscrete([3, 3])

    def move(self, action: Any) -> None:
        super().move(np.asarray(action, float) - 1)

    def pay(self) -> float:
        return super().pay() - 0.01 * float(np.sum(self.action))


class LateMotors(Base):
    """A queue of actions, and a cost that is paid at once."""

    def reset(self, **options: Any) -> Any:
        self.queue = [np.zeros(2)] * 8
        return super().reset(**options)

    def move(self, action: Any) -> None:
        self.queue.append(action)
        super().move(self.queue.pop(0))

    def pay(self) -> float:
        return super().pay() - 0.01 * float(np.sum(np.abs(self.action)))


# Each step is several.
class Repeats(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Repeats an action and adds the rewards."""

    times = 10

    def step(self, action: Any) -> Any:
        total = 0.0
        for _ in range(self.times):
            seen, reward, over, cut, info = self.env.step(action)
            total += float(reward)
            if over or cut:
                break
        return seen, total, over, cut, info


def repeated() -> Any:
    """Four decisions an episode."""
    return Repeats(GoalSuccessAtTheCut())
