"""A linear model of FetchReach's arm, fitted to steps of the environment itself; it steps thousands of arms at once.

One step is predicted to 1 to 3 mm of some 15 mm. That is enough to tell promising recipes from others, and never to
judge one: what the search finds is trained on the environment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.environments import registry
from rldoctor.environments.rollouts import Env

ENV = "FetchReachDense-v4"
STEPS, OBSERVATION, ACTION = 50, 10, 4
REACH = 0.15  # metres: goals are drawn from a cube of this half width around the gripper
_TABLE = 0.4147  # metres: no lower does the gripper get
_EPISODES = 90
# How actions are drawn: gain on the way to the goal, and standard deviation. From random to nearly converged.
_BEHAVIOURS = ((0.0, 0.6), (8.0, 0.4), (12.0, 0.1), (6.0, 0.8))

Array = NDArray[np.float64]


class Arm:
    """Many arms at once: states and actions have any leading shape."""

    def __init__(self) -> None:
        env: Env = registry.make(ENV)
        random = np.random.default_rng(0)
        before, after = [], []
        for episode in range(_EPISODES):
            seen: dict[str, Any]
            seen, _ = env.reset(seed=episode)
            if not episode:
                self.start: Array = seen["observation"].copy()
            gain, std = _BEHAVIOURS[episode % len(_BEHAVIOURS)]
            for _ in range(STEPS):
                way = np.append(gain * (seen["desired_goal"] - seen["achieved_goal"]), 0.0)
                action = np.clip(way + random.normal(0, std, ACTION), -1, 1).astype(np.float32)
                state = seen["observation"]
                seen, *_ = env.step(action)
                before.append(np.concatenate([[1.0], state, action]))
                after.append(seen["observation"] - np.append(state[:3], np.zeros(OBSERVATION - 3)))
        env.close()
        self._weights, *_ = np.linalg.lstsq(np.array(before), np.array(after), rcond=None)
        # The gripper's fingers stay as they are.
        self._weights[:, 3:5] = 0

    def starts(self, shape: tuple[int, ...]) -> Array:
        return np.tile(self.start, (*shape, 1))

    def goals(self, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
        return self.start[:3] + random.uniform(-REACH, REACH, (*shape, 3))

    def step(self, states: Array, actions: Array) -> Array:
        ones = np.ones((*states.shape[:-1], 1))
        after = np.concatenate([ones, states, np.clip(actions, -1, 1)], axis=-1) @ self._weights
        after[..., :3] += states[..., :3]
        after[..., 2] = np.maximum(after[..., 2], _TABLE)
        return after
