"""The healthy environments of own_kinds.py: a store, cards, pictures, a crane, parking, aiming, and some of Gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

Stepped = tuple[Any, float, bool, bool, dict[str, Any]]
AnyEnv = gymnasium.Env[Any, Any]


class Store(gymnasium.Env[Any, Any]):
    """Order goods for a demand that is drawn every day; 50 days."""

    price = 0.1

    def __init__(self) -> None:
        self.observation_space: Any = Box(0.0, 5.0, (2,), np.float32)
        self.action_space: Any = Discrete(4)

    def look(self) -> Any:
        return np.array([self.stock / 5, self.day / 50], np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.stock, self.day = int(self.np_random.integers(0, 6)), 0
        return self.look(), {}

    def pay(self, sold: int, missed: int) -> float:
        return self.price * (2 * sold - self.stock - 3 * missed)

    def step(self, action: Any) -> Stepped:
        self.stock = min(20, self.stock + 2 * int(action))
        wanted = int(self.np_random.poisson(2))
        sold = min(wanted, self.stock)
        self.stock -= sold
        self.day += 1
        return self.look(), float(self.pay(sold, wanted - sold)), False, self.day >= 50, {}


class Cards(gymnasium.Env[Any, Any]):
    """Each step shows a card, and one of five answers is right for it; the next card is drawn."""

    def __init__(self) -> None:
        self.observation_space = Discrete(10)
        self.action_space = Discrete(5)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.card, self.asked = int(self.np_random.integers(10)), 0
        return self.card, {}

    def step(self, action: Any) -> Stepped:
        reward = 1.0 if int(action) == self.card % 5 else -0.1
        self.card = int(self.np_random.integers(10))
        self.asked += 1
        return self.card, reward, False, self.asked >= 40, {}


class Dot(gymnasium.Env[Any, Any]):
    """A picture of a dot and a target; four directions."""

    side = 12

    def __init__(self) -> None:
        self.observation_space = Box(0, 255, (self.side, self.side, 1), np.uint8)
        self.action_space = Discrete(4)

    def draw(self) -> Any:
        picture = np.zeros((self.side, self.side, 1), np.float64)
        picture[tuple(self.goal)] = 0.4
        picture[tuple(self.dot)] = 1.0
        return picture

    def look(self) -> Any:
        return (self.draw() * 255).astype(np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.dot, self.goal = self.np_random.integers(0, self.side, (2, 2))
        self.time = 0
        return self.look(), {}

    @property
    def gap(self) -> int:
        return int(np.abs(self.dot - self.goal).sum())

    def step(self, action: Any) -> Stepped:
        before = self.gap
        move = [(0, 1), (0, -1), (1, 0), (-1, 0)][int(action)]
        self.dot = np.clip(self.dot + move, 0, self.side - 1)
        self.time += 1
        reached = self.gap == 0
        return self.look(), float(before - self.gap) + 2.0 * reached, reached, self.time >= 40, {"is_success": reached}


class Crane(gymnasium.Env[Any, Any]):
    """Bring a load to a place with three levers of five notches."""

    def __init__(self) -> None:
        self.observation_space: Any = Box(-4.0, 4.0, (6,), np.float32)
        self.action_space = MultiDiscrete([5, 5, 5])

    def look(self) -> Any:
        return np.concatenate([self.load, self.wanted]).astype(np.float32)

    def levers(self, action: Any) -> Any:
        return 0.08 * (np.asarray(action) - 2)

    def pay(self) -> float:
        return -float(np.abs(self.load - self.wanted).sum())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.load, self.wanted = self.np_random.uniform(-1, 1, (2, 3))
        self.time = 0
        return self.look(), {}

    def over(self) -> bool:
        return False

    def step(self, action: Any) -> Stepped:
        self.load = np.clip(self.load + self.levers(action), -4, 4)
        self.time += 1
        return self.look(), float(self.pay()), self.over(), self.time >= 60, {}


class Park(gymnasium.Env[Any, Any]):
    """A goal environment as for hindsight replay: drive to a place on a plane."""

    near = 0.1

    def __init__(self) -> None:
        place = Box(-3.0, 3.0, (2,), np.float64)
        self.observation_space = Dict(
            observation=Box(-3.0, 3.0, (4,), np.float64), achieved_goal=place, desired_goal=place
        )
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)
        self.target = np.zeros(2)

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -np.linalg.norm(achieved - desired, axis=-1)

    def shown(self) -> Any:
        return self.target.copy()

    def look(self) -> Any:
        state = np.concatenate([self.car, self.speed])
        return {"observation": state, "achieved_goal": self.car.copy(), "desired_goal": self.shown()}

    def tell(self) -> dict[str, Any]:
        return {"is_success": bool(np.linalg.norm(self.car - self.target) < self.near)}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.car, self.speed = self.np_random.uniform(-1, 1, 2), np.zeros(2)
        self.target = self.np_random.uniform(-1, 1, 2)
        self.time = 0
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        self.speed = 0.5 * self.speed + 0.1 * np.clip(np.asarray(action, float), -1, 1)
        self.car = np.clip(self.car + self.speed, -3, 3)
        self.time += 1
        seen = self.look()
        reward = float(self.compute_reward(self.car, self.target, {}))
        return seen, reward, False, self.time >= 50, self.tell()


class Aim(gymnasium.Env[Any, Any]):
    """One shot an episode: set angle and force for a target at some distance in some wind."""

    def __init__(self) -> None:
        self.observation_space = Box(-2.0, 2.0, (2,), np.float32)
        self.action_space = Box(-1.0, 1.0, (2,), np.float32)

    def look(self) -> Any:
        return np.array([self.target, self.wind], np.float32)

    def miss(self, action: Any) -> float:
        angle, force = np.clip(np.asarray(action, float), -1, 1)
        return float(abs(force + 0.5 * angle + 0.3 * self.wind - self.target))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.target, self.wind = self.np_random.uniform(-1, 1, 2)
        return self.look(), {}

    def step(self, action: Any) -> Stepped:
        miss = self.miss(action)
        return self.look(), 1.0 - miss, True, False, {"is_success": miss < 0.2}


class LakeOneHot(gymnasium.ObservationWrapper[Any, Any, Any]):
    """FrozenLake, slippery, in sixteen numbers."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("FrozenLake-v1", is_slippery=True))
        self.observation_space = Box(0.0, 1.0, (16,), np.float32)

    def observation(self, observation: Any) -> Any:
        return np.eye(16, dtype=np.float32)[observation]


def pendulum_stacked() -> AnyEnv:
    """Angles alone, three of them one after another."""
    env = gymnasium.make("Pendulum-v1")
    env = gymnasium.wrappers.TransformObservation(env, lambda seen: seen[:2], Box(-1.0, 1.0, (2,), np.float32))
    return gymnasium.wrappers.FlattenObservation(gymnasium.wrappers.FrameStackObservation(env, 3))


def hopper_normalised() -> AnyEnv:
    """Gymnasium's own normalisation of observations and rewards."""
    env = gymnasium.wrappers.NormalizeObservation(gymnasium.make("Hopper-v5"))
    return gymnasium.wrappers.NormalizeReward(env)


class Rocking(gymnasium.Wrapper[Any, Any, Any, Any]):
    """CartPole that misses one action in ten, as its author says."""

    share = 0.1

    def __init__(self) -> None:
        super().__init__(gymnasium.make("CartPole-v1"))

    def reset(self, **options: Any) -> Any:
        self.last: Any = None
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        if self.last is not None and self.unwrapped.np_random.random() < self.share:
            action = self.last
        self.last = action
        return self.env.step(action)
