"""Diagnoses with a user's own environment at hand: python -m benchmarks.own_environments [--record [NAME ...]]

With --record, every environment of benchmarks/own_envs.py is trained with plain Stable-Baselines3 for some 20,000 steps and
examined as ``rldoctor diagnose RUN --env own_envs.py:NAME`` does. The logged curves and what the checks observed are written
to tests/strangers/own. Some ten minutes.

Without, every run is diagnosed from its logs alone and with its environment, and docs/own-environments.md is written. A few
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CARTPOLE: Mapping[str, Any] = dict(
    n_steps=32, batch_size=256, gae_lambda=0.8, gamma=0.98, n_epochs=20, learning_rate=1e-3
)
PENDULUM: Mapping[str, Any] = dict(
    n_steps=128, batch_size=128, gae_lambda=0.95, gamma=0.9, n_epochs=10, learning_rate=2e-3
)
MUJOCO: Mapping[str, Any] = dict(n_steps=128, batch_size=128, learning_rate=1e-3)
ACROBOT: Mapping[str, Any] = dict(n_steps=64, batch_size=256, gae_lambda=0.94, n_epochs=6, learning_rate=2e-3)
FETCH: Mapping[str, Any] = dict(
    n_steps=64,
    batch_size=256,
    gamma=0.8,
    gae_lambda=0.9,
    learning_rate=2e-3,
    policy_kwargs={"log_std_init": -0.5},
)
MOUNTAIN: Mapping[str, Any] = dict(
    n_steps=128, batch_size=256, gamma=0.99, learning_rate=1e-3, use_sde=True, policy_kwargs={"log_std_init": 0.5}
)


@dataclass(frozen=True)
class Own:
    """An environment of benchmarks/own_envs.py.

    Attributes:
        name: Of the class or function.
        causes: The diagnoses that are right; none for a healthy one.
        settings: Of PPO.
        n_envs: Parallel environments.
        steps: Of the training.
    """

    name: str
    causes: tuple[str, ...]
    settings: Mapping[str, Any]
    n_envs: int = 8
    steps: int = 20_000


ALL = (
    *(Own(name, (), CARTPOLE) for name in ("CartPole", "CartPoleCentred")),
    *(Own(name, (), PENDULUM, 4) for name in ("Pendulum", "PendulumShifted")),
    Own("Acrobot", (), ACROBOT, steps=30_000),
    Own("MountainCar", (), MOUNTAIN),
    *(Own(name, (), MUJOCO, 4) for name in ("Reacher", "ReacherDistance", "InvertedPendulum")),
    Own("fetch_reach", (), FETCH),
    Own("CartPoleNoReward", ("reward-uninformative",), CARTPOLE),
    Own("CartPoleDeaf", ("actions-without-effect",), CARTPOLE),
    Own("CartPoleShuffled", ("observations-uninformative",), CARTPOLE),
    Own("CartPoleCosts", ("reward-misaligned",), CARTPOLE),
    Own("CartPoleNan", ("non-finite-values",), CARTPOLE),
    Own("CartPoleTired", ("environment-misconfigured",), CARTPOLE),
    Own("CartPoleFrozen", ("observations-uninformative",), CARTPOLE),
    Own("CartPoleUnscaled", ("observations-unscaled",), CARTPOLE),
    Own("PendulumFlipped", ("reward-misaligned",), PENDULUM, 4),
    Own("PendulumLoud", ("reward-scale-too-large",), PENDULUM, 4),
    Own("PendulumFaint", ("reward-scale-too-small",), PENDULUM, 4),
    Own("PendulumNoise", ("reward-uninformative",), PENDULUM, 4),
    Own("PendulumDeaf", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumErratic", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumBlind", ("observations-uninformative",), PENDULUM, 4),
    Own("PendulumLateEyes", ("observations-uninformative",), PENDULUM, 4),
    Own("PendulumLateHands", ("actions-without-effect",), PENDULUM, 4),
    Own("PendulumFlat", ("reward-uninformative",), PENDULUM, 4),
    Own("AcrobotTooHigh", ("task-unreachable", "reward-uninformative"), ACROBOT),
    Own("AcrobotHasty", ("environment-misconfigured", "task-unreachable"), ACROBOT),
    Own("AcrobotDeaf", ("actions-without-effect",), ACROBOT),
    Own("MountainCarWeak", ("actions-without-effect", "task-unreachable"), MOUNTAIN),
    Own("ReacherBlind", ("goal-not-observed", "observations-uninformative"), MUJOCO, 4),
    Own("ReacherFlees", ("reward-misaligned",), MUJOCO, 4),
    Own("ReacherWired", ("actions-without-effect",), MUJOCO, 4),
    Own("InvertedPendulumHazy", ("observations-uninformative",), MUJOCO, 4),
    Own("InvertedPendulumOver", ("environment-misconfigured",), MUJOCO, 4),
    Own("fetch_goal_hidden", ("goal-not-observed",), FETCH),
    Own("fetch_negated", ("reward-misaligned",), FETCH),
    Own("fetch_clocked", ("reward-uninformative",), FETCH),
    Own("fetch_never_succeeds", ("success-signal-broken",), FETCH),
    Own("fetch_tiny_goal", ("sparse-reward",), FETCH),
    Own("fetch_juggled", ("actions-without-effect",), FETCH),
    Own("fetch_far_goal", ("task-unreachable",), FETCH),
    Own("fetch_short", ("environment-misconfigured", "task-unreachable"), FETCH),
)
