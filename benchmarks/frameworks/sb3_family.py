"""Runs of what logs as Stable-Baselines3 does: its other algorithms, sb3-contrib and SBX.

    pip install torch==2.13.0 stable-baselines3==2.9.2 sb3-contrib==2.9.2 sbx-rl==0.28.0 gymnasium==1.4.0 tensorboard
    python -m benchmarks.frameworks.sb3_family OUT [LIBRARY/ALGORITHM ...]

Settings are those of the RL Baselines3 Zoo (hyperparams/{a2c,trpo,sac,td3,dqn,ppo_lstm}.yml) where the comment says so;
the runs are shorter.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import torch
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import configure

from benchmarks.frameworks import label
from benchmarks.frameworks.true_return import TrueReturn, reached

FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-high": ("learning_rate = 0.3", {"learning_rate": 0.3}),
    "learning-rate-low": ("learning_rate = 1e-8", {"learning_rate": 1e-8}),
    "reward-huge": ("reward x 1e6", {}),
    "reward-constant": ("the reward is always 0", {}),
    "entropy-bonus": ("ent_coef = 5", {"ent_coef": 5.0}),
    "random-for-ever": ("exploration_final_eps = 1", {"exploration_final_eps": 1.0}),
}
SCALE = {"reward-huge": 1e6, "reward-constant": 0.0}
POINTS = 60


@dataclass(frozen=True)
class Kind:
    """One algorithm of one library with settings known to be good on one environment."""

    library: str
    algorithm: str
    env: str
    n_envs: int
    steps: int
    settings: dict[str, Any]
    faults: tuple[str, ...]
    key: str
    policy: str = "MlpPolicy"
    seeds: tuple[int, ...] = (0,)


KINDS = [
    # Zoo, a2c.yml: CartPole, with its 8 environments.
    Kind("stable_baselines3", "A2C", "CartPole-v1", 8, 80_000, {}, ("learning-rate-high", "learning-rate-low"), "a2c"),
    # Zoo, sac.yml and td3.yml: Pendulum, with smaller networks.
    Kind("stable_baselines3", "SAC", "Pendulum-v1", 1, 15_000, dict(learning_rate=1e-3, policy_kwargs=dict(net_arch=[64, 64])), ("reward-huge",), "sac"),
    Kind("stable_baselines3", "TD3", "Pendulum-v1", 1, 15_000, dict(learning_rate=1e-3, learning_starts=1_000, policy_kwargs=dict(net_arch=[64, 64])), ("learning-rate-high",), "td3"),
    # Zoo, dqn.yml: CartPole.
    Kind(
        "stable_baselines3", "DQN", "CartPole-v1", 1, 40_000,
        dict(learning_rate=2.3e-3, batch_size=64, buffer_size=100_000, learning_starts=1_000, target_update_interval=10, train_freq=256,
             gradient_steps=128, exploration_fraction=0.16, exploration_final_eps=0.04, policy_kwargs=dict(net_arch=[256, 256])),
        ("learning-rate-low", "random-for-ever"), "dqn",
    ),
    # Zoo, trpo.yml: CartPole.
    Kind("sb3_contrib", "TRPO", "CartPole-v1", 2, 40_000, dict(n_steps=512, batch_size=512, cg_damping=1e-3, gae_lambda=0.98, n_critic_updates=20), ("reward-constant",), "trpo"),
    # sb3-contrib's own test environment for masks.
    Kind("sb3_contrib", "MaskablePPO", "InvalidActionEnvDiscrete", 1, 25_000, dict(n_steps=256, ent_coef=0.0), ("learning-rate-high",), "ppo"),
    # Zoo, ppo_lstm.yml: CartPole without its velocities, here with them.
    Kind("sb3_contrib", "RecurrentPPO", "CartPole-v1", 8, 40_000, dict(n_steps=128, batch_size=256, learning_rate=1e-3, policy_kwargs=dict(enable_critic_lstm=False, lstm_hidden_size=32, net_arch=dict(pi=[32], vf=[32]))), (), "ppo", policy="MlpLstmPolicy"),
    Kind("sbx", "PPO", "CartPole-v1", 8, 60_000, dict(n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, learning_rate=1e-3), ("learning-rate-high", "learning-rate-low"), "ppo"),
]  # fmt: skip


class Masked(TrueReturn):
    """An environment whose policy asks which actions are allowed."""

    def action_masks(self) -> Any:
        return self.env.unwrapped.action_masks()


def make(env_id: str, scale: float, returns: list[float]) -> gymnasium.Env:
    if env_id.startswith("Invalid"):
        from sb3_contrib.common.envs import InvalidActionEnvDiscrete

        env = gymnasium.wrappers.TimeLimit(InvalidActionEnvDiscrete(dim=20, n_invalid_actions=10), 100)
        return Masked(env, scale, returns)
    return TrueReturn(gymnasium.make(env_id), scale, returns)


def train(kind: Kind, fault: str, seed: int, out: Path) -> None:
    words, changes = FAULTS[fault]
    framework = "sbx" if kind.library == "sbx" else "sb3"
    # Faults are as large as the algorithm needs to be hurt.
    folder = label.place(out, framework, kind.algorithm.lower(), kind.env, fault, seed)
    if label.is_recorded(folder):
        return
    returns: list[float] = []
    scale = SCALE.get(fault, 1.0)
    envs = make_vec_env(lambda: make(kind.env, scale, returns), kind.n_envs, seed=seed)
    algorithm = getattr(importlib.import_module(kind.library), kind.algorithm)
    model = algorithm(kind.policy, envs, seed=seed, device="cpu", **{**kind.settings, **changes})
    model.set_logger(configure(str(folder), ["tensorboard"]))
    on_policy = hasattr(model, "rollout_buffer")
    if on_policy:
        interval = max(1, kind.steps // (model.n_steps * kind.n_envs) // POINTS)
    else:
        # In episodes: 200 steps each on Pendulum, some 100 on CartPole.
        interval = max(1, kind.steps // (200 if kind.env == "Pendulum-v1" else 60) // POINTS)
    try:
        model.learn(kind.steps, log_interval=interval)
    except ValueError as error:
        # A policy of NaN: what was logged until then is what its owner has.
        words += f"; it broke off: {str(error).splitlines()[0]}"
    envs.close()
    packages = [
        {"stable_baselines3": "stable-baselines3", "sb3_contrib": "sb3-contrib", "sbx": "sbx-rl"}[kind.library],
        "torch",
        "gymnasium",
    ]
    label.write(folder, framework, kind.key, kind.env, fault, words, reached(returns), packages)


def main(arguments: Sequence[str]) -> None:
    torch.set_num_threads(1)
    out, wanted = Path(arguments[0]), set(arguments[1:])
    for kind in KINDS:
        if wanted and f"{kind.library}/{kind.algorithm}" not in wanted:
            continue
        for fault, seed in [("", seed) for seed in kind.seeds] + [(fault, 0) for fault in kind.faults]:
            train(kind, fault, seed, out)


if __name__ == "__main__":
    main(sys.argv[1:])
