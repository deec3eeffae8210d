"""Trainings of some rollouts, healthy or with a fault of the laboratory put in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.callback.live import ScalarMemory
from rldoctor.environments.vec_envs import make_training_envs, training_seed
from rldoctor.experiments.faults import find
from rldoctor.recipe import Recipe
from rldoctor.training import algorithm

FETCH, CARTPOLE, PENDULUM = "FetchReachDense-v4", "CartPole-v1", "Pendulum-v1"
# Rollouts, and settings under which each learns something in them.
_SETTINGS = {"n_steps": 128, "batch_size": 128, "n_epochs": 8, "gae_lambda": 0.9}
SMALL: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    FETCH: (4, {**_SETTINGS, "gamma": 0.8, "learning_rate": 2e-3, "log_std_init": -0.5}),
    CARTPOLE: (6, {**_SETTINGS, "gamma": 0.98, "learning_rate": 1e-3}),
    PENDULUM: (4, {**_SETTINGS, "n_steps": 256, "gamma": 0.9, "learning_rate": 1e-3}),
}


def train(
    env: str,
    directory: Path | None,
    callback: Any,
    fault: str = "",
    severity: str = "",
    rollouts: int = 0,
    log_interval: int = 1,
    **settings: Any,
) -> PPO:
    usual, hyperparameters = SMALL[env]
    recipe = Recipe(env, env, 1, 4, {**hyperparameters, **settings})
    wrap = adjust = None
    if fault:
        found = find(fault)
        knob = found.knob(severity or list(found.severities)[-1])
        wrap = found.wrap(knob) if found.wrap else None
        adjust = found.adjust(knob) if found.adjust else None
        recipe = recipe.with_overrides(found.settings(knob)) if found.settings else recipe
    envs = make_training_envs(recipe, wrap)
    try:
        model = algorithm.build(recipe, envs, seed=0)
        envs.seed(training_seed(0))
        if adjust:
            adjust(model)
        if directory is not None:
            model.set_logger(configure(str(directory), ["tensorboard"]))
        with algorithm.one_thread():
            model.learn((rollouts or usual) * 4 * model.n_steps, callback=callback, log_interval=log_interval)
        if directory is not None:
            model.logger.close()
        return model
    finally:
        envs.close()


def logged_by(env: str, budget: float = math.inf, every: int = 1, **arguments: Any) -> dict[str, list[float]]:
    """Train and return what was logged, by tag."""
    memory = ScalarMemory()

    class Listening(BaseCallback):
        def _on_training_start(self) -> None:
            self.logger.output_formats.append(memory)

        def _on_step(self) -> bool:
            return True

    train(env, None, [Listening(), DoctorCallback(warn=False, budget=budget, every=every)], **arguments)
    return {tag: memory.memory.values(tag) for tag in memory.memory}
