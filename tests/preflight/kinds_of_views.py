"""Small environments whose observations show the state wrongly, and those that look alike and are sound."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary

from tests.preflight.kinds_of_limits import Base


class Plane(Base):
    """A point on a plane that each action moves at once; two numbers say where it is, two where it should be."""

    limit = 50
    observation_space: Any = Box(-np.inf, np.inf, (4,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        gymnasium.Env.reset(self, seed=seed)
        self.x, self.y = (float(v) for v in self.np_random.uniform(-1, 1, 2))
        self.goal = self.np_random.uniform(-1, 1, 2)
        self.time = 0
        self.begin()
        return self.look(), {}

    def begin(self) -> None:
        pass

    def look(self) -> Any:
        return np.array([self.x, self.y, *self.goal], np.float32)

    def move(self, action: Any) -> None:
        one, two = np.clip(np.ravel(action)[:2], -1, 1)
        self.x += 0.1 * float(one)
        self.y += 0.1 * float(two)

    def pay(self) -> float:
        return -float(np.hypot(self.x - self.goal[0], self.y - self.goal[1]))


# Of which one part is late.
class OneAxisLate(Plane):
    def begin(self) -> None:
        self.camera = self.y

    def look(self) -> Any:
        seen, self.camera = self.camera, self.y
        return np.array([self.x, seen, *self.goal], np.float32)


class OneKeyLate(Plane):
    """A dictionary of which one part is read two steps too early, and handed out in other units."""

    observation_space = Dict(
        arm=Box(-np.inf, np.inf, (1,), np.float32),
        camera=Box(-np.inf, np.inf, (1,), np.float32),
        goal=Box(-1, 1, (2,), np.float32),
    )

    def begin(self) -> None:
        self.frames = deque([self.x] * 3, maxlen=3)

    def look(self) -> Any:
        self.frames.append(self.x)
        one, other = np.array([100 * self.frames[0]], np.float32), np.array([self.y], np.float32)
        return {"arm": other, "camera": one, "goal": self.goal.astype(np.float32)}


class NowAndBefore(Plane):
    """Both where it is and where it was: a stack."""

    observation_space = Box(-np.inf, np.inf, (6,), np.float32)

    def begin(self) -> None:
        self.old = (self.x, self.y)

    def look(self) -> Any:
        seen, self.old = (self.x, self.y, *self.old, *self.goal), (self.x, self.y)
        return np.array(seen, np.float32)


class LastDemand(Plane):
    """What is asked for next is drawn already, and not for the agent to see."""

    def begin(self) -> None:
        self.asked = self.next = 0.0

    def move(self, action: Any) -> None:
        super().move(action)
        self.asked, self.next = self.next, float(self.np_random.normal())

    def look(self) -> Any:
        return np.array([self.x, self.y, self.asked, self.goal[0]], np.float32)


class PlacesAlone(Plane):
    """Places that velocities move, which follow forces: an action moves a place one step later."""

    def begin(self) -> None:
        self.speed_x = self.speed_y = 0.0

    def move(self, action: Any) -> None:
        one, two = np.clip(np.ravel(action)[:2], -1, 1)
        self.x, self.y = self.x + 0.1 * self.speed_x, self.y + 0.1 * self.speed_y
        self.speed_x, self.speed_y = self.speed_x + 0.1 * float(one), self.speed_y + 0.1 * float(two)


class PlacesAndTorque(PlacesAlone):
    """The same with the force that was applied last, which nobody needs to see."""

    def move(self, action: Any) -> None:
        super().move(action)
        self.force = np.asarray(action, float)


class LatePlaces(PlacesAlone):
    """Places that are handed out a step late: the velocity moved at once, and what is seen is old."""

    def look(self) -> Any:
        self.seen = [*getattr(self, "seen", []), super().look()][-2:] if self.time else [super().look()]
        return self.seen[0]


class QueueOfOne(Plane):
    """An action waits for the next step."""

    def begin(self) -> None:
        self.waiting = np.zeros(2)

    def move(self, action: Any) -> None:
        now, self.waiting = self.waiting, np.asarray(action, float)
        super().move(now)


class Fleeting(Plane):
    """Most episodes end with their first step."""

    def over(self) -> bool:
        return abs(self.x) > 0.2


# What is paid for and cannot be seen.
class HiddenCell(Base):
    """A corridor of cells, one of which pays and ends the episode; which one is not seen."""

    observation_space = Discrete(9)
    action_space = Discrete(2)
    shown = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        gymnasium.Env.reset(self, seed=seed)
        self.cell, self.prize = 4, int(self.np_random.choice([2, 3, 5, 6, 7]))
        self.time = 0
        return self.look(), {}

    def look(self) -> Any:
        return self.cell

    def move(self, action: Any) -> None:
        self.cell = int(np.clip(self.cell + 2 * int(action) - 1, 0, 8))

    def pay(self) -> float:
        return 1.0 if self.over() else -0.02 * abs(self.cell - self.prize)

    def over(self) -> bool:
        return bool(self.cell == self.prize)


class HiddenDoor(Plane):
    """A door in one of four corners, paid for by nearness, that ends the episode; a small room."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)

    def begin(self) -> None:
        self.door = [float(v) for v in self.np_random.choice([-0.5, 0.5], 2)]
        self.goal = np.zeros(2)

    def look(self) -> Any:
        return np.array([self.x, self.y], np.float32)

    def pay(self) -> float:
        return -float(np.hypot(self.x - self.door[0], self.y - self.door[1]))

    def over(self) -> bool:
        return self.pay() > -0.4


class ShownCell(HiddenCell):
    observation_space = Box(0, 1, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.cell / 8, self.prize / 8], np.float32)


class ShownByDirection(HiddenCell):
    """On which side the prize is."""

    observation_space = Box(-1, 1, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.cell / 8, np.sign(self.prize - self.cell)], np.float32)


class UnusedCell(HiddenCell):
    """A cell that is drawn and used for nothing."""

    def pay(self) -> float:
        return -0.02 * abs(self.cell - 8)

    def over(self) -> bool:
        return False


# Angles that jump, and bytes that overflow.
class Turntable(Base):
    """An angle to a target, and its rate."""

    limit = 100
    observation_space: Any = Box(-10, 10, (2,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        gymnasium.Env.reset(self, seed=seed)
        self.angle, self.rate, self.time = float(self.np_random.uniform(-np.pi, np.pi)), 0.0, 0
        return self.look(), {}

    def move(self, action: Any) -> None:
        self.rate = 0.9 * self.rate + 0.1 * float(action[0])
        self.angle += self.rate

    def pay(self) -> float:
        return float(np.cos(self.angle))

    def look(self) -> Any:
        return np.array([self.angle % (2 * np.pi), self.rate], np.float32)


class DegreesInADict(Turntable):
    observation_space = Dict(bearing=Box(0, 360, (1,), np.float32), rate=Box(-10, 10, (1,), np.float32))

    def look(self) -> Any:
        bearing = np.array([np.degrees(self.angle) % 360], np.float32)
        return {"bearing": bearing, "rate": np.array([self.rate], np.float32)}


class AroundZero(Turntable):
    """An error in [-pi, pi) jumps where the target is behind."""

    def look(self) -> Any:
        return np.array([(self.angle + np.pi) % (2 * np.pi) - np.pi, self.rate], np.float32)


class SineAndCosine(Turntable):
    def look(self) -> Any:
        return np.array([np.sin(self.angle), np.cos(self.angle)], np.float32)


class Winding(Turntable):
    """An angle that goes on."""

    def look(self) -> Any:
        return np.array([self.angle, self.rate], np.float32)


class Heading(Turntable):
    """The target is elsewhere than where the number jumps."""

    def pay(self) -> float:
        return float(np.cos(self.angle - np.pi / 2))


class Granary(Base):
    """A stock of grain in a byte, that is sold below nothing."""

    limit = 100
    observation_space: Any = Box(0, 255, (2,), np.uint8)
    action_space = Discrete(5)
    kind: Any = np.uint8

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        gymnasium.Env.reset(self, seed=seed)
        self.stock = np.array([25], self.kind)
        self.asked, self.time = np.array([self.np_random.integers(0, 6)], self.kind), 0
        return self.look(), {}

    def look(self) -> Any:
        return np.concatenate([self.stock, self.asked]).astype(np.uint8)

    def move(self, action: Any) -> None:
        self.stock = self.stock + np.array([int(action)], self.kind) - self.asked
        self.asked = np.array([self.np_random.integers(0, 6)], self.kind)

    def pay(self) -> float:
        return -0.02 * float(self.stock[0])


class Battery(Granary):
    """The same upwards: what is charged too much is gone, in a byte that is counted from -128."""

    observation_space = Box(-128, 127, (1,), np.int8)
    kind = np.int8

    def look(self) -> Any:
        return self.stock.copy()

    def move(self, action: Any) -> None:
        self.stock = self.stock + np.array([2 * int(action)], np.int8) - np.array([1], np.int8)

    def pay(self) -> float:
        return 0.01 * float(self.stock[0])


class GranaryThatEmpties(Granary):
    kind = np.int64

    def move(self, action: Any) -> None:
        super().move(action)
        self.stock = np.clip(self.stock, 0, 255)


class Reloads(GranaryThatEmpties):
    """An empty magazine is filled at once."""

    def move(self, action: Any) -> None:
        super().move(action)
        self.stock = np.where(self.stock == 0, 250, self.stock)


class Encoder(Granary):
    """A byte that turns with a shaft; where it stands pays nothing."""

    def move(self, action: Any) -> None:
        super().move(action)
        self.asked = self.asked * 0

    def pay(self) -> float:
        return float(np.cos(2 * np.pi * float(self.stock[0]) / 256))


# Frames in another order than that of time.
class Ring(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The last frames, as they lie in memory."""

    count = 4

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        (size,) = env.observation_space.shape
        self.observation_space = self.space(size)

    def space(self, size: int) -> Any:
        return Box(-np.inf, np.inf, (self.count * size,), np.float32)

    def look(self) -> Any:
        return self.ring.ravel().copy()

    def reset(self, **options: Any) -> Any:
        seen, info = self.env.reset(**options)
        self.ring, self.at = np.tile(seen, (self.count, 1)), 0
        return self.look(), info

    def step(self, action: Any) -> Any:
        seen, *rest = self.env.step(action)
        self.ring[self.at % self.count] = seen
        self.at += 1
        return self.look(), *rest


class RingOfRows(Ring):
    """As rows, in a dictionary, of three frames."""

    count = 3

    def space(self, size: int) -> Any:
        return Dict(frames=Box(-np.inf, np.inf, (self.count, size), np.float32))

    def look(self) -> Any:
        return {"frames": self.ring.copy()}


class InOrder(Ring):
    def look(self) -> Any:
        return np.roll(self.ring, -self.at, axis=0).ravel()


class Turns(Base):
    """Three players take turns; each moves its own piece."""

    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        gymnasium.Env.reset(self, seed=seed)
        self.pieces, self.time = self.np_random.uniform(-2, 2, 3), 0
        return self.look(), {}

    def look(self) -> Any:
        return self.pieces.astype(np.float32)

    def move(self, action: Any) -> None:
        self.pieces[self.time % 3] += 0.1 * float(action[0])

    def pay(self) -> float:
        return -float(np.abs(self.pieces).sum())


def ring() -> Any:
    return Ring(Plane())


def ring_of_places() -> Any:
    """Places alone, so that the right order would show velocities."""
    return RingOfRows(PlacesAlone())


def in_order() -> Any:
    return InOrder(PlacesAlone())


def stacked() -> Any:
    return gymnasium.wrappers.FlattenObservation(gymnasium.wrappers.FrameStackObservation(PlacesAlone(), 4))


# Numbers that are clipped away.
class Clipped(Plane):
    """Scaled far too much, and clipped."""

    observation_space = Box(-1, 1, (4,), np.float32)
    scale = 20.0

    def look(self) -> Any:
        return np.clip(self.scale * super().look(), -1, 1).astype(np.float32)

    def begin(self) -> None:
        self.goal = np.zeros(2)

    def move(self, action: Any) -> None:
        super().move(5 * np.asarray(action))
        self.goal = np.array([np.sin(self.time * self.x), np.cos(self.time)])


class ClippedPart(Clipped):
    observation_space = Dict(place=Box(-3, 3, (2,), np.float32), goal=Box(-1, 1, (2,), np.float32))

    def look(self) -> Any:
        seen = np.array([self.x, self.y, *self.goal], np.float32)
        return {"place": np.clip(60 * seen[:2], -3, 3), "goal": seen[2:]}


class ClippedALittle(Clipped):
    scale = 1.0


class Signs(Clipped):
    """On which side it is, of each, and whether it is near."""

    def look(self) -> Any:
        seen = np.array([self.x, self.y, *self.goal])
        return np.where(np.abs(seen) < 0.02, 0, np.sign(seen)).astype(np.float32)


class Switches(Clipped):
    """Two switches beside two places."""

    def look(self) -> Any:
        seen = np.array([self.x, self.y, *self.goal])
        return np.array([np.tanh(seen[0]), np.tanh(seen[1]), seen[2] > 0, seen[3] > 0], np.float32)


# What outlives an episode.
class OldFrames(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Frames that a reset adds to, and does not clear."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self.frames = self.nothing()
        self.observation_space = Box(-np.inf, np.inf, (3 * env.observation_space.shape[0],), np.float32)

    def nothing(self) -> Any:
        return deque([np.zeros(self.env.observation_space.shape, np.float32)] * 3, maxlen=3)

    def look(self, seen: Any) -> Any:
        self.frames.append(seen)
        return np.concatenate(self.frames)

    def reset(self, **options: Any) -> Any:
        seen, info = self.env.reset(**options)
        return self.look(seen), info

    def step(self, action: Any) -> Any:
        seen, *rest = self.env.step(action)
        return self.look(seen), *rest


class NewFrames(OldFrames):
    def reset(self, **options: Any) -> Any:
        self.frames = self.nothing()
        return super().reset(**options)


def old_frames() -> Any:
    return OldFrames(Plane())


def new_frames() -> Any:
    return NewFrames(Plane())


class SmoothedView(Plane):
    """A filter whose memory no reset clears; it begins with the first observation ever."""

    memory: Any = None

    def look(self) -> Any:
        seen = super().look()
        self.memory = seen if self.memory is None else 0.5 * self.memory + 0.5 * seen
        return self.memory.copy()


class SmoothedAnew(SmoothedView):
    def begin(self) -> None:
        self.memory = None


class RemembersLast(Plane):
    """The last observation is kept for drawing it, and for nothing else."""

    last: Any = None

    def step(self, action: Any) -> Any:
        self.last = super().look()
        return super().step(action)


# Bits that are the same in a few episodes by chance.
class Lamps(Plane):
    """Eight lamps, of which each episode has a pattern that is wanted."""

    observation_space = MultiBinary(10)
    wanted_bits = 5

    def begin(self) -> None:
        self.lamps = self.np_random.integers(0, 2, 5)
        self.wanted = np.zeros(5, np.int64)
        self.wanted[: self.wanted_bits] = self.np_random.integers(0, 2, self.wanted_bits)

    def look(self) -> Any:
        return np.concatenate([self.lamps, self.wanted]).astype(np.int8)

    def move(self, action: Any) -> None:
        self.lamps = (self.lamps + (np.ravel(action)[0] > np.linspace(-1, 0.9, 5))) % 2

    def pay(self) -> float:
        return float((self.lamps == self.wanted).mean())


class DeadLamp(Lamps):
    """One bit is never set."""

    wanted_bits = 4


class RareAlarm(Lamps):
    """Bits that are set in one episode of five."""

    def begin(self) -> None:
        super().begin()
        self.wanted = (self.np_random.random(5) < 0.2).astype(np.int64)


class SameWish(Lamps):
    """A wish that is the same in every episode."""

    def begin(self) -> None:
        super().begin()
        self.wanted = np.array([1, 0, 1, 1, 0])
