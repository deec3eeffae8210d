"""Small environments of the blind trainings: a point, a tank, a warehouse, advertisements, falling balls."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

Stepped = tuple[Any, float, bool, bool, dict[str, Any]]


class World(gymnasium.Env[Any, Any]):
    """Counts steps, and ends after ``limit`` of them."""

    limit = 50

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.count = 0
        self.begin()
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.count += 1
        reward, over, info = self.move(action)
        return self.look(), float(reward), bool(over), not over and self.count >= self.limit, info

    def begin(self) -> None:
        raise NotImplementedError

    def look(self) -> Any:
        raise NotImplementedError

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        raise NotImplementedError


class PointGoal(World):
    """Push a point mass on a plane to a goal: a goal environment, minus the distance at each step."""

    def __init__(self) -> None:
        box = Box(-np.inf, np.inf, (2,), np.float64)
        seen = Box(-np.inf, np.inf, (4,), np.float64)
        self.observation_space = Dict({"observation": seen, "achieved_goal": box, "desired_goal": box})
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    def begin(self) -> None:
        self.place, self.speed = self.np_random.uniform(-0.2, 0.2, 2), np.zeros(2)
        self.goal = self.np_random.uniform(-1, 1, 2)

    def look(self) -> Any:
        state = np.concatenate([self.place, self.speed])
        return {"observation": state, "achieved_goal": self.place.copy(), "desired_goal": self.goal.copy()}

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        self.speed = 0.8 * self.speed + 0.04 * np.clip(action, -1, 1)
        self.place = self.place + self.speed
        far = float(np.linalg.norm(self.place - self.goal))
        return -far, False, {"is_success": float(far < 0.1)}


class Tanks(World):
    """Hold the level of the second of two tanks at a set point that changes, by the valve into the first."""

    limit = 100

    def __init__(self) -> None:
        self.observation_space = Box(-np.inf, np.inf, (4,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def begin(self) -> None:
        self.levels, self.last = self.np_random.uniform(0.1, 0.9, 2), 0.5
        self.wanted = self.np_random.uniform(0.2, 0.8)

    def look(self) -> Any:
        return np.array([*self.levels, self.wanted, self.last], np.float32)

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        valve = 0.5 + 0.5 * float(np.clip(np.ravel(action)[0], -1, 1))
        for _ in range(4):
            between, out = 0.09 * np.sqrt(self.levels[0]), 0.07 * np.sqrt(self.levels[1])
            self.levels = np.clip(self.levels + np.array([0.09 * valve - between, between - out]), 0, 1.2)
        cost = (self.levels[1] - self.wanted) ** 2 + 0.002 * (valve - self.last) ** 2
        self.last = valve
        if self.count == 50:
            self.wanted = self.np_random.uniform(0.2, 0.8)
        return -10 * cost, False, {}


class Warehouse(World):
    """Order 0 to 10 units a week, two weeks ahead of a seasonal demand; profit in money."""

    limit = 52

    def __init__(self) -> None:
        self.observation_space = Box(0, np.inf, (5,), np.float32)
        self.action_space = Discrete(11)

    def begin(self) -> None:
        self.stock, self.coming = int(self.np_random.integers(0, 15)), [4, 4]
        self.season = float(self.np_random.uniform(0, 2 * np.pi))

    @property
    def demand(self) -> float:
        return 5 + 3 * float(np.sin(self.season + 2 * np.pi * self.count / 26))

    def look(self) -> Any:
        return np.array([self.stock, *self.coming, self.demand, self.count], np.float32)

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        asked = int(self.np_random.poisson(self.demand))
        self.stock += self.coming.pop(0)
        self.coming.append(int(action))
        sold = min(self.stock, asked)
        self.stock -= sold
        return 10 * sold - 4 * int(action) - 1.5 * self.stock - 5 * (asked - sold), self.stock > 80, {}


class Advertisements(World):
    """Choose one of five advertisements for a visitor; a click is a reward of 1: episodes of one step."""

    limit = 1

    def __init__(self) -> None:
        self.observation_space = Box(-np.inf, np.inf, (6,), np.float32)
        self.action_space = Discrete(5)
        self.taste = np.random.default_rng(7).normal(0, 1.2, (5, 6))

    def begin(self) -> None:
        self.visitor = self.np_random.normal(0, 1, 6)

    def look(self) -> Any:
        return self.visitor.astype(np.float32)

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        chance = 1 / (1 + np.exp(1 - self.taste[int(action)] @ self.visitor))
        return float(self.np_random.random() < chance), True, {}


class Balls(World):
    """Catch balls that fall through a grid of 10 rows and 7 columns; 1 for each caught, -1 for each missed, three a game."""

    limit = 40

    def __init__(self) -> None:
        self.observation_space = Box(0, 1, (70,), np.float32)
        self.action_space = Discrete(3)

    def begin(self) -> None:
        self.paddle, self.left = int(self.np_random.integers(7)), 3
        self.throw()

    def throw(self) -> None:
        self.row, self.column = 0, int(self.np_random.integers(7))

    def look(self) -> Any:
        board = np.zeros((10, 7), np.float32)
        board[self.row, self.column] = board[9, self.paddle] = 1
        return board.ravel()

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        self.paddle = int(np.clip(self.paddle + int(action) - 1, 0, 6))
        self.row += 1
        if self.row < 9:
            return 0.0, False, {}
        reward = 1.0 if self.column == self.paddle else -1.0
        self.left -= 1
        self.throw()
        return reward, self.left == 0, {}


class Chase(World):
    """Catch a hare that runs at random on an 8 by 8 field without edges, in up to 60 steps; -0.1 a step, 5 for the catch."""

    limit = 60

    def __init__(self) -> None:
        self.observation_space = Box(-1, 1, (4,), np.float32)
        self.action_space = Discrete(5)
        self.moves = np.array([(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)])

    def begin(self) -> None:
        self.dog, self.hare = self.np_random.integers(0, 8, 2), self.np_random.integers(0, 8, 2)

    def look(self) -> Any:
        angle = 2 * np.pi * ((self.hare - self.dog) % 8) / 8
        return np.concatenate([np.sin(angle), np.cos(angle)]).astype(np.float32)

    def move(self, action: Any) -> tuple[float, bool, dict[str, Any]]:
        self.dog = (self.dog + self.moves[int(action)]) % 8
        caught = bool((self.dog == self.hare).all())
        if not caught and self.np_random.random() < 0.5:
            self.hare = (self.hare + self.moves[self.np_random.integers(5)]) % 8
        return 5.0 if caught else -0.1, caught, {}
