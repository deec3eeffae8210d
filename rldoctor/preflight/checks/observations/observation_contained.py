"""Observations lie within the declared bounds.

What it does: compares the observations of random episodes with ``low`` and ``high`` of the observation space.

Why it matters: wrappers and networks that scale by the bounds get values they were not made for.

What to do: widen the bounds of the space, or clip the observation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, error
from rldoctor.preflight.context import PreflightContext

# Single precision: a bound of pi is not a fault.
_ROUNDING = 1e-5


@check("ENV203", "observation-contained", requires=("ENV201", "ENV202"), faults=("observation-outside-space",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare observations with their bounds."""
    for key, space in context.boxes.items():
        # With the first observations, which reset returns.
        starts = [start[key] for start in context.batch.starts if start[key].shape == space.shape]
        values = np.concatenate([np.stack(starts), context.batch.observations[key]])
        outside = (values < space.low) | (values > space.high)
        if not outside.any():
            continue
        numbers = values.astype(float)
        gap = np.maximum(space.low - numbers, numbers - space.high)
        outside = gap > _ROUNDING * np.maximum(1.0, np.abs(numbers))
        if outside.any():
            count = int(outside.reshape(len(values), -1).any(axis=1).sum())
            worst = float(np.max(gap))
            yield error(
                "observation-outside-space",
                f"{key} leaves its declared bounds in {count} of {len(values)} observations, by up to {worst:.3g}.",
                "Widen the bounds of the space or clip the observation.",
                observed=worst,
                expected=0.0,
            )
    return "all within bounds"
