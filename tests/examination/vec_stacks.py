"""Vec envs with a fault in a known wrapper, for the search for wrappers."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecEnvWrapper, VecMonitor, VecNormalize

from tests.examination import stacks


class Passing(VecEnvWrapper):
    """Changes nothing."""

    def reset(self) -> Any:
        return self.venv.reset()

    def step_wait(self) -> Any:
        return self.venv.step_wait()


class VecNegated(Passing):
    """Turns the sign of the rewards."""

    def step_wait(self) -> Any:
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, -rewards, dones, infos


class VecFrozen(Passing):
    """Shows the first observations of the first episodes again and again."""

    kept: Any = None

    def reset(self) -> Any:
        first = self.venv.reset()
        self.kept = first if self.kept is None else self.kept
        return self.kept

    def step_wait(self) -> Any:
        _, rewards, dones, infos = self.venv.step_wait()
        return self.kept, rewards, dones, infos


class VecIgnored(Passing):
    """Takes no action."""

    def step_async(self, actions: np.ndarray) -> None:
        self.venv.step_async(np.zeros_like(actions))


FAULTY: dict[str, type[VecEnvWrapper]] = {kind.__name__: kind for kind in (VecNegated, VecFrozen, VecIgnored)}


def normalized() -> VecEnv:
    """Return what a tuned recipe trains Pendulum on."""
    return VecNormalize(DummyVecEnv([lambda: Monitor(gymnasium.make("Pendulum-v1")) for _ in range(2)]))


def stacked(depth: int, fault: str, place: int) -> VecEnv:
    """Return a vec env of two in ``depth`` wrappers, the one at ``place`` (0 is the innermost) with a fault."""
    envs: VecEnv = DummyVecEnv([lambda: Monitor(stacks.Line()) for _ in range(2)])
    for layer in range(depth):
        envs = FAULTY[fault](envs) if layer == place else (VecMonitor, VecNormalize, Passing)[layer % 3](envs)
    return envs


def fault_inside() -> VecEnv:
    """Return a vec env whose fault is in a wrapper of the environment inside."""
    return VecNormalize(DummyVecEnv([lambda: stacks.Plain(stacks.Negated(stacks.Line()))]))


def elsewhere() -> VecEnv:
    return SubprocVecEnv([stacks.Line])
