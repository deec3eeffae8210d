"""The healthy environments of own_worlds.py: a lander, a heated room, a chase, and a light switch."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete

Stepped = tuple[Any, float, bool, bool, dict[str, Any]]


class Lander(gymnasium.Env[Any, Any]):
    """Come down from a height to a pad, softly; 100 steps at most."""

    limit = 100

    def __init__(self) -> None:
        self.observation_space = Box(-np.inf, np.inf, (4,), np.float32)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    @property
    def distance(self) -> float:
        return float(np.hypot(*self.place))

    def look(self) -> Any:
        return np.concatenate([self.place, self.speed]).astype(np.float32)

    def pay(self) -> float:
        return -self.distance - 0.1 * float(np.hypot(*self.speed))

    def push(self, action: Any) -> Any:
        return 0.06 * np.clip(action, -1, 1)

    def over(self) -> bool:
        return bool(np.abs(self.place).max() > 4)

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.distance < 0.2}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = self.np_random.uniform([-1, 1], [1, 2])
        self.speed = np.zeros(2)
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.speed = 0.9 * self.speed + self.push(action) - np.array([0.0, 0.01])
        self.place = self.place + self.speed
        self.time += 1
        return self.look(), float(self.pay()), self.over(), self.time >= self.limit, self.tell()


class Room(gymnasium.Env[Any, Any]):
    """Heat a room to a temperature that somebody sets, at least cost; three settings of the heater."""

    limit = 80

    def __init__(self) -> None:
        self.observation_space = Box(-3.0, 3.0, (3,), np.float32)
        self.action_space: Any = Discrete(3)

    def look(self) -> Any:
        return np.array([self.warmth, self.wanted, self.outside], np.float32)

    def pay(self) -> float:
        return -abs(self.warmth - self.wanted)

    def heat(self, action: Any) -> float:
        return 0.15 * (int(action) - 1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.warmth, self.wanted, self.outside = self.np_random.uniform([-1, -1, -1.5], [1, 1, 0])
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.warmth += self.heat(action) + 0.02 * (self.outside - self.warmth)
        self.warmth = float(np.clip(self.warmth, -3, 3))
        self.time += 1
        return self.look(), float(self.pay()), False, self.time >= self.limit, {}


class Chase(gymnasium.Env[Any, Any]):
    """Catch what runs about on a ring; two motors of three speeds."""

    limit = 80

    def __init__(self) -> None:
        self.observation_space = Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = MultiDiscrete([3, 3])

    def look(self) -> Any:
        return np.array([f(x) for x in (self.own, self.other) for f in (np.sin, np.cos)], np.float32)

    @property
    def gap(self) -> float:
        return abs(float(np.angle(np.exp(1j * (self.own - self.other)))))

    def pay(self) -> float:
        return 1.0 - self.gap

    def turn(self, action: Any) -> float:
        return 0.15 * (int(action[0]) - 1) + 0.05 * (int(action[1]) - 1)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.own, self.other = self.np_random.uniform(-np.pi, np.pi, 2)
        self.course = 0.05 * self.np_random.choice([-1, 1])
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.own += self.turn(action)
        self.other += self.course
        self.time += 1
        return self.look(), float(self.pay()), False, self.time >= self.limit, {}


class Switch(gymnasium.Env[Any, Any]):
    """Name the colour that is shown: one step, a bandit."""

    def __init__(self) -> None:
        self.observation_space = Box(0.0, 1.0, (4,), np.float32)
        self.action_space = Discrete(4)

    def look(self) -> Any:
        return np.eye(4, dtype=np.float32)[self.colour]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.colour = int(self.np_random.integers(4))
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        reward = float(int(action) == self.colour)
        self.colour = int(self.np_random.integers(4))
        self.time += 1
        return self.look(), reward, False, self.time >= 30, {}


class LanderGusts(Lander):
    """A little wind."""

    def push(self, action: Any) -> Any:
        return super().push(action) + self.np_random.normal(0, 0.01, 2)
