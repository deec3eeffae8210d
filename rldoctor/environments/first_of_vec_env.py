"""The first environment of an SB3 vec env, as a single environment: so that checks see what its wrappers do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from rldoctor.errors import CannotJudge

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

# SB3 2.9.2's wrappers whose declared bounds are not those of what they show: VecNormalize keeps those of the raw
# observation, VecFrameStack repeats each bound where the frames follow one another.
_BOUNDS_OF_ANOTHER = ("VecNormalize", "VecFrameStack")
# Steps with random actions from which VecNormalize takes its statistics before they are held: enough for the scale of
# each dimension, and under 0.2 s on FetchReach.
_WARM_UP = 256


def is_vec_env(made: object) -> bool:
    """Return whether ``made`` is a vec env of Stable-Baselines3, which need not be installed."""
    return any(
        base.__name__ == "VecEnv" and base.__module__.startswith("stable_baselines3.") for base in type(made).__mro__
    )


class FirstOfVecEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """The first environment of a vec env, seen through all its wrappers; the others hold still.

    ``VecNormalize`` is held as evaluations hold it: its statistics come from 256 random steps where it has none. Goals
    and their rewards mean nothing once they are normalised, so that it is switched off for environments with goals.

    Args:
        vec_env: Of environments in this process, such as ``DummyVecEnv``, with or without wrappers.

    Raises:
        CannotJudge: The environments are in other processes.
    """

    _warming = False

    def __init__(self, vec_env: VecEnv) -> None:
        envs = getattr(vec_env, "envs", None)
        if not envs:
            # Or its processes would outlive the preflight.
            vec_env.close()
            raise CannotJudge(
                f"The environments of {type(vec_env).__name__} are in other processes, where no check can look.",
                "Name a function that puts them into a DummyVecEnv, or the single environment.",
            )
        super().__init__(envs[0])
        self.vec_env = vec_env
        wrappers = vec_env_wrappers(vec_env)
        unsure = any(type(wrapper).__name__ in _BOUNDS_OF_ANOTHER for wrapper in wrappers)
        self.observation_space = _unbounded(vec_env.observation_space) if unsure else vec_env.observation_space
        self.action_space = vec_env.action_space
        self._idle = _idle(self.action_space)
        self._reset_by_us = _ResetByUs(envs[0])
        envs[0] = self._reset_by_us
        self._hold_statistics()

    def _hold_statistics(self) -> None:
        held = [wrapper for wrapper in vec_env_wrappers(self.vec_env) if "norm_reward" in vars(wrapper)]
        goals = isinstance(self.env.observation_space, gymnasium.spaces.Dict) and (
            "desired_goal" in self.env.observation_space.spaces
        )
        if held and not goals and any(wrapper.ret_rms.count < 1 for wrapper in held):
            self.action_space.seed(0)
            self.reset(seed=0)
            self._warming = True
            for _ in range(_WARM_UP):
                *_, terminated, truncated, _info = self.step(self.action_space.sample())
                if terminated or truncated:
                    self.reset()
        self._warming = False
        for wrapper in held:
            wrapper.training = False
            if goals:
                wrapper.norm_obs = wrapper.norm_reward = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Reset all environments; the first one gets ``seed``, the others the seeds after it."""
        if seed is not None:
            self.vec_env.seed(seed)
        if options:
            self.vec_env.set_options(options)
        self._reset_by_us.stepping = False
        observations = self.vec_env.reset()
        self._reset_by_us.stepping = True
        return _first(observations), dict(self.vec_env.reset_infos[0])

    def step(self, action: Any) -> Any:
        """Step all environments, the others idly; at its end, an episode shows its last observation.

        What gives the first one the action of another, as a wrapper may, shows as an action that has no effect.
        """
        everywhere = np.stack(
            [np.asarray(action), *[action if self._warming else self._idle] * (self.vec_env.num_envs - 1)]
        )
        observations, rewards, dones, infos = self.vec_env.step(everywhere)
        info = dict(infos[0])
        truncated = bool(info.get("TimeLimit.truncated", False))
        done = bool(dones[0])
        observation = info.pop("terminal_observation", None) if done else None
        if observation is None:
            observation = _first(observations)
        return observation, float(rewards[0]), done and not truncated, done and truncated, info

    def close(self) -> None:
        """Close all environments."""
        self.vec_env.close()

    def without(self, count: int) -> gymnasium.Env[Any, Any]:
        """Return the first environment without the ``count`` outermost wrappers of the vec env.

        Returns:
            As it is inside the vec env, if ``count`` is more than the vec env has.
        """
        vec_env: Any = self.vec_env
        vec_env.envs[0] = self.env
        wrappers = vec_env_wrappers(vec_env)
        if count > len(wrappers):
            return self.env
        return FirstOfVecEnv(wrappers[count - 1].venv if count else vec_env)


class _ResetByUs(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Keeps an environment at the end of its episode, where a vec env would reset it in the same step."""

    stepping = False
    _shown: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if self.stepping:
            return self._shown
        self._shown = self.env.reset(seed=seed, options=options)
        return self._shown

    def step(self, action: Any) -> Any:
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._shown = observation, info
        return observation, reward, terminated, truncated, info


def vec_env_wrappers(vec_env: Any) -> list[Any]:
    """Return the wrappers of a vec env, outermost first."""
    found = []
    while hasattr(vec_env, "venv"):
        found.append(vec_env)
        vec_env = vec_env.venv
    return found


def _unbounded(space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    """Return a space without the bounds of its floats."""
    if isinstance(space, gymnasium.spaces.Dict):
        return gymnasium.spaces.Dict({key: _unbounded(part) for key, part in space.spaces.items()})
    if isinstance(space, gymnasium.spaces.Box) and np.issubdtype(space.dtype, np.floating):
        return gymnasium.spaces.Box(-np.inf, np.inf, space.shape, space.dtype.type)
    return space


def _idle(space: gymnasium.Space[Any]) -> Any:
    """Return the middle of a bounded Box, the first choice of a discrete space, else any action."""
    if isinstance(space, gymnasium.spaces.Box) and space.is_bounded():
        return np.asarray((space.low.astype(float) + space.high) / 2).astype(space.dtype)
    if isinstance(space, (gymnasium.spaces.Discrete, gymnasium.spaces.MultiDiscrete)):
        return np.array(space.start)
    if isinstance(space, gymnasium.spaces.MultiBinary):
        return np.zeros(space.shape or (), space.dtype)
    space.seed(0)
    return space.sample()


def _first(observations: Any) -> Any:
    if isinstance(observations, dict):
        return {key: np.array(value[0]) for key, value in observations.items()}
    if isinstance(observations, tuple):
        return tuple(np.array(value[0]) for value in observations)
    # A scalar of a Discrete space stays one.
    return np.array(observations[0]) if np.ndim(observations[0]) else observations[0]


def first_of_vec_env(make: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``make`` so that of a vec env it gives the first environment; its signature stays."""

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        env = make(*args, **kwargs)
        return FirstOfVecEnv(env) if is_vec_env(env) else env

    return made
