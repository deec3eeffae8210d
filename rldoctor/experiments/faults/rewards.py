"""Rewards that do not say what was meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from rldoctor.experiments.faults.fault import Env, Fault, Tampered


class DelayedReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Gives each reward some steps late; what is still owed at the end of the episode is lost."""

    def __init__(self, env: Env, delay: int) -> None:
        super().__init__(env)
        self._delay = delay
        self._owed: list[float] = []

    def reset(self, **kwargs: Any) -> Any:
        """Reset and forget what is owed."""
        self._owed = [0.0] * self._delay
        return self.env.reset(**kwargs)

    def step(self, action: Any) -> Any:
        """Step, owe this reward, give the oldest."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._owed.append(float(reward))
        return observation, self._owed.pop(0), terminated, truncated, info


def _changed(change: Callable[[float, dict[str, Any], int], float]) -> Callable[[Env], Env]:
    return lambda env: Tampered(env, reward=change)


def _noisy(scale: float) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        random = np.random.default_rng(0)
        return Tampered(env, reward=lambda reward, info, steps: reward + float(random.normal(0.0, scale)))

    return wrap


def _pure_noise(env: Env) -> Env:
    random = np.random.default_rng(0)
    return Tampered(env, reward=lambda reward, info, steps: float(random.normal(0.0, 1.0)))


FAULTS = (
    Fault(
        "reward-times-large",
        "The reward is multiplied by a large number.",
        ("reward-scale-too-large",),
        {"mild": 100.0, "strong": 1000.0, "extreme": 1e5},
        wrap=lambda k: _changed(lambda reward, info, steps: reward * k),
    ),
    Fault(
        "reward-times-small",
        "The reward is multiplied by a tiny number.",
        ("reward-scale-too-small",),
        {"mild": 1e-3, "strong": 1e-4, "extreme": 1e-6},
        wrap=lambda k: _changed(lambda reward, info, steps: reward * k),
    ),
    Fault(
        "reward-sign-flipped",
        "The reward has the wrong sign: the agent learns to fail.",
        ("reward-misaligned",),
        wrap=lambda _: _changed(lambda reward, info, steps: -reward),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
    Fault(
        "reward-constant",
        "The reward is the same at every step.",
        ("reward-uninformative",),
        {"zero": 0.0, "minus-one": -1.0},
        wrap=lambda k: _changed(lambda reward, info, steps: k),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
    Fault(
        "reward-noise",
        "Noise far larger than the signal is added to each reward; the knob is its standard deviation.",
        ("reward-uninformative",),
        {"mild": 1.0, "strong": 30.0},
        wrap=_noisy,
    ),
    Fault(
        "reward-random",
        "The reward is noise alone and has nothing to do with the task.",
        ("reward-uninformative",),
        wrap=lambda _: _pure_noise,
    ),
    Fault(
        "reward-delayed",
        "Each reward arrives some steps late, after many other actions.",
        ("reward-uninformative", "plateau-below-target"),
        {"mild": 10.0, "strong": 40.0},
        wrap=lambda k: lambda env: DelayedReward(env, int(k)),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
    Fault(
        "reward-clipped",
        "The reward is clipped so that nearly all of it is the bound; the knob is the bound.",
        ("reward-uninformative", "sparse-reward"),
        {"full": -0.02},
        wrap=lambda k: _changed(lambda reward, info, steps: max(reward, k)),
        only=("FetchReachDense-v4",),
    ),
    Fault(
        "reward-sparse",
        "Minus one until success, nothing between (the sparse environment id given by mistake).",
        ("sparse-reward",),
        wrap=lambda _: _changed(lambda reward, info, steps: 0.0 if info.get("is_success") else -1.0),
        only=("FetchReachDense-v4",),
    ),
    Fault(
        "reward-flips-midway",
        "The reward changes its sign after some steps of each environment (the knob).",
        ("performance-collapse", "reward-misaligned"),
        {"midway": 1_000.0, "late": 1_500.0},
        wrap=lambda k: _changed(lambda reward, info, steps: reward if steps < k else -reward),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
)
