"""Observations hold no NaN and no infinity.

What it does: looks for NaN and infinite numbers in the observations of random episodes.

Why it matters: one NaN reaches every weight with the next update, and the policy cannot recover.

What to do: find where the number comes from: a division by zero, a logarithm, an unstable simulation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, error, shortened
from rldoctor.preflight.context import PreflightContext


@check("ENV202", "observation-finite", requires=("ENV102",), faults=("observation-not-finite",))
def run(context: PreflightContext) -> CheckFindings:
    """Look for NaN and infinity."""
    batch = context.batch
    for key, values in batch.observations.items():
        if values.dtype.kind not in "fc":
            continue
        starts = np.stack([start[key] for start in batch.starts if key in start])
        rows = np.concatenate([starts, values]).reshape(len(starts) + len(values), -1)
        bad = ~np.isfinite(rows)
        if bad.any():
            dimensions = np.flatnonzero(bad.any(axis=0)).tolist()
            count = int(bad.any(axis=1).sum())
            where = f"dimensions {shortened(dimensions)}"
            yield error(
                "observation-not-finite",
                f"{key} is NaN or infinite in {count} of {len(rows)} observations ({where}).",
                "Find where the number comes from: a division by zero, a logarithm, an unstable simulation.",
                observed=count,
                expected=0,
                dimensions=dimensions[:32],
            )
    return f"{len(batch.rewards)} observations finite"
