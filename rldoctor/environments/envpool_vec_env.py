"""The EnvPool vec env: the same environment in C++, with no Python in a step.

EnvPool (https://envpool.readthedocs.io) carries its own build of MuJoCo (3.6.0 in EnvPool 1.2). With that version under
gymnasium-robotics too, positions agree within 1e-7 m over an episode of random actions; with another version they
differ by as much as the two versions of MuJoCo do (docs/performance.md has both). Training is faster with it;
evaluation never uses it.
"""

from __future__ import annotations

import time
from typing import Any

import gymnasium
import numpy as np
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn


class EnvPoolVecEnv(VecEnv):
    """EnvPool behind SB3's interface: ended episodes are reset at once, infos are those of ``Monitor``.

    Args:
        template: A gymnasium environment. Spaces and attributes are taken from it; it is never stepped.
        num_envs: How many environments.
        threads: How many step at a time.
    """

    def __init__(self, template: gymnasium.Env[Any, Any], num_envs: int, threads: int) -> None:
        if not isinstance(template.observation_space, gymnasium.spaces.Dict) or template.spec is None:
            raise TypeError(f"{template} is not a goal environment made by gymnasium.make")
        # The base class asks get_attr for the render mode.
        self._template, self._spec = template, template.spec
        super().__init__(num_envs, template.observation_space, template.action_space)
        self._keys = tuple(template.observation_space.spaces)
        self._threads = threads
        self._pool: Any = None
        self._actions = np.zeros(0)
        self._started = time.time()
        self._returns = np.zeros(num_envs)
        self._lengths = np.zeros(num_envs, int)

    def reset(self) -> VecEnvObs:
        """Begin new episodes in all environments; seeds set since the last reset take effect."""
        if self._pool is None or any(seed is not None for seed in self._seeds):
            self._pool = self._make_pool()
            self._reset_seeds()
        observation, _ = self._pool.reset()
        self._returns[:] = 0.0
        self._lengths[:] = 0
        return {key: observation[key] for key in self._keys}

    def _make_pool(self) -> Any:
        import envpool

        spec = self._spec
        # EnvPool's seeds are 31 bits wide; ours are spread over them so that neighbours are not alike.
        seeds = [np.random.SeedSequence(seed).generate_state(1)[0] >> 1 for seed in self._seeds]
        return envpool.make(
            spec.id,
            env_type="gymnasium",
            num_envs=self.num_envs,
            num_threads=self._threads,
            # Unbound threads wait for each other's core, as those of ThreadedVecEnv do. A single one stays unbound:
            # several trainings that share a machine would all be bound to the same core.
            thread_affinity_offset=0 if self._threads > 1 else -1,
            seed=[int(seed) for seed in seeds],
            max_episode_steps=spec.max_episode_steps,
        )

    def step_async(self, actions: np.ndarray) -> None:
        """Send ``actions``, shape ``(num_envs, ...)``, to the environments."""
        self._pool.send(np.ascontiguousarray(actions))

    def step_wait(self) -> VecEnvStepReturn:
        """Return the result of the step; environments whose episode ended are reset, as SB3's vec envs do."""
        observation, rewards, terminated, truncated, info = self._pool.recv()
        observation = {key: observation[key] for key in self._keys}
        dones = terminated | truncated
        self._returns += rewards
        self._lengths += 1
        infos: list[dict[str, Any]] = [
            {"is_success": success, "TimeLimit.truncated": False} for success in info["is_success"].tolist()
        ]
        if dones.any():
            ended = np.flatnonzero(dones)
            # As Monitor: rounded to six digits, seconds since its own start.
            seconds = round(time.time() - self._started, 6)
            for i in ended:
                infos[i]["TimeLimit.truncated"] = bool(truncated[i] and not terminated[i])
                infos[i]["terminal_observation"] = {key: values[i].copy() for key, values in observation.items()}
                infos[i]["episode"] = {"r": round(float(self._returns[i]), 6), "l": int(self._lengths[i]), "t": seconds}
            fresh, _ = self._pool.reset(ended.astype(np.int32))
            for key, values in observation.items():
                values[ended] = fresh[key]
            self._returns[ended] = 0.0
            self._lengths[ended] = 0
        return observation, rewards.astype(np.float32), dones, infos

    def close(self) -> None:
        """End the threads of the pool."""
        self._pool = None
        self._template.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of the template environment, once for each of ``indices``."""
        return [self._template.get_wrapper_attr(attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:  # noqa: ARG002
        """Raise: attributes of the pool's environments cannot be set."""
        raise AttributeError(f"{attr_name} of EnvPool's environments cannot be set")

    def env_method(self, method_name: str, *_: Any, indices: VecEnvIndices = None, **__: Any) -> list[Any]:  # noqa: ARG002
        """Raise: the pool's environments have no Python methods."""
        raise AttributeError(f"{method_name} of EnvPool's environments cannot be called")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Return whether the environments do what ``wrapper_class`` does: they record episodes as ``Monitor`` does."""
        return [wrapper_class is Monitor] * len(list(self._get_indices(indices)))
