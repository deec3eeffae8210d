"""Different seeds give different episodes.

What it does: plays the same actions from seeds 0, 1 and 2 and compares the trajectories.

Why it matters: if the seed changes nothing, a policy can memorise one episode, parallel environments all play the same,
and evaluation on "unseen" seeds tests what was trained on.

What to do: let ``reset`` pass its seed on to ``super().reset(seed=seed)`` and draw start and goal from
``self.np_random``. An environment that is meant to start the same every time is fine.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import trajectory

_STEPS = 5


def _generator_after(context: PreflightContext, seed: int) -> str:
    """Return the state of the environment's generator after a reset; empty where it has none."""
    context.env.reset(seed=seed)
    generator = getattr(context.env.unwrapped, "_np_random", None)
    return "" if generator is None else str(generator.bit_generator.state)


@check(
    "ENV106", "seeds-matter", requires=("ENV102",), faults=("seed-ignored", "seed-without-effect", "start-always-alike")
)
def run(context: PreflightContext) -> CheckFindings:
    """Play three seeds with the same actions."""
    steps = context.budget.steps(_STEPS, plays=3)
    first, *others = (trajectory(context.env, seed, steps) for seed in (0, 1, 2))
    if any(first.shape != other.shape or not np.array_equal(first, other, equal_nan=True) for other in others):
        return "three seeds, different episodes"
    message = "Seeds 0, 1 and 2 give the same episode"
    if len({_generator_after(context, seed) for seed in (0, 1)}) < 2:
        yield warning(
            "seed-ignored",
            f"{message}: reset does not seed the environment's np_random with the seed that it is given.",
            "Call super().reset(seed=seed) first in reset, with the seed unchanged.",
        )
        return ""
    if context.has_goals:
        remedy = "Call super().reset(seed=seed) in reset and draw the goal from self.np_random."
        yield warning("seed-without-effect", f"{message}, goal included.", remedy)
    else:
        yield note("start-always-alike", f"{message}: every episode starts the same and nothing is random.")
    return ""
