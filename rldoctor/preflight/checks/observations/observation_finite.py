"""Observations hold no NaN and no infinity.

What it does: looks for NaN and infinite numbers in the observations of the random episodes.

Why it matters: one NaN reaches every weight with the next update, and the policy is gone for good.

What to do: find where the number comes from: a division by zero, a logarithm, an unstable simulation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, check, error
from rldoctor.preflight.context import PreflightContext


@check("ENV202", "observation-finite", Group.ENVIRONMENT, after=("ENV102",), faults=("observation-not-finite",))
def examine(patient: PreflightContext) -> CheckFindings:
    """Look for NaN and infinity."""
    batch = patient.batch
    for key, values in batch.observations.items():
        if values.dtype.kind not in "fc":
            continue
        starts = np.stack([start[key] for start in batch.starts if key in start])
        rows = np.concatenate([starts, values]).reshape(len(starts) + len(values), -1)
        bad = ~np.isfinite(rows)
        if bad.any():
            dimensions = np.flatnonzero(bad.any(axis=0)).tolist()
            count = int(bad.any(axis=1).sum())
            yield error(
                "observation-not-finite",
                f"{key} is NaN or infinite in {count} of {len(rows)} observations (dimensions {_short(dimensions)}).",
                "Find where the number arises: a division by zero, a logarithm, an unstable simulation.",
                observed=count,
                expected=0,
                dimensions=dimensions[:32],
            )
    return f"{len(batch.rewards)} observations finite"


def _short(dimensions: list[int]) -> str:
    words = ", ".join(map(str, dimensions[:6]))
    return f"{words}, ..." if len(dimensions) > 6 else words
