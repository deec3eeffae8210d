"""A training of a task with a fault, its true return below all wrappers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from benchmarks.environments.faults import FAULTS, Fault
from benchmarks.environments.tasks import Task

POINTS = 80


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
