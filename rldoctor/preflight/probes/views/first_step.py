"""Whether the first step shows once more what the reset showed, where later steps always show something new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import Batch, draw, flatten, play_actions

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

_NUMBERS = 512
# Episodes and steps of each that show what is usual, and how often a number changes that changes always.
_EPISODES, _LENGTH, _ALWAYS = 3, 8, 0.95
# What begins to move from rest moves little in its second step, beside later ones. Ours: 1 where a step was left out.
_AT_ONCE = 0.6
_STEPS, _STARTS = 10, 12


def repeated_at_first(env: Env, batch: Batch, budget: Budget) -> list[int]:
    """Return the numbers of the observation that the first step should change, and leaves as the reset showed them.

    These change with every later step, by as much in the second step as in others, and whatever the actions are: they
    come from a table or another process that goes on by itself. Empty where any such number changes with the first
    step, as the newest of stacked frames does.
    """
    after = np.stack([flatten(observation) for observation in batch.raw])
    if not 0 < after.shape[1] <= _NUMBERS or len(batch.starts) < _EPISODES:
        return []
    first, later = [], []
    for number, start in enumerate(batch.starts):
        rows = after[batch.episode == number]
        if len(rows) < _LENGTH:
            return []
        changes = np.abs(np.diff(np.vstack([flatten(start), rows]), axis=0))
        first.append(changes[0])
        later.append(changes[1:])
    usual = np.concatenate(later)
    always = (usual > 0).mean(axis=0) >= _ALWAYS
    still = always & (np.stack(first) == 0).all(axis=0)
    # Counters say nothing, early or late.
    counters = usual.std(axis=0) <= 1e-6 * usual.mean(axis=0)
    if not (still & ~counters).any():
        return []
    by_itself = always & ~counters & _unmoved(env, budget)
    if not by_itself.any() or (by_itself & ~still).any():
        return []
    again, following = _first_two(env, budget)
    at_once = following[:, by_itself].mean(axis=0) / usual.mean(axis=0)[by_itself]
    repeated = not again[:, by_itself].any() and np.mean(at_once) > _AT_ONCE
    return np.flatnonzero(by_itself).tolist() if repeated else []


def _first_two(env: Env, budget: Budget) -> tuple[FloatArray, FloatArray]:
    """Return how much the first and the second step of some more episodes change each number, ``(episodes, d)``."""
    budget.steps(2, plays=_STARTS)
    changes = []
    for seed in range(_STARTS):
        random = np.random.default_rng(seed)
        seen, _ = play_actions(env, 600 + seed, [draw(env.action_space, random) for _ in range(2)])
        changes.append(np.abs(np.diff(seen, axis=0)))
    # Most episodes are longer (see above).
    changes = [one for one in changes if len(one) == 2] or [np.ones((2, len(seen[0])))]
    return np.stack(changes)[:, 0], np.stack(changes)[:, 1]


def _unmoved(env: Env, budget: Budget) -> FloatArray:
    """Return which numbers are the same in two plays of one seed with different actions."""
    steps = budget.steps(_STEPS, plays=2)
    plays = []
    for seed in (21, 22):
        random = np.random.default_rng(seed)
        plays.append(play_actions(env, 0, [draw(env.action_space, random) for _ in range(steps)])[0])
    shared = min(map(len, plays))
    return np.asarray((plays[0][:shared] == plays[1][:shared]).all(axis=0))
