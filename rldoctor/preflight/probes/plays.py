"""Whether an environment plays a seed twice alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import trajectory
from rldoctor.preflight.probes.inspection import global_random_state

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

# A start drawn from the global random numbers among few places is the same twice by chance.
_PLAYS = 12


def same(first: FloatArray, second: FloatArray) -> bool:
    """Return whether two plays are equal to the last bit."""
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=True)


def played_again(env: Env, first: FloatArray, steps: int) -> FloatArray:
    """Play seed 0 again: once, or until it differs from ``first`` where a play moves the global random numbers on."""
    for _ in range(_PLAYS):
        before = global_random_state()
        again = trajectory(env, 0, steps)
        if not same(first, again) or global_random_state() == before:
            break
    return again
