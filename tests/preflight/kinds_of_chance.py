"""Rewards of chance, rewards that come late by nature, and goals in a vector; and sick environments like them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces

F = np.float32


class Arms(gym.Env[Any, Any]):
    """One pull, paid or not: the better arm pays in 7 of 10 pulls, the other in 4."""

    chances = (0.4, 0.7)

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1, 1, (2,), F)
        self.action_space = spaces.Discrete(2)

    def look(self) -> Any:
        return self.np_random.uniform(-1, 1, 2).astype(F)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        return self.look(), {}

    def step(self, action: Any) -> Any:
        paid = float(self.np_random.random() < self.chances[int(action)])
        return self.look(), paid, True, False, {}


class ArmsAlike(Arms):
    """Sick: whichever arm is pulled, the first is meant."""

    chances = (0.5, 0.5)


class Walk(gym.Env[Any, Any]):
    """A walk on a line of ten places from the middle; random steps reach an end in some 25 of them."""

    limit, far = 200, 5
    always = False

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-10, 10, (1,), F)
        self.action_space = spaces.Discrete(3)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place, self.taken = int(self.np_random.integers(-2, 3)), 0
        return np.array([self.place], F), {}

    def step(self, action: Any) -> Any:
        self.place += (0, 1, -1)[int(action)]
        self.taken += 1
        there = abs(self.place) >= self.far
        info = {"is_success": there or self.always}
        return np.array([self.place], F), float(there), there, self.taken >= self.limit, info


class WalkAlwaysSucceeds(Walk):
    """Sick: the flag is always set."""

    always = True


class Mixer(gym.Env[Any, Any]):
    """Eight additions to a mixture, paid by what it is at the end."""

    length = 8

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-20, 20, (3,), F)
        self.action_space = spaces.Box(-1, 1, (1,), F)

    def look(self) -> Any:
        return np.array([self.amount, self.wanted, self.taken / self.length], F)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.amount, self.wanted, self.taken = 0.0, float(self.np_random.uniform(-5, 5)), 0
        return self.look(), {}

    def step(self, action: Any) -> Any:
        self.amount += float(action[0])
        self.taken += 1
        done = self.taken == self.length
        return self.look(), 5.0 - abs(self.amount - self.wanted) if done else 0.0, done, False, {}


class Cart(gym.Env[Any, Any]):
    """A cart with mass: an action moves the velocity at once, the place and the reward of the place a step later."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-50, 50, (2,), F)
        self.action_space = spaces.Box(-1, 1, (1,), F)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place, self.speed, self.taken = *self.np_random.uniform(-1, 1, 2).tolist(), 0
        return np.array([self.place, self.speed], F), {}

    def step(self, action: Any) -> Any:
        self.place += 0.1 * self.speed
        self.speed += 0.5 * float(action[0])
        self.taken += 1
        reward = -abs(self.place)
        return np.array([self.place, self.speed], F), reward, False, self.taken >= 50, {}


class Heater(gym.Env[Any, Any]):
    """Sick: the reward of an action is paid two steps later, though all that is seen moves at once."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-50, 50, (1,), F)
        self.action_space = spaces.Box(-1, 1, (1,), F)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.heat, self.taken, self.due = float(self.np_random.uniform(-5, 5)), 0, [0.0, 0.0]
        return np.array([self.heat], F), {}

    def step(self, action: Any) -> Any:
        self.heat += float(action[0])
        self.taken += 1
        self.due.append(-abs(self.heat))
        return np.array([self.heat], F), self.due.pop(0), False, self.taken >= 50, {}


def _reach(keys: list[str]) -> Any:
    import gymnasium_robotics

    gym.register_envs(gymnasium_robotics)
    env = gym.make("FetchReachDense-v4", max_episode_steps=50)
    return gym.wrappers.FlattenObservation(gym.wrappers.FilterObservation(env, keys))


def reach_in_a_vector() -> Any:
    return _reach(["desired_goal", "observation"])


def reach_goal_first() -> Any:
    return _reach(["achieved_goal", "desired_goal"])


def reach_without_its_goal() -> Any:
    """Sick: the goal is left out."""
    return _reach(["achieved_goal", "observation"])


# What an action moves nothing of.
class Market(gym.Env[Any, Any]):
    """Short, flat or long for a day; prices go on without it."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), F)
        self.action_space = spaces.Discrete(3)

    def look(self) -> Any:
        return np.array([self.price, self.day / 50], F)

    def reset(self, *, seed: Any = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.price, self.day = float(self.np_random.normal()), 0
        return self.look(), {}

    def pay(self, action: Any, before: float) -> float:
        return (int(action) - 1) * (self.price - before) - 0.01 * abs(int(action) - 1)

    def step(self, action: Any) -> Any:
        before, self.day = self.price, self.day + 1
        self.price = 0.7 * before + 0.5 * float(self.np_random.normal())
        return self.look(), self.pay(action, before), False, self.day >= 50, {}


class Bid(Market):
    """A bid for the next hour, that is to meet what follows the last one."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Box(-1, 1, (1,), F)

    def pay(self, action: Any, before: float) -> float:
        return -abs(float(np.ravel(action)[0]) - self.price)


class OrdersLost(Market):
    """An order is paid and never arrives: what is in store does not depend on it."""

    def pay(self, action: Any, before: float) -> float:
        np.clip(self.price + int(action), -9, 9)
        return -0.2 * int(action) - abs(self.price)


class BidLost(Bid):
    def pay(self, action: Any, before: float) -> float:
        return -abs(self.price) - 0.1 * float(np.ravel(action)[0]) ** 2
