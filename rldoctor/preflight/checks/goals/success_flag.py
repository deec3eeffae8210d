"""The success flag agrees with the distance to the goal.

What it does: compares ``info["is_success"]`` with the distance threshold, in random episodes and in those of a simple
controller that steers at the goal.

Why it matters: the success rate is the first number that people read. A flag that is never set makes a solved task look
hopeless; one that is always set makes a hopeless task look solved.

What to do: compute it as ``distance < distance_threshold`` from the goal after the step.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext


@check("ENV405", "success-flag", requires=("ENV201", "ENV202", "ENV206"), faults=("success-signal-wrong",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare the flag with the distance."""
    threshold = context.distance_threshold
    if not context.has_goals or threshold is None:
        raise Skipped("no goals with a known distance threshold")
    pairs = [
        (distance, info["is_success"])
        for distance, info in zip(context.batch.distances, context.batch.infos, strict=True)
        if "is_success" in info
    ]
    homing = context.homing
    if homing is not None:
        pairs += [(d, flag) for d, flag in zip(homing.distances, homing.successes, strict=True) if flag is not None]
    if not pairs:
        raise Skipped("no step reports is_success (see ENV109)")
    distances = np.array([distance for distance, _ in pairs])
    flags = np.array([bool(flag) for _, flag in pairs])
    near = distances < threshold
    # A micrometre around the threshold is left to rounding.
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
