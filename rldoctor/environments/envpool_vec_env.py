"""The EnvPool engine: the same environment, compiled, with no Python in a step.

EnvPool (https://envpool.readthedocs.io) carries its own build of MuJoCo (3.6.0 in EnvPool 1.2). With that version under
gymnasium-robotics too, positions agree within 1e-7 m over an episode of random actions; with another version they
differ by as much as the two versions of MuJoCo do (docs/performance.md has both). Training is faster on it; evaluation
never runs on it.
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
        model: One environment of gymnasium's kind. Spaces and attributes are taken from it; it is never stepped.
        num_envs: How many environments.
        threads: How many step at a time.
    """

    def __init__(self, model: gymnasium.Env[Any, Any], num_envs: int, threads: int) -> None:
        if not isinstance(model.observation_space, gymnasium.spaces.Dict) or model.spec is None:
            raise TypeError(f"{model} is no goal environment that gymnasium made")
        # Asked for its render mode by the base class.
        self._model, self._spec = model, model.spec
        super().__init__(num_envs, model.observation_space, model.action_space)
        self._keys = tuple(model.observation_space.spaces)
        self._threads = threads
        self._pool: Any = None
        self._actions = np.zeros(0)
        self._begun = time.time()
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
            # Unbound threads wait for each other's core, as those of ThreadedVecEnv do. A single one is left free:
            # several trainings that share a machine would all be bound to the same core.
            thread_affinity_offset=0 if self._threads > 1 else -1,
            seed=[int(seed) for seed in seeds],
            max_episode_steps=spec.max_episode_steps,
        )

    def step_async(self, actions: np.ndarray) -> None:
        """Send ``actions``, shape ``(num_envs, ...)``, to the environments."""
        self._pool.send(np.ascontiguousarray(actions))

    def step_wait(self) -> VecEnvStepReturn:
        """Return what the environments answer; those that ended are reset, as SB3's vectors do."""
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
            # Monitor rounds to six digits and counts seconds from its own start.
            seconds = round(time.time() - self._begun, 6)
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
        self._model.close()

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Return an attribute of gymnasium's own environment, once for each of ``indices``."""
        return [self._model.get_wrapper_attr(attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:  # noqa: ARG002
        """Refuse: the pool's environments have no attributes that could be set."""
        raise AttributeError(f"{attr_name} of EnvPool's environments cannot be set")

    def env_method(self, method_name: str, *_: Any, indices: VecEnvIndices = None, **__: Any) -> list[Any]:  # noqa: ARG002
        """Refuse: the pool's environments have no methods of Python's."""
        raise AttributeError(f"{method_name} of EnvPool's environments cannot be called")

    def env_is_wrapped(
        self, wrapper_class: type[gymnasium.Wrapper[Any, Any, Any, Any]], indices: VecEnvIndices = None
    ) -> list[bool]:
        """Tell whether the environments do what ``wrapper_class`` does: they count episodes as ``Monitor``."""
        return [wrapper_class is Monitor] * len(list(self._get_indices(indices)))
