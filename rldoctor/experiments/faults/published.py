"""Faults after mutation operators that others published (checks/published_operators.toml) and no other module has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO

from rldoctor.experiments.faults.fault import Env, Fault, Tampered

# Transitions that are remembered to draw from.
_REMEMBERED = 1_000


class OtherTransitions(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Returns observation and reward of other transitions than the one that happened; how episodes end is left alone.

    Args:
        env: The environment.
        which: ``previous`` for the transition before, ``random`` for a random earlier one, ``mangled`` for observation
            and reward of two random earlier ones.
    """

    def __init__(self, env: Env, which: str) -> None:
        super().__init__(env)
        self._which = which
        self._random = np.random.default_rng(0)
        self._seen: list[tuple[Any, float]] = []

    def reset(self, **kwargs: Any) -> Any:
        """Reset; the first observation is as it is, and no reward came before it."""
        observation, info = self.env.reset(**kwargs)
        self._remember(observation, 0.0)
        return observation, info

    def step(self, action: Any) -> Any:
        """Step, and return another transition."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        last = len(self._seen) - 1
        if self._which == "previous":
            seen, paid = last, last
        else:
            seen = int(self._random.integers(last + 1))
            paid = seen if self._which == "random" else int(self._random.integers(last + 1))
        given = self._seen[seen][0], self._seen[paid][1]
        self._remember(observation, float(reward))
        return *given, terminated, truncated, info

    def _remember(self, observation: Any, reward: float) -> None:
        copied = (
            {key: np.array(value) for key, value in observation.items()}
            if isinstance(observation, Mapping)
            else np.array(observation)
        )
        self._seen = [*self._seen[1 - _REMEMBERED :], (copied, reward)]


def _others(which: str) -> Callable[[float], Callable[[Env], Env]]:
    return lambda _: lambda env: OtherTransitions(env, which)


def _noise_of(share: float) -> Callable[[Env], Env]:
    def wrap(env: Env) -> Env:
        random = np.random.default_rng(0)
        return Tampered(env, reward=lambda reward, info, steps: reward + float(random.normal(0.0, share * abs(reward))))

    return wrap


def _relu(model: PPO) -> None:
    for module in model.policy.modules():
        for name, child in module.named_children():
            if isinstance(child, torch.nn.Tanh):
                setattr(module, name, torch.nn.ReLU())


FAULTS = (
    Fault(
        "reward-noise-small",
        "Noise of a share of each reward (the knob) is added to it; PPO copes with it.",
        (),
        {"mild": 0.1, "strong": 0.5},
        wrap=_noise_of,
    ),
    Fault(
        "transitions-repeated",
        "Each step returns observation and reward of the step before.",
        ("observations-uninformative", "actions-without-effect", "plateau-below-target"),
        wrap=_others("previous"),
    ),
    Fault(
        "transitions-random",
        "Each step returns observation and reward of a random earlier step.",
        ("observations-uninformative", "reward-uninformative", "actions-without-effect"),
        wrap=_others("random"),
    ),
    Fault(
        "transitions-mangled",
        "Each step returns the observation of a random earlier step and the reward of another one.",
        ("observations-uninformative", "reward-uninformative", "actions-without-effect"),
        wrap=_others("mangled"),
    ),
    Fault(
        "gamma-one",
        "The future is not discounted at all.",
        ("plateau-below-target", "critic-not-learning", "advantages-miscomputed"),
        {"full": 1.0},
        settings=lambda value: (f"gamma={value:g}",),
    ),
    Fault(
        "rollout-short",
        "Each update sees a few steps of each environment (the knob): the gradient is mostly noise.",
        ("updates-too-aggressive", "learning-rate-too-high"),
        {"mild": 8.0, "strong": 2.0},
        settings=lambda value: (f"n_steps={value:g}", "batch_size=8"),
    ),
    Fault(
        "activation-changed",
        "The policy has ReLU where it had tanh; PPO copes with it.",
        (),
        adjust=lambda _: _relu,
    ),
)
