"""The arguments of Stable-Baselines3's PPO, from a recipe."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium

from rldoctor.recipe import Recipe


def policy_class(observation_space: gymnasium.Space[Any]) -> str:
    """Return ``MultiInputPolicy`` for dictionaries of observations, ``MlpPolicy`` otherwise."""
    return "MultiInputPolicy" if isinstance(observation_space, gymnasium.spaces.Dict) else "MlpPolicy"


def ppo_arguments(recipe: Recipe) -> dict[str, Any]:
    """Return the recipe's hyperparameters as keyword arguments of ``stable_baselines3.PPO``."""
    settings: dict[str, Any] = dict(recipe.hyperparameters)
    policy: dict[str, Any] = {}
    for key in ("log_std_init", "net_arch"):
        if key in settings:
            policy[key] = settings.pop(key)
    for key in ("learning_rate", "clip_range"):
        schedule = settings.pop(f"{key}_schedule", "constant")
        if schedule == "linear":
            settings[key] = _linear(float(recipe.setting(key)))  # type: ignore[arg-type]
    return {**settings, "policy_kwargs": policy or None}


def _linear(start: float) -> Callable[[float], float]:
    """Return SB3's linear schedule: ``start`` times the fraction of the training that remains."""

    def at(progress_remaining: float) -> float:
        return start * progress_remaining

    return at
