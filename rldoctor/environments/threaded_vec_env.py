"""SB3's vec env, stepped by several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from rldoctor.environments.step_threads import StepThreads


class ThreadedVecEnv(DummyVecEnv):
    """SB3's ``DummyVecEnv`` with its environments divided among threads; the numbers are the same to the last bit.

    Args:
        env_fns: Make one environment each, Monitor included.
        threads: How many step at a time, this one included.
    """

    def __init__(self, env_fns: Sequence[Callable[[], gymnasium.Env[Any, Any]]], threads: int) -> None:
        super().__init__(list(env_fns))
        self._threads = StepThreads(threads)

    def step_wait(self) -> VecEnvStepReturn:
        """Step every environment; those whose episode ends are reset, as ``DummyVecEnv`` does."""
        self._threads.share(self._step, self.num_envs)
        # A shallow copy is enough: each info is a new dictionary that its environment made for this step.
        return (
            self._obs_from_buf(),
            self.buf_rews.copy(),
            self.buf_dones.copy(),
            [dict(info) for info in self.buf_infos],
        )

    def _step(self, places: Sequence[int]) -> None:
        for i in places:
            observation, reward, terminated, truncated, info = self.envs[i].step(self.actions[i])
            info["TimeLimit.truncated"] = truncated and not terminated
            if terminated or truncated:
                info["terminal_observation"] = observation
                observation, self.reset_infos[i] = self.envs[i].reset()
            self.buf_rews[i] = reward
            self.buf_dones[i] = terminated or truncated
            self.buf_infos[i] = info
            self._save_obs(i, observation)

    def close(self) -> None:
        """Close the environments and end the threads."""
        self._threads.close()
        super().close()
