"""The success flag says what the distance says.

What it does: compares ``info["is_success"]`` with the distance threshold, in the random episodes and in those of a
simple controller that goes to the goal.

Why it matters: the success rate is what one looks at. A flag that never rises makes a solved task look hopeless; one
that is always up makes a hopeless one look solved.

What to do: compute it as ``distance < distance_threshold`` from the goal after the step.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error
from rldoctor.preflight.checks.goals.goal_reachable import can_home
from rldoctor.preflight.context import PreflightContext


@check(
    "ENV405",
    "success-flag",
    Group.ENVIRONMENT,
    after=("ENV201", "ENV202", "ENV206"),
    faults=("success-signal-wrong",),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Compare the flag with the distance."""
    threshold = patient.distance_threshold
    if not patient.has_goals or threshold is None:
        raise Skipped("no goals with a known distance threshold")
    pairs = [
        (distance, info["is_success"])
        for distance, info in zip(patient.batch.distances, patient.batch.infos, strict=True)
        if "is_success" in info
    ]
    if can_home(patient):
        homing = patient.homing
        pairs += [(d, flag) for d, flag in zip(homing.distances, homing.successes, strict=True) if flag is not None]
    if not pairs:
        raise Skipped("no step reports is_success (see ENV109)")
    distances = np.array([distance for distance, _ in pairs])
    flags = np.array([bool(flag) for _, flag in pairs])
    near = distances < threshold
    # A micrometre around the threshold belongs to rounding.
    clear = np.abs(distances - threshold) > 1e-6
    missed, false = int((near & ~flags & clear).sum()), int((~near & flags & clear).sum())
    if missed or false:
        yield error(
            "success-signal-wrong",
            f"is_success is false in {missed} of {int(near.sum())} steps nearer than {threshold:g} "
            f"and true in {false} of {int((~near).sum())} steps farther away.",
            f"Compute is_success as distance < {threshold:g}, from the goals after the step.",
            observed=[missed, false],
            expected=[0, 0],
        )
    return f"agrees in {len(pairs)} steps, {int(near.sum())} of them nearer than {threshold:g}"
