"""Observations are of a size that a network can use.

What it does: takes the largest typical size (mean absolute value) of every dimension under the random policy.

Why it matters: a network with tanh layers is saturated by inputs in the hundreds and blind to inputs of 1e-4. Numbers
around 1 learn best.

What to do: wrap the training in SB3's ``VecNormalize``, or scale the observation in the environment.
"""

from __future__ import annotations

import gymnasium
import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import spaces_of

# Ours: FetchReach stays below 1.4, CartPole below 1, Pendulum below 4 (its velocity reaches 8), all of which train
# without scaling. 100 saturates tanh units of SB3's initial weights; all below 1e-3 is lost beside their biases.
_LARGE = 100.0
_SMALL = 1e-3


@check(
    "ENV204",
    "observation-scale",
    Group.ENVIRONMENT,
    after=("ENV201", "ENV202"),
    faults=("observations-too-large", "observations-too-small"),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Measure the size of observations."""
    sizes: dict[str, float] = {}
    for key, space in spaces_of(patient.env.observation_space).items():
        # SB3 scales images and one-hot encodes what is discrete.
        if isinstance(space, gymnasium.spaces.Box) and space.dtype != np.uint8 and space.shape != (0,):
            values = patient.batch.observations[key].astype(float)
            sizes[key] = float(np.abs(values).reshape(len(values), -1).mean(axis=0).max())
    if not sizes:
        return "nothing to scale"
    key = max(sizes, key=lambda name: sizes[name])
    remedy = "Wrap the training environments in VecNormalize, or scale the observation in the environment."
    if sizes[key] > _LARGE:
        message = f"{key} is about {sizes[key]:,.3g} in its largest dimension; a network learns best around 1."
        yield warning("observations-too-large", message, remedy, observed=sizes[key], expected=_LARGE)
    elif 0 < sizes[key] < _SMALL:
        message = f"All observations are below {_SMALL} (largest {sizes[key]:.3g}); a network learns best around 1."
        yield warning("observations-too-small", message, remedy, observed=sizes[key], expected=_SMALL)
    return f"largest dimension about {sizes[key]:.3g}"
