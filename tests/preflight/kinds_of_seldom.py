"""Small environments of which something is seldom, or at a fixed time, and broken ones like them."""

from __future__ import annotations

import random
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, Tuple

from tests.preflight.kinds_of_limits import Base


# Paid at a fixed step, and paid late.
class PaidAtNoon(Base):
    def pay(self) -> float:
        return super().pay() if self.time == 20 else 0.0


class PaidWhereItLands(Base):
    """A ball falls for 25 steps; where it lands is won or lost, and a little is paid for being near."""

    action_space = Discrete(3)

    def move(self, action: Any) -> None:
        self.place += 0.1 * (int(action) - 1)

    def pay(self) -> float:
        return (1.0 if abs(self.place) < 0.3 else -1.0) if self.over() else 0.0 if self.time != 12 else 0.1

    def over(self) -> bool:
        return self.time >= 25


class PaidNineLater(Base):
    limit = 60

    def reset(self, **options: Any) -> Any:
        self.due = [0.0] * 9
        return super().reset(**options)

    def pay(self) -> float:
        self.due.append(super().pay())
        return self.due.pop(0)


# Puzzles of which random play finds no short way, and one that is too long.
class Switches(Base):
    """Eight switches, each of which turns its neighbours as well; a few presses from dark."""

    limit, presses = 12, 3
    observation_space = MultiBinary(8)
    action_space = Discrete(8)

    def look(self) -> Any:
        return np.array(self.lit, np.int8)

    def move(self, action: Any) -> None:
        self.lit[[int(action) - 1, int(action), (int(action) + 1) % 8]] ^= 1

    def pay(self) -> float:
        return -0.1

    def over(self) -> bool:
        return not self.lit.any()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.lit = np.zeros(8, np.int8)
        super().reset(seed=seed)
        for one in self.np_random.permutation(8)[: self.presses]:
            self.move(one)
        return self.look(), {}


class Knight(Switches):
    """A knight on a board of 12 x 12, at most six moves from its square."""

    limit = 8
    observation_space = Box(0, 11, (4,), np.int64)
    jumps = ((1, 2), (2, 1), (2, -1), (1, -2), (-1, -2), (-2, -1), (-2, 1), (-1, 2))

    def look(self) -> Any:
        return np.array([*self.lit, *self.goal], np.int64)

    def move(self, action: Any) -> None:
        self.lit = np.clip(self.lit + self.jumps[int(action)], 0, 11)

    def over(self) -> bool:
        return bool((self.lit == self.goal).all())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.lit = self.goal = np.zeros(2, np.int64)
        Base.reset(self, seed=seed)
        self.lit, self.goal = self.np_random.integers(0, 3, 2), self.np_random.integers(5, 8, 2)
        return self.look(), {}


class KnightOfFewMoves(Knight):
    limit = 1


# Pipelines.
class Pipe(Base):
    """What is ordered arrives after five steps; all that is on its way is seen."""

    seen = 5
    observation_space = Box(-200.0, 200.0, (6,), np.float32)
    action_space = Discrete(7)

    def look(self) -> Any:
        return np.array([self.place, *self.pipe[: self.seen]], np.float32)

    def move(self, action: Any) -> None:
        self.place += self.pipe.pop(0) - int(self.np_random.poisson(3))
        self.pipe.append(int(action))

    def pay(self) -> float:
        return -abs(self.place) / 10

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.pipe = [0] * 5
        super().reset(seed=seed)
        self.place = int(self.np_random.integers(5, 15))
        self.pipe = [int(one) for one in self.np_random.integers(0, 7, 5)]
        return self.look(), {}


class PipeSeenInPart(Pipe):
    """The next two arrivals are seen, the orders are not."""

    seen = 2
    observation_space = Box(-200.0, 200.0, (3,), np.float32)


# Dimensions of the action that count in few states.
class Welder(Base):
    """The second motor welds where the torch is near the seam."""

    near = 0.05
    observation_space = Box(-np.inf, np.inf, (3,), np.float32)

    def move(self, action: Any) -> None:
        self.place = float(np.clip(self.place + 0.1 * float(action[0]), -1, 1))
        self.speed = 0.0
        if abs(self.place - self.load) < self.near and action[1] > 0:
            self.welded += float(action[1])

    def look(self) -> Any:
        return np.array([self.place, self.load, self.welded], np.float32)

    def pay(self) -> float:
        return self.welded - abs(self.place - self.load)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.welded = 0.0
        return super().reset(seed=seed)


class Press(Welder):
    """The valve opens under pressure alone, which takes some strokes in a row."""

    def move(self, action: Any) -> None:
        self.place = max(0.0, self.place + 0.2 * float(action[0]) - 0.02)
        if self.place > 2.0:
            self.welded += 0.1 * float(action[1])


class WelderUnplugged(Welder):
    near = -1.0


# Decks that are shuffled when they run short.
class Deck(Base):
    limit = 60
    observation_space = Box(0.0, 1.0, (3,), np.float32)
    action_space = Discrete(2)

    def shuffle(self) -> None:
        self.np_random.shuffle(self.cards)

    def look(self) -> Any:
        return np.array([self.card / 40, len(self.cards) / 40, np.mean(self.cards) / 40], np.float32)

    def move(self, action: Any) -> None:
        if len(self.cards) < 8:
            self.cards = list(range(40))
            self.shuffle()
        last, self.card = self.card, self.cards.pop()
        self.place = 1.0 if (self.card > last) == bool(action) else -1.0

    def pay(self) -> float:
        return self.place

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.cards, self.card = [20], 20
        super().reset(seed=seed)
        self.cards = [int(one) for one in self.np_random.permutation(40)]
        return self.look(), {}


class DeckOfAnotherShuffle(Deck):
    def shuffle(self) -> None:
        np.random.shuffle(self.cards)


class GustAtTheEnd(Base):
    """The wind turns after 30 steps, by a random number of Python's."""

    def move(self, action: Any) -> None:
        super().move(action)
        self.place += random.uniform(-1, 1) if self.time == 30 else 0.0


# Observations of more than one level.
class Lift(Base):
    observation_space = Tuple([Discrete(6), MultiBinary(6), Box(0.0, 1.0, (1,), np.float32)])
    action_space = Discrete(3)

    def look(self) -> Any:
        return int(self.floor), self.calls.copy(), np.array([self.calls.mean()], np.float32)

    def move(self, action: Any) -> None:
        if int(action) == 2:
            self.calls[self.floor] = 0
        self.floor = int(np.clip(self.floor + (1, -1, 0)[int(action)], 0, 5))
        self.calls = np.maximum(self.calls, self.np_random.random(6) < 0.05).astype(np.int8)

    def pay(self) -> float:
        return -float(self.calls.mean())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.floor, self.calls = 0, np.zeros(6, np.int8)
        super().reset(seed=seed)
        self.floor, self.calls = int(self.np_random.integers(6)), (self.np_random.random(6) < 0.4).astype(np.int8)
        return self.look(), {}


class Levels(Base):
    """A dictionary within a dictionary."""

    observation_space = Dict(
        body=Dict(place=Box(-9, 9, (1,), np.float32), speed=Box(-9, 9, (1,), np.float32)),
        load=Box(-9, 9, (1,), np.float32),
    )

    def look(self) -> Any:
        place, speed, load = (np.array([one], np.float32) for one in (self.place, self.speed, self.load))
        return {"body": {"place": place, "speed": speed}, "load": load}


class LevelsWithAConstantReward(Levels):
    def pay(self) -> float:
        return 1.0


def named_otherwise() -> Any:
    """An observation of another form than its space."""

    class Wrong(Levels):
        def look(self) -> Any:
            return {"body": 0, "load": np.zeros(1, np.float32)}

    return gymnasium.Wrapper(Wrong())
