"""The same action from the same start has the same effect.

What it does: resets to seed 0 three times, holds the same action, and compares the observations. Looks whether a step
changes the array that it was given.

Why it matters: if the effect of an action changes from one time to the next, its advantage is noise. The trajectory
check (ENV105) can fail for other reasons; this one shows that it is the action. An action that is scaled in place is
another one in the caller's hands: it is stored, and learned from, as it was not chosen.

What to do: look for a wrapper that shuffles, delays or perturbs actions with random numbers of its own. Compute a new
array (``action = 2 * action``) in place of ``action *= 2``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions

_STEPS = 3


@check(
    "ENV303",
    "action-repeatable",
    requires=("ENV202", "ENV302"),
    faults=("same-action-other-effect", "action-changed-in-place"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Repeat one action from one start."""
    action = draw(context.env.action_space, np.random.default_rng(7))
    yield from _in_place(context, action)
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


def _in_place(context: PreflightContext, action: Any) -> CheckFindings:
    """Hand an action to the environment itself and look whether it is still what it was."""
    # Late, as in other checks: they are listed and explained without gymnasium.
    from rldoctor.preflight.probes.metered import Metered

    if not isinstance(action, np.ndarray) or not isinstance(context.env, Metered):
        return ""
    handed = action.copy()
    context.env.reset(seed=0)
    # Metered hands over a copy.
    context.env.env.step(handed)
    if not np.array_equal(action, handed):
        gap = float(np.abs(handed.astype(float) - action).max())
        yield warning(
            "action-changed-in-place",
            f"step changes the action that it is given, by up to {gap:.3g}: the caller stores another action than it "
            "chose.",
            "Compute a new array in step (action = 2 * action, not action *= 2), or copy the action first.",
            observed=gap,
            expected=0.0,
        )
    return ""
