"""Pendulums, policies and schedules that end a training in NaN, infinity or an error; each does so late, after it has learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.envs.registration import register

ENV = "Pendulum"
LATE = 0.6
"""The part of a training that is healthy."""


class Crashing(gymnasium.Wrapper):
    """Pendulum with one fault from its step ``late`` on.

    Args:
        fault: ``reward-nan``: 0 / 0 in the reward whenever the pendulum is upright; ``reward-log``: the reward holds the
            logarithm of a distance that is 0 once the action is at its limit; ``observation-grows``: a position that is
            integrated without a bound, ever faster; ``reward-grows``: a cost that is 3 % larger at every tenth step.
        late: Steps of this environment without a fault.
    """

    def __init__(self, fault: str, late: int) -> None:
        super().__init__(gymnasium.make("Pendulum-v1"))
        self.fault, self.late, self.done = fault, late, 0
        seen = self.env.observation_space
        if fault == "observation-grows":
            self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (seen.shape[0] + 1,), np.float32)

    def _seen(self, seen: np.ndarray) -> np.ndarray:
        if self.fault != "observation-grows":
            return seen
        with np.errstate(over="ignore"):
            drift = np.float32(0.1 * 1.01 ** max(0, self.done - self.late))
        return np.append(seen, drift).astype(np.float32)

    def reset(self, **arguments: Any) -> Any:
        seen, info = self.env.reset(**arguments)
        return self._seen(seen), info

    def step(self, action: Any) -> Any:
        seen, reward, ended, cut, info = self.env.step(action)
        self.done += 1
        over, reward = self.done - self.late, float(reward)
        if over > 0 and self.fault == "reward-nan" and seen[0] > 0.99:
            reward = math.nan
        if over > 0 and self.fault == "reward-log":
            with np.errstate(divide="ignore"):
                reward += 0.01 * float(np.log(2.0 - np.abs(np.asarray(action, np.float32)).max()))
        if over > 0 and self.fault == "reward-grows":
            reward *= 1.03 ** min(over / 10, 2_900)
        return self._seen(seen), reward, ended, cut, info


def environment(fault: str, late: int) -> str:
    """Register the environment with a fault, and return its id."""
    name = f"Crashing{fault.title().replace('-', '')}-v0"
    register(name, lambda: Crashing(fault, late), max_episode_steps=None, order_enforce=False, disable_env_checker=True)
    return name


def growing(usual: float, factor: float) -> Callable[[float], float]:
    """Return a setting by the part of the training that is done: constant, and from ``LATE`` on multiplied again and again."""
    return lambda done: usual * factor ** (100 * max(0.0, done - LATE))


class Normalised:
    """Running mean and standard deviation from sums of squares in 32 bits: their difference cancels, and may be negative."""

    def __init__(self, size: int) -> None:
        self.sums, self.squares, self.count = torch.zeros(size), torch.zeros(size), 0.0

    def add(self, seen: torch.Tensor) -> None:
        self.sums, self.squares = self.sums + seen.sum(0), self.squares + seen.square().sum(0)
        self.count += len(seen)

    def __call__(self, seen: torch.Tensor) -> torch.Tensor:
        mean = self.sums / self.count
        return (seen - mean) / torch.sqrt(self.squares / self.count - mean.square())
