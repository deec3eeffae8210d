"""Parallel environments differ from each other.

What it does: makes four environments the way training does, seeds and resets them, and compares their first
observations.

Why it matters: eight environments that play the same episode bring the data of one. It happens when all of them are
seeded with the same number.

What to do: give each its own seed; SB3's ``VecEnv.seed(s)`` gives s, s+1, s+2, ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import arrays, flatten

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

# With two starts that are equally likely, four environments are alike in all of these with a chance of 1 in 10^8.
_MORE_SEEDS = 8


@check(
    "ENV107",
    "parallel-environments",
    late=1,
    heavy=True,
    requires=("ENV111", "ENV201", "ENV206"),
    faults=("parallel-environments-alike",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Seed, reset and compare parallel environments."""
    from rldoctor.environments.vec_envs import training_seed

    envs = context.vec_env
    count = envs.num_envs
    different = _different_starts(envs, training_seed(0))
    if different == count:
        return f"{count} environments, {count} different starts"
    alone = np.stack([flatten(start) for start in context.batch.starts])
    if not context.has_goals and len(np.unique(alone, axis=0)) == 1:
        raise Skipped("every episode of this environment starts the same")
    # Of a few possible starts, all may be the same by chance.
    if different == 1 and all(_different_starts(envs, training_seed(seed)) == 1 for seed in range(1, _MORE_SEEDS + 1)):
        yield error(
            "parallel-environments-alike",
            f"All {count} parallel environments start the same: together they bring the data of one.",
            "Give each its own seed: VecEnv.seed(s) gives s, s+1, ...; then let reset use the seed it is given.",
            observed=different,
            expected=count,
        )
    return f"{different} different starts in {count} environments"


def _different_starts(envs: VecEnv, seed: int) -> int:
    """Return how many different observations parallel environments start with."""
    envs.seed(seed)
    named = arrays(envs.reset())
    starts = [flatten({key: value[i] for key, value in named.items()}) for i in range(envs.num_envs)]
    return len(np.unique(np.stack(starts), axis=0))
