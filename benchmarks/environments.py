"""Record runs of environments without a reference: python -m benchmarks.environments OUT [NAME ...]

The trainings are plain Stable-Baselines3, without run.json and DoctorCallback. Where the RL Baselines3 Zoo has settings
(hyperparams/ppo.yml), they are used, with fewer steps. Each task is trained healthy with two seeds, and with faults. The
outcome is measured on the true reward, before normalisation and faults. Their diagnoses: python -m benchmarks.strangers.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

SEEDS = (0, 1)
POINTS = 80
ZOO = "RL Baselines3 Zoo, hyperparams/ppo.yml"
OURS = "Stable-Baselines3's defaults with VecNormalize, larger steps and minibatches"
# Short trainings: larger steps than the usual 3e-4, in larger minibatches.
MUJOCO: Mapping[str, Any] = dict(n_steps=512, batch_size=256, n_epochs=10, learning_rate=1e-3)


class Scaled(gymnasium.RewardWrapper):
    """Rescales and shifts the reward."""

    def __init__(self, env: gymnasium.Env, scale: float = 1.0, offset: float = 0.0) -> None:
        super().__init__(env)
        self.scale, self.offset = scale, offset

    def reward(self, reward: float) -> float:
        return self.scale * float(reward) + self.offset


class Noise(gymnasium.RewardWrapper):
    """Replaces the reward by noise."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.chance = np.random.default_rng(0)

    def reward(self, reward: float) -> float:
        return float(self.chance.normal())


class Steps(gymnasium.ActionWrapper):
    """Turns a one-dimensional continuous action into ``n`` discrete ones."""

    def __init__(self, env: gymnasium.Env, n: int) -> None:
        super().__init__(env)
        self.ends = float(env.action_space.low[0]), float(env.action_space.high[0])
        self.n = n
        self.action_space = gymnasium.spaces.Discrete(n)

    def action(self, action: int) -> np.ndarray:
        low, high = self.ends
        return np.array([low + (high - low) * int(action) / (self.n - 1)], np.float32)


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


@dataclass(frozen=True)
class Fault:
    """A change of a good recipe, and the diagnoses that are right for it, best first."""

    words: str
    diagnoses: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    wrap: Callable[[gymnasium.Env], gymnasium.Env] = lambda env: env


FAULTS: Mapping[str, Fault] = {
    "": Fault("", ()),
    "learning-rate-high": Fault(
        "learning_rate = 0.1",
        ("learning-rate-too-high", "updates-too-aggressive", "policy-collapsed"),
        {"learning_rate": 0.1},
    ),
    "learning-rate-low": Fault("learning_rate = 1e-7", ("updates-too-small",), {"learning_rate": 1e-7}),
    "entropy-bonus": Fault("ent_coef = 1", ("entropy-too-high",), {"ent_coef": 1.0}),
    "reward-constant": Fault(
        "the reward is always 1", ("reward-uninformative",), wrap=lambda env: Scaled(env, 0.0, 1.0)
    ),
    "reward-noise": Fault("the reward is noise", ("reward-uninformative",), wrap=Noise),
}


class TrueReturn(gymnasium.Wrapper):
    """Adds up the true reward, below faults and wrappers; one list for all environments."""

    def __init__(self, env: gymnasium.Env, returns: list[float]) -> None:
        super().__init__(env)
        self.returns, self.total = returns, 0.0

    def reset(self, **arguments: Any) -> Any:
        self.total = 0.0
        return self.env.reset(**arguments)

    def step(self, action: Any) -> Any:
        result = self.env.step(action)
        self.total += float(result[1])
        if result[2] or result[3]:
            self.returns.append(self.total)
        return result


def make(task: Task, fault: Fault, returns: list[float]) -> gymnasium.Env:
    env = gymnasium.make(task.env, **task.make)
    if isinstance(env.observation_space, gymnasium.spaces.Tuple):
        sizes = [space.n for space in env.observation_space]
        env = gymnasium.wrappers.TransformObservation(
            env, lambda seen: np.array(seen, np.int64), gymnasium.spaces.MultiDiscrete(sizes)
        )
    return fault.wrap(task.wrap(TrueReturn(env, returns)))


def train(task: Task, fault: Fault, seed: int, folder: Path) -> list[float]:
    """Train into ``folder`` and return the true returns of all episodes in training."""
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.vec_env import VecNormalize

    returns: list[float] = []
    envs: Any = make_vec_env(lambda: make(task, fault, returns), task.n_envs, seed=seed)
    settings = {**task.settings, **fault.settings}
    if task.normalize:
        envs = VecNormalize(envs, gamma=settings.get("gamma", 0.99))
    policy = "MultiInputPolicy" if isinstance(envs.observation_space, gymnasium.spaces.Dict) else "MlpPolicy"
    model = PPO(policy, envs, seed=seed, device="cpu", **settings)
    model.set_logger(configure(str(folder), ["tensorboard"]))
    rollouts = task.steps // (model.n_steps * task.n_envs)
    model.learn(task.steps, log_interval=max(1, rollouts // POINTS))
    envs.close()
    return returns


def random_return(task: Task, episodes: int = 20) -> float:
    returns: list[float] = []
    env = make(task, FAULTS[""], returns)
    env.action_space.seed(0)
    env.reset(seed=0)
    while len(returns) < episodes:
        if any(env.step(env.action_space.sample())[2:4]):
            env.reset()
    env.close()
    return float(np.mean(returns))


def record(out: Path, wanted: Sequence[str]) -> None:
    import gymnasium_robotics
    import torch

    gymnasium.register_envs(gymnasium_robotics)
    torch.set_num_threads(1)
    for name, task in TASKS.items():
        if wanted and name not in wanted:
            continue
        at_random = random_return(task)
        reached = []
        for fault_name, seed in [("", seed) for seed in SEEDS] + [(fault, SEEDS[0]) for fault in task.faults]:
            fault = FAULTS[fault_name]
            folder = out / name / f"{fault_name or 'healthy'}-{seed}"
            if (folder / "label.json").exists():
                continue
            returns = train(task, fault, seed, folder)
            tenth = max(1, len(returns) // 10)
            end = float(np.mean(returns[-tenth:]))
            if not fault_name:
                reached.append(end)
            label = {
                "framework": "sb3",
                "algorithm": "ppo",
                "env": task.env,
                "task": name,
                "state": "sick" if fault_name else "healthy",
                "diagnoses": list(fault.diagnoses),
                "fault": fault.words,
                "source": task.source,
                **({"unseen": True} if task.unseen else {}),
                "outcome": {"first_return": float(np.mean(returns[:tenth])), "return": end, "random_return": at_random},
                "versions": {
                    package: importlib.metadata.version(package)
                    for package in ("gymnasium", "mujoco", "stable-baselines3", "torch")
                },
            }
            (folder / "label.json").write_text(json.dumps(label, indent=2) + "\n")
            print(
                f"{name} {fault_name or 'healthy'} seed {seed}: {at_random:.1f} at random, {end:.1f} at the end",
                flush=True,
            )


if __name__ == "__main__":
    record(Path(sys.argv[1]), sys.argv[2:])
