"""Small environments of the kinds that test_kinds_of_relations.py tells apart: tables, targets, scales and chance."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

from tests.preflight.kinds_of_limits import Base

TABLE = np.random.default_rng(5).normal(size=(500, 6)).astype(np.float32)


# Rows of a table.
class Rows(Base):
    """Bets on what comes next in a table, of which the row is seen."""

    observation_space = Box(-np.inf, np.inf, (7,), np.float32)
    action_space = Discrete(3)

    def row(self) -> Any:
        return TABLE[self.tick]

    def look(self) -> Any:
        return np.append(self.row(), np.float32(self.held))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.tick, self.held = 20, 0.0
        super().reset(seed=seed)
        self.tick = int(self.np_random.integers(20, 400))
        return self.look(), {}

    def move(self, action: Any) -> None:
        self.held = float(action) - 1.0
        self.tick += 1

    def pay(self) -> float:
        return float(self.held * TABLE[self.tick, 0])


class RowsLate(Rows):
    """The row is read before the tick."""

    def step(self, action: Any) -> Any:
        before = self.row()
        _, paid, over, cut, info = super().step(action)
        return np.append(before, np.float32(self.held)), paid, over, cut, info


class WindowLate(RowsLate):
    """The last six numbers of a column."""

    def row(self) -> Any:
        return TABLE[self.tick - 5 : self.tick + 1, 0]


class MapLate(RowsLate):
    """As parts of a dictionary, with a continuous action that is seen at once."""

    observation_space = Dict(market=Box(-np.inf, np.inf, (6,), np.float32), held=Box(-1.0, 1.0, (1,), np.float32))
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def move(self, action: Any) -> None:
        self.held = float(action[0])
        self.tick += 1

    def look(self) -> Any:
        return {"market": self.row().copy(), "held": np.array([self.held], np.float32)}

    def step(self, action: Any) -> Any:
        before = self.row().copy()
        _, paid, over, cut, info = Rows.step(self, action)
        return {"market": before, "held": np.array([self.held], np.float32)}, paid, over, cut, info


class Window(Rows):
    def row(self) -> Any:
        return TABLE[self.tick - 5 : self.tick + 1, 0]


class Stacked(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Frames of rows, of which the first one is repeated at the start."""

    def __init__(self) -> None:
        super().__init__(gymnasium.wrappers.FrameStackObservation(Rows(), 3))


class WindFromRest(Base):
    """A balloon that wind carries off: it starts at rest, and its speed is not seen."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.drifted, self.place], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.drifted, self.wind = 0.0, 0.0
        return super().reset(seed=seed)

    def move(self, action: Any) -> None:
        self.drifted += self.wind
        self.wind += 0.1 * float(self.np_random.normal())
        super().move(action)


class ClockLate(Base):
    """Counts from the second step on."""

    def look(self) -> Any:
        return np.array([self.place, self.speed, max(0, self.time - 1)], np.float32)


class FewRowsLate(RowsLate):
    """Two numbers a row, that go on from row to row."""

    observation_space = Box(-np.inf, np.inf, (3,), np.float32)

    def row(self) -> Any:
        return np.sin(0.4 * self.tick) + 0.3 * TABLE[self.tick, :2]


class OneFrame(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Three frames that are one array, which is written in place."""

    def __init__(self) -> None:
        super().__init__(Base())
        self.frame = np.zeros(3, np.float32)
        self.frames = [self.frame] * 3
        self.observation_space = Box(-np.inf, np.inf, (9,), np.float32)

    def observation(self, observation: Any) -> Any:
        self.frame[:] = observation
        self.frames = [*self.frames[1:], self.frame]
        return np.concatenate(self.frames)


class OneFrameInRows(OneFrame):
    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Box(-np.inf, np.inf, (3, 3), np.float32)

    def observation(self, observation: Any) -> Any:
        return super().observation(observation).reshape(3, 3)


class OnePicture(gymnasium.ObservationWrapper[Any, Any, Any]):
    """Four pictures of which each is the last one."""

    copies = 4

    def __init__(self) -> None:
        super().__init__(Base())
        self.observation_space = Box(0, 255, (40, 40, self.copies), np.uint8)

    def observation(self, observation: Any) -> Any:
        picture = np.zeros((40, 40, 1), np.uint8)
        row, column = (int(np.clip(20 + 8 * value, 0, 39)) for value in observation[[0, 2]])
        picture[row, column] = 255
        picture[0] = int(127 + 120 * np.clip(observation[1], -1, 1))
        return np.repeat(picture, self.copies, axis=2)


class GreyInColours(OnePicture):
    """Red, green and blue of a grey picture."""

    copies = 3


# Rewards for what was gathered.
class Pig(Base):
    """Roll on, or take what was rolled: a one loses it."""

    limit = 60
    action_space = Discrete(2)
    observation_space = Box(0.0, 1000.0, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.rolled, self.time], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.rolled = self.paid = 0.0
        return super().reset(seed=seed)

    def move(self, action: Any) -> None:
        self.paid = 0.0 if action else self.rolled
        die = int(self.np_random.integers(1, 7)) if action else 1
        self.rolled = self.rolled + die if die > 1 else 0.0

    def pay(self) -> float:
        return self.paid


class Basket(Pig):
    """Gathers where it stands, and sells all when it rings the bell."""

    action_space = Discrete(3)

    def move(self, action: Any) -> None:
        self.paid = self.rolled if action == 2 else 0.0
        self.rolled = 0.0 if action == 2 else self.rolled + 0.5 * int(action)


# Steps that go astray now and then.
class Chain(Base):
    """One step in five goes the other way; back means to the start."""

    slip, limit = 0.2, 100
    observation_space = Discrete(5)
    action_space = Discrete(2)

    def look(self) -> Any:
        return self.link

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.link = 0
        return super().reset(seed=seed)

    def move(self, action: Any) -> None:
        back = bool(action) != (self.np_random.random() < self.slip)
        self.link = 0 if back else min(4, self.link + 1)

    def pay(self) -> float:
        return 10.0 if self.link == 4 else 2.0 * (self.link == 0)


class ChainThatSlipsALittle(Chain):
    slip = 0.3


# Rewards beside what is a success.
class Lift(Base):
    """A lift that should stop at a floor."""

    limit = 80
    observation_space = Box(-np.inf, np.inf, (3,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, self.load, self.speed], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = self.np_random.uniform(-1.0, 1.0), self.np_random.uniform(-0.3, 0.3)
        return self.look(), {}

    def move(self, action: Any) -> None:
        self.before = abs(self.place - self.load)
        self.speed = 0.6 * self.speed + 0.1 * float(np.clip(action[0], -1, 1))
        self.place = float(np.clip(self.place + self.speed, -1.5, 1.5))

    def pay(self) -> float:
        return -abs(self.place - self.load)

    def tell(self) -> dict[str, Any]:
        return {"is_success": abs(self.place - self.load) < 0.1}


class LiftWithASign(Lift):
    def pay(self) -> float:
        return self.place - self.load


class LiftSquaredOutside(Lift):
    """The square of what should have been taken off a size."""

    def pay(self) -> float:
        return (2.0 - (self.place - self.load)) ** 2


class LiftToTheMiddle(Lift):
    """A floor that is always the same, and that is not seen."""

    def pay(self) -> float:
        return 0.3 * self.place - 0.01 * abs(self.speed)

    def tell(self) -> dict[str, Any]:
        return {"success": abs(self.place) < 0.15}


class LiftByProgress(Lift):
    def pay(self) -> float:
        return self.before - abs(self.place - self.load)


class LiftPastTheFloor(LiftWithASign):
    """As high as it can: all above the floor is a success."""

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.place > self.load}


class LiftThatStops(LiftWithASign):
    """The floor ends the episode: nobody gets beyond it from below."""

    def over(self) -> bool:
        return abs(self.place - self.load) < 0.1


class Walk(Lift):
    """Cells with a door; pays by the change of the steps to it."""

    sign, limit = 1.0, 40
    observation_space = MultiDiscrete([9, 9, 9, 9])
    action_space = Discrete(4)

    def look(self) -> Any:
        return np.array([*self.here, *self.door])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.here = self.door = np.zeros(2, int)
        super().reset(seed=seed)
        self.here, self.door = self.np_random.integers(0, 9, (2, 2))
        return self.look(), {}

    def left(self) -> float:
        return float(np.abs(self.here - self.door).sum())

    def move(self, action: Any) -> None:
        self.before = self.left()
        self.here = np.clip(self.here + ((1, 0), (-1, 0), (0, 1), (0, -1))[int(action)], 0, 8)

    def over(self) -> bool:
        return self.left() == 0

    def pay(self) -> float:
        return 0.2 * self.sign * (self.before - self.left()) + 5.0 * self.over()

    def tell(self) -> dict[str, Any]:
        return {}


class WalkAway(Walk):
    sign = -1.0


class SailAway(Lift):
    """The same of a distance in a plane, by the new distance less the old one."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.place, self.load], np.float32)

    def pay(self) -> float:
        return abs(self.place - self.load) - self.before

    def tell(self) -> dict[str, Any]:
        return {}


# Numbers that hardly vary.
class Kettle(Base):
    """Degrees and a level, in units of one size."""

    sizes = (1.0, 1.0, 1.0)
    offsets = (0.0, 0.0, 0.0)

    def look(self) -> Any:
        return (np.array([self.load, self.speed * 10, self.place]) * self.sizes + self.offsets).astype(np.float32)

    def pay(self) -> float:
        return -(self.place**2)


class KettleInKilometres(Kettle):
    sizes = (1.0, 1.0, 1e-3)


class KettleOfOneScale(Kettle):
    sizes = (1.0, 1.0, 1e-3)
    offsets = (0.0, 0.5, -0.7)


class KettleInADict(Kettle):
    observation_space = Dict(level=Box(-np.inf, np.inf, (1,), np.float32), rest=Box(-np.inf, np.inf, (2,), np.float32))

    def look(self) -> Any:
        seen = super().look()
        return {"level": seen[2:] * np.float32(1e-3), "rest": seen[:2]}


class KettleWithAStillFinger(Kettle):
    """What hardly varies is not what is paid for."""

    sizes = (1e-3, 1.0, 1.0)


class KettleSeenTwice(Kettle):
    """The level is there in another unit, too."""

    observation_space = Box(-np.inf, np.inf, (4,), np.float32)

    def look(self) -> Any:
        seen = super().look()
        return np.append(seen, np.float32(1e-3) * seen[2])


# Moves.
class Board(Base):
    moves: tuple[tuple[int, int], ...] = ((0, 1), (0, -1), (1, 0), (-1, 0))
    observation_space = Box(0.0, 8.0, (2,), np.float32)
    action_space = Discrete(4)

    def look(self) -> Any:
        return np.array([self.place, self.load], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.load = (int(value) for value in self.np_random.integers(0, 9, 2))
        return self.look(), {}

    def move(self, action: Any) -> None:
        one, two = self.moves[int(action)]
        self.place, self.load = int(np.clip(self.place + one, 0, 8)), int(np.clip(self.load + two, 0, 8))


class BoardWithoutAWayUp(Board):
    moves = ((0, 1), (0, 1), (1, 0), (-1, 0))


class BoardOfEight(Board):
    moves = ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, -1), (1, -1), (1, -1), (0, 0))
    action_space = Discrete(9)


class BoardOnALine(Board):
    """Fast and slow, to either side, but for one."""

    moves = ((1, 0), (-1, 0), (2, 0), (1, 0))


class BoardWithTwoNames(Board):
    """Every move there is, one of them twice."""

    moves = (*Board.moves, (0, 1))
    action_space = Discrete(5)


class Falls(Board):
    """Nothing goes up, by design; the other moves are all there."""

    moves = ((0, 0), (1, 0), (-1, 0), (0, 1))


# Chance.
class Offer(Base):
    """One decision: the better of two, by what is seen."""

    observation_space = Box(-np.inf, np.inf, (3,), np.float32)
    action_space = Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.seen = self.np_random.normal(size=3).astype(np.float32)
        return self.seen.copy(), {}

    def worth(self, action: Any) -> float:
        return float(self.seen @ np.array([1.0, -1.0, 0.5]) * (2 * int(action) - 1))

    def step(self, action: Any) -> Any:
        paid = float(self.np_random.random() < 1 / (1 + np.exp(-self.worth(action))))
        return self.seen.copy(), paid, True, False, {}


class OfferToAnother(Offer):
    """Another visitor is drawn before it is paid."""

    def step(self, action: Any) -> Any:
        self.seen = self.np_random.normal(size=3).astype(np.float32)
        return super().step(action)


class OfferToAnotherInNumbers(OfferToAnother):
    """Any price, and any pay."""

    action_space = Box(-1.0, 1.0, (1,), np.float32)

    def worth(self, action: Any) -> float:
        return float(self.seen[0])

    def step(self, action: Any) -> Any:
        seen, _, *rest = super().step(action)
        return seen, self.worth(action) + float(self.np_random.normal()), *rest


class OfferOfFour(OfferToAnother):
    """What is seen are four kinds of visitors, and the clicks are of another one."""

    action_space = Discrete(4)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.seen = np.eye(3, dtype=np.float32)[self.np_random.integers(3)]
        return self.seen.copy(), {}

    def worth(self, action: Any) -> float:
        return 3.0 * float(self.seen[0] * (1 if int(action) % 2 else -1))


class OfferByARule(Offer):
    """Both signs alike, or not: nothing that a line could tell."""

    def worth(self, action: Any) -> float:
        return 4.0 * float(np.sign(self.seen[0] * self.seen[1] * self.seen[2])) * (2 * int(action) - 1)


class OfferOfOneArm(Offer):
    """What is seen says nothing, and one arm is better."""

    def worth(self, action: Any) -> float:
        return 1.0 * int(action)


class OfferWithoutAView(Offer):
    """An arm, as a rule of chance alone."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.seen = np.zeros(3, np.float32)
        return self.seen.copy(), {}
