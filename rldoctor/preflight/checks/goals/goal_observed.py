"""The goal is in the observation and changes between episodes.

What it does: compares ``desired_goal`` at the start of several episodes, with each other and with the goal that the
environment keeps for itself.

Why it matters: a policy that cannot see its goal learns to stand where goals are on average, which looks like learning
that stalls half-way.

What to do: put the goal of the current episode into ``desired_goal``, and draw a new one at every reset.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext


@check(
    "ENV206",
    "goal-observed",
    Group.ENVIRONMENT,
    after=("ENV102",),
    faults=("goal-not-observed", "goal-never-changes"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Compare the goals of several episodes."""
    batch = patient.batch
    inner = [np.ravel(goal) for goal in batch.goals if goal is not None]
    remedy = "Put the goal of the current episode into desired_goal, in reset and in step."
    if not patient.has_goals:
        known = patient.expectation.observation if patient.expectation else {}
        if "desired_goal" in batch.observations:
            raise Skipped("its goals are no plain arrays")
        if patient.compute_reward is None and "desired_goal" not in known:
            raise Skipped("no goals")
        message = f"The observation has no desired_goal, only {', '.join(batch.observations)}."
        yield error("goal-not-observed", message, remedy)
        return ""
    shown = [np.ravel(start["desired_goal"]) for start in batch.starts]
    inner_varies = len(inner) == len(shown) and _varies(inner)
    same_shape = len(inner) == len(shown) and all(a.shape == b.shape for a, b in zip(inner, shown, strict=True))
    # 1e-3 of the goals' own spread: a goal kept in single precision is still the goal.
    near = 1e-3 * float(np.ptp(np.stack(inner), axis=0).max()) if inner_varies else 0.0
    if inner_varies and same_shape and any(np.abs(a - b).max() > near for a, b in zip(inner, shown, strict=True)):
        gap = max(float(np.abs(a - b).max()) for a, b in zip(inner, shown, strict=True))
        message = f"desired_goal is not the goal that the environment pursues: they differ by up to {gap:.3g}."
        yield error("goal-not-observed", message, remedy, observed=gap, expected=0.0)
    elif not _varies(shown):
        message = f"desired_goal is the same in {len(shown)} episodes with different seeds."
        yield warning("goal-never-changes", message, "Draw a new goal from self.np_random at every reset.")
    return f"{len(shown)} episodes, {len(np.unique(np.stack(shown), axis=0))} goals"


def _varies(goals: list[np.ndarray[tuple[int], np.dtype[np.float64]]]) -> bool:
    return len(np.unique(np.stack(goals), axis=0)) > 1
