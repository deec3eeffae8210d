"""Whether an environment plays a seed twice alike, and in what two plays differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import trajectory
from rldoctor.preflight.probes.noise import random_states

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

# A start drawn without a seed among few places is the same twice by chance.
_PLAYS = 12
# Fewer rows show no course.
_FEWEST_ROWS = 6


def same(first: FloatArray, second: FloatArray) -> bool:
    """Return whether two plays are equal to the last bit."""
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=True)


def played_again(env: Env, first: FloatArray, steps: int) -> FloatArray:
    """Play seed 0 again: once, or until it differs from ``first`` where a play moves any random numbers on.

    These are the global ones, and those of generators that the environment can be seen to draw from.
    """
    for _ in range(_PLAYS):
        before = random_states(env)
        again = trajectory(env, 0, steps)
        if not same(first, again) or random_states(env) == before:
            break
    return again


def difference(first: FloatArray, again: FloatArray) -> str:
    """Return in what two trajectories of one seed differ: ``start``, ``noise`` or what follows.

    A key for evidence: another start is carried on from step to step, noise is drawn anew at each; where the starts are
    the same, ``observation``, ``reward`` or ``length``.
    """
    shared = min(len(first), len(again))
    same = [np.array_equal(a, b, equal_nan=True) for a, b in ((first[0], again[0]), (first[:shared], again[:shared]))]
    if not same[0]:
        return "start" if _carries_on(first[:shared, :-1] - again[:shared, :-1]) else "noise"
    if same[1]:
        return "length"
    seen = np.array_equal(first[:shared, :-1], again[:shared, :-1], equal_nan=True)
    return "reward" if seen else "observation"


def _carries_on(gap: FloatArray) -> bool:
    """Return whether a difference, ``(steps, d)``, is much the same from one step to the next."""
    gap = gap[:, np.ptp(gap, axis=0) > 0]
    if len(gap) < _FEWEST_ROWS or not gap.shape[1]:
        return True
    change = np.abs(np.diff(gap, axis=0)).mean(axis=0)
    # Of independent draws, neighbours differ by 1.13 standard deviations; half of that is a curve.
    return bool(np.median(change / gap.std(axis=0)) < 0.56)
