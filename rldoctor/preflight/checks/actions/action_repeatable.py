"""The same action from the same start has the same effect.

What it does: resets to seed 0 three times, holds the same action, and compares the observations.

Why it matters: if the effect of an action changes from one time to the next, its advantage is noise. The trajectory
check (ENV105) can fail for other reasons; this one shows that it is the action.

What to do: look for a wrapper that shuffles, delays or perturbs actions with random numbers of its own.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions

_STEPS = 3


@check("ENV303", "action-repeatable", requires=("ENV202", "ENV302"), faults=("same-action-other-effect",))
def run(context: PreflightContext) -> CheckFindings:
    """Repeat one action from one start."""
    action = draw(context.env.action_space, np.random.default_rng(7))
    steps = context.budget.steps(_STEPS, plays=3)
    first, *others = (play_actions(context.env, 0, [action] * steps)[0] for _ in range(3))
    if any(not np.array_equal(first[0], other[0]) for other in others):
        raise Skipped("resets with the same seed already differ (see ENV105)")
    if context.spec and context.spec.nondeterministic:
        raise Skipped("it is registered as nondeterministic")
    shared = min(len(rows) for rows in (first, *others))
    gap = max(float(np.abs(first[:shared] - other[:shared]).max()) for other in others)
    if gap > 0:
        moved = float(np.abs(first[:shared] - first[0]).max())
        yield error(
            "same-action-other-effect",
            f"The same action from the same start led to observations up to {gap:.3g} apart "
            f"(it moves them by {moved:.3g}).",
            "Look for a wrapper that shuffles, delays or perturbs actions with random numbers of its own.",
            observed=gap,
            expected=0.0,
        )
    return "the same effect three times" if gap == 0 else ""
