"""Environments that do to a policy what a laboratory or a machine does: late, lost, long actions and noisy sensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from rldoctor.environments.rollouts import Env, zero_action

Wrap = Callable[[Env], Env]
# Standard deviation of each number of an observation, by its name; the empty name for a plain one.
Spread = Mapping[str, NDArray[np.float64]]
_Base = gymnasium.Wrapper[Any, Any, Any, Any]


class _Perturbed(_Base):
    """Base: draws that depend on the seed of the episode alone."""

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self._draw = np.random.default_rng(0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode whose draws follow from its seed."""
        self._draw = np.random.default_rng(0 if seed is None else seed)
        self._begin()
        return self.env.reset(seed=seed, options=options)

    def _begin(self) -> None:
        """Forget the last episode."""


class ActionDelay(_Perturbed):
    """Every action takes effect ``steps`` steps later; until then the zero action holds."""

    def __init__(self, env: Env, steps: int) -> None:
        super().__init__(env)
        self._steps = steps
        self._neutral = zero_action(env.action_space)([None])[0]
        self._begin()

    def _begin(self) -> None:
        self._queue = [self._neutral] * self._steps

    def step(self, action: Any) -> Any:
        """Step with an earlier action."""
        self._queue.append(action)
        return self.env.step(self._queue.pop(0))


class DroppedSteps(_Perturbed):
    """A share of the actions is lost, and the one before holds."""

    def __init__(self, env: Env, share: float) -> None:
        super().__init__(env)
        self._share = share
        self._last: Any = None

    def _begin(self) -> None:
        self._last = None

    def step(self, action: Any) -> Any:
        """Step with this action, or with the last one."""
        lost = self._draw.random() < self._share
        if self._last is None or not lost:
            self._last = action
        return self.env.step(self._last)


class JitteredSteps(_Perturbed):
    """A share of the actions lasts two steps of the environment; the rewards of both are summed."""

    def __init__(self, env: Env, share: float) -> None:
        super().__init__(env)
        self._share = share

    def step(self, action: Any) -> Any:
        """Step once, or twice."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if self._draw.random() < self._share and not (terminated or truncated):
            observation, more, terminated, truncated, info = self.env.step(action)
            reward = float(reward) + float(more)
        return observation, reward, terminated, truncated, info


class ObservationNoise(_Perturbed):
    """Gaussian noise on observations, its standard deviation ``level`` times that of each number of them."""

    def __init__(self, env: Env, spread: Spread, level: float) -> None:
        super().__init__(env)
        self._scale = {key: level * values for key, values in spread.items()}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Begin an episode, and add noise to what is observed."""
        observation, info = super().reset(seed=seed, options=options)
        return self._noisy(observation), info

    def step(self, action: Any) -> Any:
        """Step, and add noise to what is observed."""
        observation, *rest = self.env.step(action)
        return (self._noisy(observation), *rest)

    def _noisy(self, observation: Any) -> Any:
        if isinstance(observation, Mapping):
            return {key: self._one(key, value) for key, value in observation.items()}
        return self._one("", observation)

    def _one(self, key: str, value: Any) -> Any:
        if key not in self._scale:
            return value
        plain = np.asarray(value)
        noisy = plain + self._draw.normal(size=plain.shape) * self._scale[key]
        if plain.dtype.kind in "iu":
            limits = np.iinfo(plain.dtype)
            noisy = np.clip(np.round(noisy), limits.min, limits.max)
        return noisy.astype(plain.dtype)


class SpreadRecorder:
    """Measures the spread of observations while episodes are played."""

    def __init__(self) -> None:
        self._sums: list[dict[str, list[Any]]] = []

    def wrap(self, env: Env) -> Env:
        """Return an environment whose observations are counted."""
        # One table for each environment: they may be stepped by several threads.
        sums: dict[str, list[Any]] = {}
        self._sums.append(sums)
        return _Recorded(env, sums)

    @property
    def spread(self) -> Spread:
        """Standard deviation of each number of the observations; only of spaces of numbers."""
        found = {}
        for key in {key for sums in self._sums for key in sums}:
            parts = [sums[key] for sums in self._sums if key in sums]
            count, total, squares = (sum(part[place] for part in parts) for place in range(3))
            found[key] = np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0.0))
        return found


class _Recorded(_Base):
    def __init__(self, env: Env, sums: dict[str, list[Any]]) -> None:
        super().__init__(env)
        self._sums = sums
        space = env.observation_space
        spaces = space.spaces if isinstance(space, gymnasium.spaces.Dict) else {"": space}
        self._keys = [key for key, part in spaces.items() if isinstance(part, gymnasium.spaces.Box)]

    def step(self, action: Any) -> Any:
        result = self.env.step(action)
        for key in self._keys:
            value = np.asarray(result[0][key] if key else result[0], dtype=np.float64)
            if not np.isfinite(value).all():
                continue
            sums = self._sums.setdefault(key, [0, np.zeros(value.shape), np.zeros(value.shape)])
            sums[0] += 1
            sums[1] += value
            sums[2] += value**2
        return result
