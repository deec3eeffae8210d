"""Environments stepped by several threads of one process: MuJoCo's physics lets go of Python's lock."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.vec_env import DummyVecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from rldoctor import machine


def has_mujoco_physics(env: gymnasium.Env[Any, Any]) -> bool:
    """Tell whether a step of ``env`` is mostly MuJoCo's, of gymnasium's or gymnasium-robotics's kind.

    Each such environment owns its model and data, so that threads share nothing. Of others nothing is known: they are
    stepped one after another.
    """
    origins = {parent.__module__ for parent in type(env.unwrapped).__mro__}
    return bool(origins & {"gymnasium.envs.mujoco.mujoco_env", "gymnasium_robotics.envs.robot_env"})


def helpful_threads(env: gymnasium.Env[Any, Any]) -> int:
    """Return how many threads should step environments like ``env``: the cores for MuJoCo's physics, one otherwise."""
    return machine.cores() if has_mujoco_physics(env) else 1


def _keep_to_core(place: int) -> None:
    """Bind the calling thread to a core, the last one for place 0: the main thread is found on the first, mostly.

    Linux wakes a thread on the core of the one that wakes it, where it waits although another core is idle: unbound
    threads were seen to step no faster than one alone.
    """
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {allowed[-1 - place % len(allowed)]})


class ThreadedVecEnv(DummyVecEnv):
    """SB3's ``DummyVecEnv``, its environments divided among threads; the numbers are the same to the last bit.

    Args:
        env_fns: Make one environment each, Monitor included.
        threads: How many step at a time, this one included.
    """

    def __init__(self, env_fns: Sequence[Callable[[], gymnasium.Env[Any, Any]]], threads: int) -> None:
        super().__init__(list(env_fns))
        self._parts = [part.tolist() for part in np.array_split(np.arange(self.num_envs), threads)]
        self._pool: ThreadPoolExecutor | None = None
        if threads > 1:
            cores = count()
            self._pool = ThreadPoolExecutor(threads - 1, "environments", lambda: _keep_to_core(next(cores)))

    def step_wait(self) -> VecEnvStepReturn:
        """Step every environment; those that end are reset, as ``DummyVecEnv`` does."""
        if self._pool is None:
            return super().step_wait()
        others = [self._pool.submit(self._step, part) for part in self._parts[1:]]
        try:
            self._step(self._parts[0])
        finally:
            # Nobody may step an environment that another thread still steps, whatever went wrong in ours.
            wait(others)
        for other in others:
            other.result()
        # Each info is a new dictionary that its environment made for this step, but for the one it keeps of a reset.
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
        if self._pool is not None:
            self._pool.shutdown()
        super().close()
