"""The healthy environments of own_tasks.py: a tank's level, a point in a plane, a grid, a hovering mass."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

Stepped = tuple[Any, float, bool, bool, dict[str, Any]]


class Tank(gymnasium.Env[Any, Any]):
    """Hold a tank's level, 0 to 1, at a setpoint that is drawn for each episode."""

    limit, outflow = 100, 0.02

    def __init__(self) -> None:
        self.observation_space = Box(0.0, 2.0, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.level, self.setpoint], np.float32)

    def pay(self) -> float:
        return -abs(self.level - self.setpoint)

    def valve(self, action: Any) -> float:
        return 0.5 + 0.5 * float(np.clip(action[0], -1, 1))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.level, self.setpoint = self.np_random.uniform(0.2, 0.8, 2)
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.level = float(np.clip(self.level + 0.1 * self.valve(action) - 0.05, 0.0, 1.0))
        self.time += 1
        return self.look(), float(self.pay()), False, self.time >= self.limit, {"error": self.level - self.setpoint}


class Point(gymnasium.Env[Any, Any]):
    """Move a point in a plane to a goal; succeeds within 0.1."""

    limit, near = 60, 0.1

    def __init__(self) -> None:
        self.observation_space = Box(-4.0, 4.0, (4,), np.float32)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.place - self.goal))

    def look(self) -> Any:
        return np.concatenate([self.place, self.goal]).astype(np.float32)

    def pay(self) -> float:
        return -self.distance

    def move(self, action: Any) -> Any:
        return 0.15 * np.clip(action, -1, 1)

    def success(self) -> bool:
        return self.distance < self.near

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place, self.goal = self.np_random.uniform(-1, 1, (2, 2))
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.place = np.clip(self.place + self.move(action), -2, 2)
        self.time += 1
        info = {"is_success": self.success(), "distance": self.distance}
        return self.look(), float(self.pay()), False, self.time >= self.limit, info


class Grid(gymnasium.Env[Any, Any]):
    """Walk over a grid of 6 by 6 to a cell; a step costs 0.05, the cell pays 1."""

    limit, size = 60, 6
    moves = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])

    def __init__(self) -> None:
        self.observation_space = Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = Discrete(4)

    def look(self) -> Any:
        return (np.concatenate([self.cell, self.goal]) / (self.size - 1) * 2 - 1).astype(np.float32)

    def pay(self, there: bool) -> float:
        return 1.0 if there else -0.05

    def move(self, action: Any) -> Any:
        return self.moves[int(action)]

    def draw(self) -> None:
        self.cell, self.goal = self.np_random.integers(0, self.size, (2, 2))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.draw()
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.cell = np.clip(self.cell + self.move(action), 0, self.size - 1)
        self.time += 1
        there = bool((self.cell == self.goal).all())
        return self.look(), float(self.pay(there)), there, self.time >= self.limit, {}


class Hover(gymnasium.Env[Any, Any]):
    """Hold a mass at height 0 by its thrust against gravity; it ends where the mass leaves -2 to 2."""

    limit, gravity, thrust = 200, 1.0, 2.0

    def __init__(self) -> None:
        self.observation_space = Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (1,), np.float32)

    def look(self) -> Any:
        return np.array([self.height, self.speed], np.float32)

    def pay(self) -> float:
        return 1.0 - self.height**2 / 4 - 0.05 * self.speed**2

    def over(self) -> bool:
        return abs(self.height) > 2

    def force(self, action: Any) -> float:
        return self.thrust * (0.5 + 0.5 * float(np.clip(action[0], -1, 1)))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.height, self.speed = self.np_random.uniform(-0.5, 0.5, 2)
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.speed += 0.1 * (self.force(action) - self.gravity)
        self.height += 0.1 * self.speed
        self.time += 1
        return self.look(), float(self.pay()), bool(self.over()), self.time >= self.limit, {}


class TankDeadBand(Tank):
    """Costs nothing within a twentieth of the setpoint."""

    def pay(self) -> float:
        return -max(abs(self.level - self.setpoint) - 0.05, 0.0)


class PointSlightNoise(Point):
    """A motor with a little noise, as real ones have."""

    def move(self, action: Any) -> Any:
        return super().move(action) + self.np_random.normal(0, 0.01, 2)


class GridSlippery(Grid):
    """One move in ten goes elsewhere."""

    def move(self, action: Any) -> Any:
        return super().move(self.np_random.integers(4) if self.np_random.random() < 0.1 else action)


class PointDict(Point):
    """Observations in a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = Dict({key: Box(-4.0, 4.0, (2,), np.float32) for key in ("place", "goal")})

    def look(self) -> Any:
        return {"place": self.place.astype(np.float32), "goal": self.goal.astype(np.float32)}
