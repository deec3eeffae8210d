"""Environments with a fault in a known layer, for the tests of the examination and of the search for wrappers."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from typing import Any

import gymnasium
import numpy as np


class Plain(gymnasium.Wrapper):
    """Changes nothing."""


class Other(Plain):
    """Changes nothing either."""


class Negated(gymnasium.RewardWrapper):
    """Turns the sign of the reward."""

    def reward(self, reward: Any) -> float:
        return -float(reward)


class Frozen(gymnasium.ObservationWrapper):
    """Always shows the first observation."""

    kept: Any = None

    def observation(self, observation: Any) -> Any:
        if self.kept is None:
            self.kept = observation
        return self.kept


class Ignored(gymnasium.ActionWrapper):
    """Takes no action."""

    def action(self, action: Any) -> Any:
        return np.zeros_like(action)


class Line(gymnasium.Env):
    """A point on a line is steered to a goal on it; the reward is minus the distance."""

    observation_space = gymnasium.spaces.Dict(
        {
            "observation": gymnasium.spaces.Box(-9, 9, (3,), np.float64),
            "achieved_goal": gymnasium.spaces.Box(-9, 9, (1,), np.float64),
            "desired_goal": gymnasium.spaces.Box(-9, 9, (1,), np.float64),
        }
    )
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    distance_threshold = 0.05

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.at, self.goal = self.np_random.uniform(-1, 1, 1), self.np_random.uniform(-1, 1, 1)
        self.steps = 0
        return self._seen(), {}

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -np.abs(np.asarray(achieved) - np.asarray(desired))[..., 0]

    def step(self, action: Any) -> Any:
        self.at = np.clip(self.at + 0.1 * np.clip(np.asarray(action, np.float64), -1, 1), -2, 2)
        self.steps += 1
        near = bool(abs(self.at - self.goal)[0] < 0.05)
        reward = float(self.compute_reward(self.at, self.goal, {}))
        return self._seen(), reward, False, self.steps >= 50, {"is_success": near}

    def _seen(self) -> Any:
        # A clock hand moves by itself, so that something changes where actions do nothing.
        angle = 0.3 * self.steps + self.goal[0]
        seen = np.array([self.at[0], np.sin(angle), np.cos(angle)])
        return {"observation": seen, "achieved_goal": self.at.copy(), "desired_goal": self.goal.copy()}


def line() -> gymnasium.Env:
    return Line()


def negated_inside() -> gymnasium.Env:
    return Other(Plain(Negated(Line())))


def negated_outside() -> gymnasium.Env:
    return Negated(Other(Plain(Line())))


def frozen_between() -> gymnasium.Env:
    return Plain(Frozen(Other(Line())))


def ignored_outside() -> gymnasium.Env:
    return Ignored(Plain(Line()))


def dies() -> gymnasium.Env:
    os._exit(7)


def hangs() -> gymnasium.Env:
    time.sleep(600)
    return Line()


def segfault() -> gymnasium.Env:
    ctypes.string_at(0)
    return Line()


def hangs_in_c() -> gymnasium.Env:
    # As code in C does, it does not react to the signal that interrupts Python.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    return hangs()


def raises() -> gymnasium.Env:
    raise RuntimeError("no licence")


class Magnified(gymnasium.RewardWrapper):
    """Makes the reward ten thousand times as large."""

    def reward(self, reward: Any) -> float:
        return 1e4 * float(reward)


class Shuffled(gymnasium.ActionWrapper):
    """Takes another action than the one given."""

    def action(self, action: Any) -> Any:
        return np.random.default_rng().uniform(-1, 1, np.shape(action)).astype(np.float32)


class Unsuccessful(gymnasium.Wrapper):
    """Never reports a success."""

    def step(self, action: Any) -> Any:
        observation, reward, over, cut, info = self.env.step(action)
        return observation, reward, over, cut, {**info, "is_success": False}


FAULTY: dict[str, type[gymnasium.Wrapper]] = {
    fault.__name__: fault for fault in (Negated, Frozen, Ignored, Magnified, Shuffled, Unsuccessful)
}


def stacked(depth: int, fault: str, place: int) -> gymnasium.Env:
    """Return a stack of ``depth`` wrappers, the one at ``place`` (0 is the innermost) with a fault."""
    env: gymnasium.Env = Line()
    for layer in range(depth):
        env = (FAULTY[fault] if layer == place else (Plain, Other)[layer % 2])(env)
    return env
