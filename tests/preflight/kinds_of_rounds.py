"""Small environments in which actions count at some times alone, or together with others."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiBinary

from tests.preflight.kinds_of_limits import Base


# Actions that are held back at the start.
class Kiln(Base):
    """The burner lights after nine steps, which are counted down in what is seen."""

    observation_space = Box(-100.0, 100.0, (3,), np.float32)
    action_space = Discrete(3)
    limit = 80

    def look(self) -> Any:
        return np.array([self.place, self.speed, max(0, 9 - self.time)], np.float32)

    def move(self, action: Any) -> None:
        push = int(action) - 1 if self.time >= 9 else 0
        self.speed += 0.1 * push - 0.05 * self.speed
        self.place += 0.1 * self.speed + 0.01 * self.np_random.normal()

    def pay(self) -> float:
        return -abs(self.place)


class Compressor(Base):
    """Once switched it stays as it is for six steps."""

    observation_space = Box(-100.0, 100.0, (3,), np.float32)
    action_space = Discrete(2)
    limit = 100

    def look(self) -> Any:
        return np.array([self.place, self.on, self.since >= 6], np.float32)

    def move(self, action: Any) -> None:
        self.since += 1
        if int(action) == 1 and self.since > 6:
            self.on, self.since = not self.on, 0
        self.place += (-0.1 if self.on else 0.06) + 0.01 * self.np_random.normal()

    def pay(self) -> float:
        return -abs(self.place)

    def reset(self, **options: Any) -> Any:
        self.on, self.since = False, 0
        return super().reset(**options)


class KilnOfOldOrders(Kiln):
    """Each order is carried out nine steps later."""

    def move(self, action: Any) -> None:
        self.orders.append(int(action))
        self.time, time = 99, self.time
        super().move(self.orders.pop(0))
        self.time = time

    def reset(self, **options: Any) -> Any:
        self.orders = [1] * 9
        return super().reset(**options)


# Pay that several unlike actions bring.
class Ferry(Base):
    """Load, cross, unload: what waits and what is on board costs alike, until it is on land."""

    observation_space = Box(0.0, 100.0, (4,), np.float32)
    action_space = Discrete(4)
    limit = 120

    def look(self) -> Any:
        return np.array([self.side, self.waiting, self.board, self.idle], np.float32)

    def move(self, action: Any) -> None:
        self.out = 0
        self.idle = int(action) == 3
        if int(action) == 0:
            self.side = min(self.side + 1, 5)
        elif int(action) == 1:
            self.side = max(self.side - 1, 0)
        elif int(action) == 2 and self.side == 5:
            self.out, self.board = self.board, 0
        elif int(action) == 2 and self.side == 0:
            self.waiting, self.board = 0, self.board + self.waiting
        self.waiting += int(self.np_random.random() < 0.3)

    def pay(self) -> float:
        return self.out - 0.02 * (self.waiting + self.board)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.side, self.waiting, self.board, self.idle = 0, 2, 0, False
        super().reset(seed=seed)
        self.side = int(self.np_random.integers(2))
        return self.look(), {}


class Vault(Base):
    """Guards cost what the day asks for; a code of three keys pays. The last keys are seen."""

    observation_space = Box(-10.0, 10.0, (3,), np.float32)
    action_space = Discrete(6)
    limit = 100
    code = (1, 3, 5)

    def look(self) -> Any:
        return np.array([*self.keys[1:], self.asked], np.float32)

    def move(self, action: Any) -> None:
        self.keys = (*self.keys[1:], int(action))
        self.asked = 0.9 * self.asked + 0.1 * self.np_random.normal()

    def pay(self) -> float:
        return 3.0 * (self.keys == self.code) - 0.1 * abs(self.asked)

    def reset(self, **options: Any) -> Any:
        self.keys, self.asked = (0, 0, 0), 0.5
        return super().reset(**options)


class FerryPaidByTheWeather(Ferry):
    def reset(self, **options: Any) -> Any:
        first = super().reset(**options)
        self.weather = self.np_random.normal(size=500)
        return first

    def pay(self) -> float:
        return float(self.weather[self.time])


class Word(Base):
    """Spell the word of five letters that is shown; it is marked as a whole."""

    observation_space = MultiBinary(5 * 6 + 5)
    action_space = Discrete(6)
    limit = 60

    def look(self) -> Any:
        return np.concatenate([np.eye(6)[self.word].ravel(), np.eye(5)[self.at]]).astype(np.int8)

    def move(self, action: Any) -> None:
        self.marks = None
        self.right += int(action) == self.word[self.at]
        self.at += 1
        if self.at == 5:
            self.marks = self.right
            self.draw()

    def draw(self) -> None:
        self.word, self.at, self.right = self.np_random.integers(0, 6, 5), 0, 0

    def pay(self) -> float:
        return 0.0 if self.marks is None else self.marks / 5

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.word, self.at = np.zeros(5, int), 0
        super().reset(seed=seed)
        self.draw()
        return self.look(), {}


class WordInPairs(Word):
    """Marked after three letters already, and once more at the end."""

    def move(self, action: Any) -> None:
        super().move(action)
        if self.at == 3:
            self.marks = 0.5 * self.right


class WordMarkedLate(Word):
    """Each letter is marked three letters later."""

    def move(self, action: Any) -> None:
        self.due.append(float(int(action) == self.word[self.at]) + 0.5 * (int(action) > 2))
        super().move(action)
        self.marks = self.due.pop(0)

    def reset(self, **options: Any) -> Any:
        self.due = [0.0] * 3
        return super().reset(**options)


# Boards that are filled line by line.
class Ledger(Base):
    """Twelve lines of what was booked; the next empty one is written."""

    observation_space = Box(-10.0, 10.0, (12, 3), np.float32)
    action_space = Discrete(5)
    limit = 12

    def look(self) -> Any:
        return self.lines.astype(np.float32)

    def move(self, action: Any) -> None:
        self.place += int(action) - 2
        self.lines[self.time] = [1, int(action), self.place]

    def pay(self) -> float:
        return -abs(self.place - 1.5)

    def reset(self, **options: Any) -> Any:
        self.lines = np.zeros((12, 3))
        return super().reset(**options)


class LedgerWritten(Ledger):
    """The same in one row, from the end."""

    observation_space = Box(-10.0, 10.0, (36,), np.float32)

    def look(self) -> Any:
        return self.lines[::-1].ravel().astype(np.float32)


# Costs that go on where what is seen lies at its bound.
class Reservoir(Base):
    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Box(-1.0, 1.0, (1,), np.float32)
    limit = 150

    def look(self) -> Any:
        return np.clip([self.place / 3, self.flow, self.tap], -1, 1).astype(np.float32)

    def move(self, action: Any) -> None:
        self.tap = float(np.clip(self.tap + 0.2 * np.ravel(action)[0], 0, 1))
        self.flow = float(np.clip(self.flow + self.np_random.normal(0, 0.05), 0, 0.9))
        self.place += 0.6 * (self.tap + 0.2 - self.flow)

    def pay(self) -> float:
        return -abs(self.place)

    def reset(self, **options: Any) -> Any:
        self.tap, self.flow = 0.4, 0.5
        return super().reset(**options)


class ReservoirBothWays(Reservoir):
    """Costs less above than below."""

    def pay(self) -> float:
        return -self.place if self.place > 0 else 2 * self.place
