"""How soon an action shows, in states that random actions lead to: a queue is as late in each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import draw, play_actions

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

# What counts in two states of seven, as a traffic light that may switch again, is met in one of so many with 98 %.
_STATES = 12
_FARTHEST = 60


def parts_at(one: FloatArray, other: FloatArray) -> int:
    """Return the first step after which two plays show something else; 0 where they never do."""
    shared = min(len(one), len(other))
    differs = np.flatnonzero((one[:shared] != other[:shared]).any(axis=1))
    return int(differs[0]) if len(differs) else 0


def shows_sooner(env: Env, budget: Budget, plans: Sequence[Any], late: int) -> bool:
    """Return whether an action shows in fewer than ``late`` steps anywhere, where the first starts show it after these.

    A step after which it shows counts from 1: an action that shows at once shows after 1. Of a queue, or of
    observations that are old, none ever shows sooner. Actions may be held back for a time, as while a sensor warms up.

    Args:
        env: The environment.
        budget: The time that is left.
        plans: Actions that are held, each of them compared with the first.
        late: Steps after which actions were seen to show.
    """
    farthest = max(_FARTHEST, 2 * late)
    for number in range(_STATES):
        random = np.random.default_rng(number)
        # Ever farther from the start, and at odd and even steps.
        before = late + number * (farthest - late) // (_STATES - 1)
        way = [draw(env.action_space, random) for _ in range(before)]
        budget.steps(before + late, least=before + late, plays=len(plans) + 1)
        rows = [play_actions(env, number, [*way, *[plan] * late])[0] for plan in (*plans, plans[0])]
        if len(rows[0]) <= before:
            # The episode is over before.
            continue
        drawn = parts_at(rows[0], rows[-1])
        found = [at - before for other in rows[1:-1] if (at := parts_at(rows[0], other)) and (not drawn or at < drawn)]
        if found and min(found) < late:
            return True
    return False
