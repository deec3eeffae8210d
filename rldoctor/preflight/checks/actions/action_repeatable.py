"""The same action from the same start has the same effect.

What it does: resets to seed 0 three times, holds one and the same action, and compares where it leads.

Why it matters: if an action does this now and that then, its advantage is noise. The trajectory check (ENV105) may
fail for other reasons; this one says that it is the action.

What to do: look for a wrapper that shuffles, delays or perturbs actions with random numbers of its own.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten

_STEPS = 3


def held(patient: PreflightContext) -> FloatArray:
    """Reset to seed 0, hold one action, and return the observations, shape ``(_STEPS + 1, d)`` or fewer rows."""
    env = patient.env
    action = draw(env.action_space, np.random.default_rng(7))
    observation, _ = env.reset(seed=0)
    rows = [flatten(observation)]
    for _ in range(_STEPS):
        observation, _, terminated, truncated, _ = env.step(action)
        rows.append(flatten(observation))
        if terminated or truncated:
            break
    return np.stack(rows)


@check(
    "ENV303",
    "action-repeatable",
    Group.ENVIRONMENT,
    after=("ENV202", "ENV302"),
    faults=("same-action-other-effect",),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Repeat one action from one start."""
    first, *others = (held(patient) for _ in range(3))
    if any(not np.array_equal(first[0], other[0]) for other in others):
        raise Skipped("resets to the same seed differ already (see ENV105)")
    if patient.spec and patient.spec.nondeterministic:
        raise Skipped("it is registered as nondeterministic")
    shared = min(len(rows) for rows in (first, *others))
    gap = max(float(np.abs(first[:shared] - other[:shared]).max()) for other in others)
    if gap > 0:
        moved = float(np.abs(first[:shared] - first[0]).max())
        yield warning(
            "same-action-other-effect",
            f"The same action from the same start led to observations up to {gap:.3g} apart "
            f"(it moves them by {moved:.3g}).",
            "Look for a wrapper that shuffles, delays or perturbs actions with random numbers of its own.",
            observed=gap,
            expected=0.0,
        )
    return "three times the same effect" if gap == 0 else ""
