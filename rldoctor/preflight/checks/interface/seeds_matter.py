"""Another seed gives another episode.

What it does: plays the same actions from seeds 0, 1 and 2 and compares the trajectories.

Why it matters: if the seed changes nothing, a policy can learn one episode by heart, parallel environments all show
the same, and evaluation on "unseen" seeds tests what was trained on.

What to do: let ``reset`` pass its seed on to ``super().reset(seed=seed)`` and draw start and goal from
``self.np_random``. An environment that is meant to start always alike is fine.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import trajectory

_STEPS = 5


def seeds_matter(patient: PreflightContext) -> bool:
    """Tell whether trajectories with the same actions differ between seeds."""
    first, *others = (trajectory(patient.env, seed, _STEPS) for seed in (0, 1, 2))
    return any(first.shape != other.shape or not np.array_equal(first, other, equal_nan=True) for other in others)


@check(
    "ENV106",
    "seeds-matter",
    Group.ENVIRONMENT,
    after=("ENV102",),
    faults=("seed-without-effect", "start-always-alike"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Play three seeds with the same actions."""
    if seeds_matter(patient):
        return "three seeds, different episodes"
    message = "Seeds 0, 1 and 2 give the same episode"
    if patient.has_goals:
        remedy = "Call super().reset(seed=seed) in reset and draw the goal from self.np_random."
        yield warning("seed-without-effect", f"{message}, goal included.", remedy)
    else:
        yield note("start-always-alike", f"{message}: the start is always alike and nothing is random.")
    return ""
