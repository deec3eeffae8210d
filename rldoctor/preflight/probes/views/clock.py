"""Whether an observation tells how far its episode has come, as a falling ball does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import arrays, draw

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

# Episodes that a line is fitted to, and others that it is tried on.
_FITTED, _TRIED = 8, 4
# The step before an end is told from the last one where the time is known to less than half a step. Ours: in all steps
# but one of twenty, as a ball at a wall looks another way.
_NEAR, _MOST = 0.5, 0.95
# Single numbers are few; of a picture, what its rows and columns add up to is enough.
_SINGLE = 64
_RIDGE = 1e-6


def _features(observation: Any) -> FloatArray:
    parts = []
    for value in arrays(observation).values():
        if value.dtype.kind not in "biuf":
            continue
        if value.size <= _SINGLE or value.ndim < 2:
            parts.append(value.ravel().astype(float))
        if value.ndim > 1:
            others = (tuple(i for i in range(value.ndim) if i != axis) for axis in range(value.ndim))
            parts.extend(value.astype(float).sum(axis=axes) for axes in others)
    return np.concatenate(parts) if parts else np.zeros(0)


def shows_the_time(env: Env, budget: Budget, length: int) -> bool:
    """Return whether the number of the step follows from the observation alone, in episodes that it was not fitted to.

    Args:
        env: Its episodes have ``length`` steps.
        budget: For the steps of a dozen episodes.
        length: Steps of an episode.
    """
    if budget.steps(length, plays=_FITTED + _TRIED) < length:
        return False
    random, episodes = np.random.default_rng(41), []
    for seed in range(_FITTED + _TRIED):
        env.reset(seed=500 + seed)
        rows = []
        for _ in range(length):
            observation, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
            rows.append(_features(observation))
            if terminated or truncated:
                break
        episodes.append(np.stack(rows))
    fitted, tried = np.concatenate(episodes[:_FITTED]), np.concatenate(episodes[_FITTED:])
    times = [np.concatenate([np.arange(len(one)) for one in some]) for some in (episodes[:_FITTED], episodes[_FITTED:])]
    spread = fitted.std(axis=0)
    use = spread > 1e-12
    if not use.any():
        return False
    fitted, tried = ((rows[:, use] - fitted[:, use].mean(axis=0)) / spread[use] for rows in (fitted, tried))
    fitted, tried = (np.column_stack([rows, np.ones(len(rows))]) for rows in (fitted, tried))
    gram = fitted.T @ fitted + _RIDGE * len(fitted) * np.eye(fitted.shape[1])
    told = tried @ np.linalg.solve(gram, fitted.T @ times[0])
    return bool(np.mean(np.abs(told - times[1]) < _NEAR) >= _MOST)
