"""From a recipe to the class of Stable-Baselines3 that trains it, and to its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from rldoctor.recipe import Recipe

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm

# Settings that SB3's policies take, not its algorithms.
_OF_POLICIES = ("log_std_init", "net_arch")
_SCHEDULED = ("learning_rate", "clip_range")


def algorithm_class(name: str) -> type[BaseAlgorithm]:
    """Return the class of ``stable_baselines3`` that trains an algorithm of ``rldoctor.hyperparameters.ALGORITHMS``."""
    import stable_baselines3

    found: type[BaseAlgorithm] = getattr(stable_baselines3, name.upper())
    return found


def policy_class(observation_space: gymnasium.Space[Any]) -> str:
    """Return ``MultiInputPolicy`` for dictionaries of observations, ``MlpPolicy`` otherwise."""
    return "MultiInputPolicy" if isinstance(observation_space, gymnasium.spaces.Dict) else "MlpPolicy"


def algorithm_arguments(recipe: Recipe, action_space: gymnasium.Space[Any]) -> dict[str, Any]:
    """Return the recipe's hyperparameters as keyword arguments of :func:`algorithm_class`.

    Args:
        recipe: Names the algorithm.
        action_space: Of the environment; exploration noise has its shape.
    """
    settings: dict[str, Any] = dict(recipe.hyperparameters)
    policy = {key: settings.pop(key) for key in _OF_POLICIES if key in settings}
    for key in _SCHEDULED:
        if settings.pop(f"{key}_schedule", "constant") == "linear":
            settings[key] = _linear(float(recipe.setting(key)))  # type: ignore[arg-type]
    noise = settings.pop("action_noise_std", 0.0)
    if noise:
        settings["action_noise"] = _normal_noise(action_space, noise)
    return {**_replay(settings), "policy_kwargs": policy or None}


def _replay(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those of hindsight replay as SB3 takes them: a class and its arguments."""
    hindsight = {key.removeprefix("her_"): value for key, value in settings.items() if key.startswith("her_")}
    others = {key: value for key, value in settings.items() if key != "her" and not key.startswith("her_")}
    if not settings.get("her"):
        return others
    from stable_baselines3 import HerReplayBuffer

    return {**others, "replay_buffer_class": HerReplayBuffer, "replay_buffer_kwargs": hindsight}


def _normal_noise(space: gymnasium.Space[Any], std: float) -> Any:
    """Return noise on actions, which SB3 adds to actions scaled to [-1, 1]."""
    from stable_baselines3.common.noise import NormalActionNoise

    shape = space.shape or ()
    return NormalActionNoise(np.zeros(shape, np.float32), np.full(shape, std, np.float32))


def _linear(start: float) -> Callable[[float], float]:
    """Return SB3's linear schedule: ``start`` times the fraction of the training that remains."""

    def at(progress_remaining: float) -> float:
        return start * progress_remaining

    return at
