"""Different seeds give different episodes.

What it does: plays the same actions from seeds 0, 1 and 2 and compares the trajectories.

Why it matters: if the seed changes nothing, a policy can memorise one episode, parallel environments all play the same,
and evaluation on "unseen" seeds tests what was trained on.

What to do: let ``reset`` pass its seed on to ``super().reset(seed=seed)`` and draw start and goal from
``self.np_random``. An environment that is meant to start the same every time is fine.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, error, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import trajectory

_STEPS = 5
_SEED = 123


@check(
    "ENV106",
    "seeds-matter",
    requires=("ENV102",),
    faults=("seed-ignored", "seed-without-effect", "seed-replaced", "start-always-alike"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play three seeds with the same actions."""
    steps = context.budget.steps(_STEPS, plays=3)
    first, *others = (trajectory(context.env, seed, steps) for seed in (0, 1, 2))
    if any(first.shape != other.shape or not np.array_equal(first, other, equal_nan=True) for other in others):
        return "three seeds, different episodes"
    message = "Seeds 0, 1 and 2 give the same episode"
    context.env.reset(seed=_SEED)
    inner = getattr(context.env.unwrapped, "_np_random_seed", None)
    if isinstance(inner, int) and inner not in (_SEED, -1):
        yield error(
            "seed-replaced",
            f"{message}: reset(seed={_SEED}) reaches the environment as seed {inner}.",
            "Pass the seed on: super().reset(seed=seed), and self.env.reset(seed=seed, options=options) in a wrapper.",
            observed=inner,
            expected=_SEED,
        )
    elif inner is None and getattr(context.env.unwrapped, "_np_random", None) is not None:
        yield warning(
            "seed-ignored",
            f"{message}: reset does not seed the environment's np_random with the seed that it is given.",
            "Call super().reset(seed=seed) first in reset.",
        )
    elif context.has_goals:
        remedy = "Call super().reset(seed=seed) in reset and draw the goal from self.np_random."
        yield warning("seed-without-effect", f"{message}, goal included.", remedy)
    else:
        yield note("start-always-alike", f"{message}: every episode starts the same and nothing is random.")
    return ""
