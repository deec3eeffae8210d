"""Parallel environments are not all alike.

What it does: makes four environments the way training does, seeds and resets them, and compares what they show.

Why it matters: eight environments that play the same episode bring the data of one. It happens when every one of them
is seeded with the same number.

What to do: give each its own seed; SB3's ``VecEnv.seed(s)`` gives s, s+1, s+2, ...
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.context import FIRST_TRAINING_SEED, PreflightContext
from rldoctor.preflight.measurements import arrays, flatten


@check(
    "ENV107",
    "parallel-environments",
    Group.ENVIRONMENT,
    after=("ENV201",),
    faults=("parallel-environments-alike",),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Seed, reset and compare parallel environments."""
    envs = patient.vector
    count = envs.num_envs
    envs.seed(FIRST_TRAINING_SEED)
    named = arrays(envs.reset())
    starts = [flatten({key: value[i] for key, value in named.items()}) for i in range(count)]
    different = len(np.unique(np.stack(starts), axis=0))
    if different == count:
        return f"{count} environments, {count} different starts"
    alone = np.stack([flatten(start) for start in patient.batch.starts])
    if not patient.has_goals and len(np.unique(alone, axis=0)) == 1:
        raise Skipped("this environment always starts alike")
    if different == 1:
        yield error(
            "parallel-environments-alike",
            f"All {count} parallel environments start alike: together they bring the data of one.",
            "Give each its own seed: VecEnv.seed(s) gives s, s+1, ...; then let reset use the seed it is given.",
            observed=different,
            expected=count,
        )
    return f"{different} different starts in {count} environments"
