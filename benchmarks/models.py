"""What saved models show: python -m benchmarks.models, which prints a table. Two minutes.

Short trainings of CartPole and Pendulum, sound ones and some with one setting that is wrong; the numbers behind the
thresholds in checks/model_signs.toml.
"""

from __future__ import annotations

import contextlib
import copy
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import DQN, PPO, SAC, TD3
from stable_baselines3.common.env_util import make_vec_env

from rldoctor.sb3.examine_model import examine_model

_CARTPOLE: Mapping[str, Any] = {"n_steps": 32, "batch_size": 256, "n_epochs": 20, "gae_lambda": 0.8, "gamma": 0.98}
_PENDULUM: Mapping[str, Any] = {"n_steps": 512, "gamma": 0.9}
_RELU = {"activation_fn": torch.nn.ReLU}
_SMALL = {"net_arch": [64, 64]}
# Name: algorithm, environment, how many of it, steps, settings.
TRAININGS: Mapping[str, tuple[Callable[..., Any], str, int, int, Mapping[str, Any]]] = {
    "PPO, CartPole": (PPO, "CartPole-v1", 8, 15_000, {"learning_rate": 1e-3, **_CARTPOLE}),
    "PPO, CartPole, ReLU": (
        PPO,
        "CartPole-v1",
        8,
        15_000,
        {"learning_rate": 1e-3, "policy_kwargs": _RELU, **_CARTPOLE},
    ),
    "PPO, Pendulum": (PPO, "Pendulum-v1", 4, 30_000, {"learning_rate": 1e-3, **_PENDULUM}),
    "SAC, Pendulum": (SAC, "Pendulum-v1", 1, 3_000, {"policy_kwargs": _SMALL}),
    "TD3, Pendulum": (TD3, "Pendulum-v1", 1, 3_000, {"policy_kwargs": _SMALL}),
    "DQN, CartPole": (DQN, "CartPole-v1", 1, 8_000, {"learning_rate": 1e-3, "learning_starts": 500}),
    "PPO, CartPole, learning rate 0.1": (PPO, "CartPole-v1", 8, 15_000, {"learning_rate": 0.1, **_CARTPOLE}),
    "PPO, CartPole, ReLU, learning rate 0.1": (
        *(PPO, "CartPole-v1", 8, 15_000),
        {"learning_rate": 0.1, "policy_kwargs": _RELU, **_CARTPOLE},
    ),
    "PPO, Pendulum, learning rate 0.1": (PPO, "Pendulum-v1", 4, 8_000, {"learning_rate": 0.1, **_PENDULUM}),
    "SAC, Pendulum, learning rate 0.1": (SAC, "Pendulum-v1", 1, 3_000, {"learning_rate": 0.1, "policy_kwargs": _SMALL}),
    "PPO, Pendulum, log_std_init -5": (
        PPO,
        "Pendulum-v1",
        4,
        8_000,
        {"policy_kwargs": {"log_std_init": -5.0}, **_PENDULUM},
    ),
    "PPO, Pendulum, log_std_init 3": (
        PPO,
        "Pendulum-v1",
        4,
        8_000,
        {"policy_kwargs": {"log_std_init": 3.0}, **_PENDULUM},
    ),
}


def main() -> None:
    torch.set_num_threads(1)
    print("| training | evidence for | evidence against |\n|---|---|---|")
    for name, (algorithm, env, count, steps, settings) in TRAININGS.items():
        # Stable-Baselines3 adds to the policy_kwargs that it is given.
        model = algorithm("MlpPolicy", make_vec_env(env, n_envs=count, seed=0), seed=0, **copy.deepcopy(dict(settings)))
        with contextlib.suppress(ValueError):
            model.learn(steps)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.zip"
            model.save(file)
            found = examine_model(file)
        faults = [f"{item.name} {item.evidence['observed']:.3g}" for item in found if item.direction == "fault"]
        health = [f"{item.name} {item.evidence['observed']:.3g}" for item in found if item.direction == "health"]
        print(f"| {name} | {', '.join(faults)} | {', '.join(health)} |", flush=True)


if __name__ == "__main__":
    main()
