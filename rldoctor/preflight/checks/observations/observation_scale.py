"""Observations are of a size that a network can use.

What it does: takes the mean absolute value of every dimension under the random policy, and of these the largest.

Why it matters: inputs in the hundreds saturate a network with tanh layers, and inputs of 1e-4 have no effect on it.
Numbers around 1 learn best.

What to do: wrap the training in SB3's ``VecNormalize``, or scale the observation in the environment.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, warning
from rldoctor.preflight.context import PreflightContext

# Ours: FetchReach stays below 1.4, CartPole below 1, Pendulum below 4 (its velocity reaches 8), all of which train
# without scaling. 200 saturates tanh units of SB3's initial weights (single
# numbers of Humanoid's are about 150); all below 1e-3 is lost beside their biases.
_LARGE = 200.0
_SMALL = 1e-3


@check(
    "ENV204",
    "observation-scale",
    requires=("ENV201", "ENV202"),
    faults=("observations-too-large", "observations-too-small"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Measure the size of observations."""
    sizes: dict[str, float] = {}
    for key, space in context.boxes.items():
        # SB3 scales images itself, and one-hot encodes discrete observations, which are no Box.
        if space.dtype != np.uint8 and space.shape != (0,):
            values = context.batch.observations[key].astype(float)
            sizes[key] = float(np.abs(values).reshape(len(values), -1).mean(axis=0).max())
    if not sizes:
        return "nothing to scale"
    key, size = max(sizes.items(), key=lambda item: item[1])
    remedy = "Wrap the training environments in VecNormalize, or scale the observation in the environment."
    if size > _LARGE:
        message = f"{key} is about {size:,.3g} in its largest dimension; a network learns best around 1."
        yield warning("observations-too-large", message, remedy, observed=size, expected=_LARGE)
    elif 0 < size < _SMALL:
        message = f"All observations are below {_SMALL} (largest {size:.3g}); a network learns best around 1."
        yield warning("observations-too-small", message, remedy, observed=size, expected=_SMALL)
    return f"largest dimension about {size:.3g}"
