"""Whether anything tells the reward of episodes of one step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import draw, flatten, number_of
from rldoctor.preflight.probes.prediction import explained, with_products

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

# Episodes, those that say enough, and what they may take: a fraction of the budget, and seconds.
_MOST, _FEWEST, _PART, _SECONDS = 3_000, 1_500, 0.05, 2.0
# Of more numbers or choices, so many episodes say little.
_NUMBERS, _CHOICES = 8, 10
# A reward that is nearly always the same waits for what chance did not hit.
_SAME = 0.9
# Ours: fraction of the variance, below which nothing is explained, and standard errors of a correlation.
_EXPLAINED, _ERRORS = 0.01, 3.0


def nothing_tells_the_reward(env: Env, budget: Budget) -> int:
    """Return in how many episodes of one step neither observation nor action told the reward; 0 where they do.

    Also 0 where observations are always the same, or too much to learn from so few episodes.
    """
    from gymnasium.spaces import Box, Discrete

    space = env.action_space
    few = isinstance(space, Discrete) and int(space.n) <= _CHOICES
    if not (few or (isinstance(space, Box) and np.prod(space.shape) <= _NUMBERS)):
        return 0
    budget.require(budget.step_seconds + budget.reset_seconds)
    until = time.monotonic() + min(_PART * budget.seconds, _SECONDS)
    random, seen, done = np.random.default_rng(17), list[FloatArray](), list[FloatArray]()
    paid: list[float] = []
    while len(paid) < _MOST and time.monotonic() < until:
        seen.append(flatten(env.reset(seed=10_000 + len(paid))[0]))
        if len(seen[0]) > _NUMBERS:
            return 0
        action = draw(space, random)
        done.append(np.ravel(action).astype(float))
        paid.append(number_of(env.step(action)[1]))
    count = len(paid)
    if count < _FEWEST:
        return 0
    rows, actions, rewards = np.stack(seen), np.stack(done), np.array(paid)
    varies = rows.std(axis=0) > 1e-12
    _, counts = np.unique(rewards, return_counts=True)
    if not varies.any() or counts.max() > _SAME * count or not np.isfinite(rewards).all():
        return 0
    rows = (rows[:, varies] - rows[:, varies].mean(axis=0)) / rows[:, varies].std(axis=0)
    if few:
        # A choice has no size: one column a choice, and each by itself with what is seen.
        choices = np.asarray(actions == np.unique(actions)[None, :], dtype=float)
        features = np.column_stack(
            [choices, *(choices[:, i : i + 1] * with_products(rows) for i in range(choices.shape[1]))]
        )
    else:
        features = with_products(np.column_stack([rows, actions]))
    if float(explained(features, rewards[:, None])[0]) > _EXPLAINED:
        return 0
    limit = _ERRORS / np.sqrt(count)
    return 0 if _of_neighbours(np.column_stack([rows, 10.0 * actions if few else actions]), rewards) > limit else count


def _of_neighbours(places: FloatArray, rewards: FloatArray) -> float:
    """Return the correlation of each reward with that of the nearest other place."""
    nearest = np.empty(len(places), dtype=np.int64)
    squares = (places**2).sum(axis=1)
    for first in range(0, len(places), 500):
        some = slice(first, first + 500)
        gaps = squares[None, :] - 2.0 * places[some] @ places.T
        gaps[np.arange(len(gaps)), np.arange(first, first + len(gaps))] = np.inf
        nearest[some] = gaps.argmin(axis=1)
    return float(np.corrcoef(rewards, rewards[nearest])[0, 1])
