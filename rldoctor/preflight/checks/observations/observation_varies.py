"""Observations change from step to step.

What it does: finds the dimensions that never change over the random episodes.

Why it matters: a policy that always sees the same can only ever do the same. Single constant dimensions, such as the
shut fingers of FetchReach, are harmless.

What to do: return the state after the step, not a stored one.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error, note
from rldoctor.preflight.context import PreflightContext

# A bandit's episode is a single step, and what it shows need not change.
_FEW = 3


@check(
    "ENV205",
    "observation-varies",
    Group.ENVIRONMENT,
    after=("ENV201", "ENV202"),
    faults=("observations-frozen", "observation-dimensions-constant"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Find what never changes."""
    batch = patient.batch
    if np.bincount(batch.episode).max() < _FEW:
        raise Skipped("episodes are too short for a state to move on")
    moving, constant, total = 0, {}, 0
    for key, values in batch.observations.items():
        if values.dtype.kind not in "biuf":
            continue
        rows = values.reshape(len(values), -1).astype(float)
        within = np.zeros(rows.shape[1], dtype=bool)
        for number in range(len(batch.starts)):
            episode = rows[batch.episode == number]
            within |= np.ptp(episode, axis=0) > 0
        moving += int(within.sum())
        total += rows.shape[1]
        still = np.flatnonzero(np.ptp(rows, axis=0) == 0).tolist()
        expected = patient.expectation.observation.get(key) if patient.expectation else None
        unknown = [dimension for dimension in still if not expected or dimension not in expected.constant]
        if unknown:
            constant[key] = unknown
    if not moving:
        yield error(
            "observations-frozen",
            f"No dimension of the observation changes within an episode, in {len(batch.rewards)} random steps.",
            "Return the state after the step; look for a stored observation or a simulation that is not stepped.",
            observed=0,
            expected=total,
        )
        return ""
    for key, dimensions in constant.items():
        shown = ", ".join(map(str, dimensions[:8])) + (", ..." if len(dimensions) > 8 else "")
        message = f"{key} has {len(dimensions)} dimensions that never changed under the random policy ({shown})."
        yield note("observation-dimensions-constant", message, dimensions=dimensions[:32])
    return f"{moving} of {total} dimensions change"
