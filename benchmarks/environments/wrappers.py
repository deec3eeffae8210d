"""Wrappers that change what an environment pays, or what it takes as actions."""

from __future__ import annotations

import gymnasium
import numpy as np


class Scaled(gymnasium.RewardWrapper):
    """Rescales and shifts the reward."""

    def __init__(self, env: gymnasium.Env, scale: float = 1.0, offset: float = 0.0) -> None:
        super().__init__(env)
        self.scale, self.offset = scale, offset

    def reward(self, reward: float) -> float:
        return self.scale * float(reward) + self.offset


class Noise(gymnasium.RewardWrapper):
    """Replaces the reward by noise."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.chance = np.random.default_rng(0)

    def reward(self, reward: float) -> float:
        return float(self.chance.normal())


class Steps(gymnasium.ActionWrapper):
    """Turns a one-dimensional continuous action into ``n`` discrete ones."""

    def __init__(self, env: gymnasium.Env, n: int) -> None:
        super().__init__(env)
        self.ends = float(env.action_space.low[0]), float(env.action_space.high[0])
        self.n = n
        self.action_space = gymnasium.spaces.Discrete(n)

    def action(self, action: int) -> np.ndarray:
        low, high = self.ends
        return np.array([low + (high - low) * int(action) / (self.n - 1)], np.float32)
