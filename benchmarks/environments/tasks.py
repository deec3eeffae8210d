"""Environments with settings known to be good: Stable-Baselines3's defaults, or those of the RL Baselines3 Zoo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium

from benchmarks.environments.wrappers import Scaled, Steps

ZOO = "RL Baselines3 Zoo, hyperparams/ppo.yml"
OURS = "Stable-Baselines3's defaults with VecNormalize, larger steps and minibatches"
# Short trainings: larger steps than the usual 3e-4, in larger minibatches.
MUJOCO: Mapping[str, Any] = dict(n_steps=512, batch_size=256, n_epochs=10, learning_rate=1e-3)


@dataclass(frozen=True)
class Task:
    """An environment with settings known to be good.

    Attributes:
        env: Gymnasium id.
        kind: What is special about it.
        steps: Of the whole run, over all environments.
        settings: Of PPO, where they differ from its defaults.
        source: Where they come from.
        faults: Names in ``FAULTS`` with which it is trained as well.
        n_envs: How many environments.
        normalize: Whether VecNormalize stands between.
        make: Options of ``gymnasium.make``.
        wrap: What the environment is wrapped into.
        unseen: Recorded after all signs and weights of version 0.1.0 were fixed.
    """

    env: str
    kind: str
    steps: int
    settings: Mapping[str, Any]
    source: str
    faults: tuple[str, ...]
    n_envs: int = 4
    normalize: bool = True
    make: Mapping[str, Any] = field(default_factory=dict)
    wrap: Callable[[gymnasium.Env], gymnasium.Env] = lambda env: env
    unseen: bool = False


def linear(start: float) -> Callable[[float], float]:
    """Return the schedule that falls from ``start`` to 0, as the zoo writes ``lin_0.001``."""
    return lambda left: left * start


PENDULUM: Mapping[str, Any] = dict(
    n_steps=1024, gae_lambda=0.95, gamma=0.9, n_epochs=10, learning_rate=1e-3, use_sde=True, sde_sample_freq=4
)
CARTPOLE: Mapping[str, Any] = dict(
    n_steps=32,
    batch_size=256,
    gae_lambda=0.8,
    gamma=0.98,
    n_epochs=20,
    learning_rate=linear(0.001),
    clip_range=linear(0.2),
)
DISCRETE_PENDULUM: Mapping[str, Any] = dict(n_steps=512, gamma=0.9, gae_lambda=0.95, learning_rate=1e-3, batch_size=64)
DISCRETE_SOURCE = f"{ZOO} (Pendulum-v1), without its Gaussian policy"
TASKS: Mapping[str, Task] = {
    "inverted-pendulum": Task(
        "InvertedPendulum-v5",
        "ends early, solved with nothing left to explain",
        80_000,
        {**MUJOCO, "batch_size": 64, "learning_rate": 3e-4},
        OURS,
        ("learning-rate-high", "reward-noise"),
    ),
    "acrobot": Task(
        "Acrobot-v1",
        "discrete, -1 a step until done",
        100_000,
        dict(n_steps=256, gae_lambda=0.94, n_epochs=4),
        ZOO,
        ("learning-rate-low",),
        n_envs=16,
    ),
    "reacher": Task(
        "Reacher-v5", "fixed length, negative reward", 80_000, MUJOCO, OURS, ("learning-rate-high", "entropy-bonus")
    ),
    "frozen-lake": Task(
        "FrozenLake-v1",
        "sparse reward, discrete observations",
        40_000,
        dict(n_steps=128, batch_size=128, ent_coef=0.01, gamma=0.98),
        "Stable-Baselines3's defaults, shorter rollouts",
        ("learning-rate-low", "reward-constant"),
        normalize=False,
        make={"is_slippery": False},
        n_envs=8,
    ),
    "hopper": Task(
        "Hopper-v5",
        "ends early, return of steps survived",
        80_000,
        MUJOCO,
        OURS,
        ("learning-rate-high",),
    ),
    "half-cheetah": Task(
        "HalfCheetah-v5",
        "never ends early, return without bound",
        60_000,
        MUJOCO,
        OURS,
        ("reward-noise",),
    ),
    "long-cart-pole": Task(
        "CartPole-v1",
        "episodes of up to 5,000 steps",
        60_000,
        CARTPOLE,
        f"{ZOO} (CartPole-v1)",
        ("learning-rate-high",),
        n_envs=8,
        normalize=False,
        make={"max_episode_steps": 5_000},
    ),
    "pendulum-large-reward": Task(
        "Pendulum-v1",
        "reward times 10, plus 50 a step",
        60_000,
        PENDULUM,
        f"{ZOO} (Pendulum-v1)",
        ("learning-rate-low",),
        normalize=True,
        wrap=lambda env: Scaled(env, 10.0, 50.0),
    ),
    "pendulum-many-actions": Task(
        "Pendulum-v1",
        "41 discrete actions",
        50_000,
        DISCRETE_PENDULUM,
        DISCRETE_SOURCE,
        ("entropy-bonus",),
        normalize=False,
        wrap=lambda env: Steps(env, 41),
    ),
    "mountain-car-continuous": Task(
        "MountainCarContinuous-v0",
        "a bonus at the end, effort costs; state-dependent exploration",
        20_000,
        dict(
            batch_size=256,
            n_steps=8,
            gamma=0.9999,
            learning_rate=7.77e-05,
            ent_coef=0.00429,
            clip_range=0.1,
            n_epochs=10,
            gae_lambda=0.9,
            max_grad_norm=5,
            vf_coef=0.19,
            use_sde=True,
            policy_kwargs=dict(log_std_init=-3.29, ortho_init=False),
        ),
        ZOO,
        (),
        n_envs=1,
    ),
    "inverted-double-pendulum": Task(
        "InvertedDoublePendulum-v5", "ends early, return of thousands", 60_000, MUJOCO, OURS, ()
    ),
    "taxi": Task(
        "Taxi-v4",
        "500 discrete states, penalties of -10",
        80_000,
        dict(n_steps=256, batch_size=256, learning_rate=1e-3, ent_coef=0.01, gamma=0.98),
        "Stable-Baselines3's defaults, larger steps",
        (),
        n_envs=8,
        normalize=False,
    ),
    "blackjack": Task(
        "Blackjack-v1",
        "one or two steps an episode, chance decides most of it",
        40_000,
        dict(n_steps=256, batch_size=256, learning_rate=1e-3),
        "Stable-Baselines3's defaults, larger steps",
        (),
        n_envs=8,
        normalize=False,
    ),
    "walker": Task(
        "Walker2d-v5",
        "ends early, return of steps survived",
        80_000,
        MUJOCO,
        OURS,
        ("learning-rate-high", "reward-noise"),
        unseen=True,
    ),
    "swimmer": Task(
        "Swimmer-v5",
        "never ends early, slow to show what an action does",
        80_000,
        {**MUJOCO, "gamma": 0.9999},
        f"{OURS}; gamma from {ZOO}",
        ("learning-rate-low", "entropy-bonus"),
        unseen=True,
    ),
    "pusher": Task(
        "Pusher-v5",
        "fixed length, negative reward, seven joints",
        80_000,
        MUJOCO,
        OURS,
        ("learning-rate-low", "reward-noise"),
        unseen=True,
    ),
    "point-maze": Task(
        "PointMaze_OpenDense-v3",
        "a goal to reach, observed as a dictionary",
        80_000,
        MUJOCO,
        OURS,
        ("learning-rate-high", "reward-constant"),
        unseen=True,
    ),
    "cliff-walking": Task(
        "CliffWalking-v1",
        "48 discrete states, -100 for a fall",
        60_000,
        dict(n_steps=256, batch_size=256, learning_rate=1e-3, ent_coef=0.01, gamma=0.98),
        "Stable-Baselines3's defaults, larger steps",
        ("learning-rate-low", "reward-noise"),
        n_envs=8,
        normalize=False,
        make={"max_episode_steps": 200},
        unseen=True,
    ),
    "pendulum-small-reward": Task(
        "Pendulum-v1",
        "15 discrete actions, reward divided by 100",
        60_000,
        DISCRETE_PENDULUM,
        DISCRETE_SOURCE,
        ("learning-rate-high",),
        normalize=True,
        wrap=lambda env: Scaled(Steps(env, 15), 0.01),
        unseen=True,
    ),
}
