"""Observations have the declared keys, shapes and dtypes, and those known of this environment.

What it does: compares every array of the observation with the observation space and, where the environment is known,
with ``checks/preflight/environments/``.

Why it matters: a missing key or an array of another shape makes it another task. An integer dtype silently rounds
positions in metres to zero.

What to do: return what the observation space declares.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import spaces_of


@check(
    "ENV201",
    "observation-layout",
    requires=("ENV102",),
    faults=(
        "observation-space-unsupported",
        "observation-key-missing",
        "observation-shape-wrong",
        "observation-dtype-wrong",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the observation with its space and with what is known."""
    from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

    declared = spaces_of(context.env.observation_space)
    for key, space in declared.items():
        if not isinstance(space, (Box, Discrete, MultiDiscrete, MultiBinary)):
            message = f"Stable-Baselines3's PPO does not support observations of type {type(space).__name__} ({key})."
            remedy = "Flatten it into one level of arrays: gymnasium.wrappers.FlattenObservation."
            yield error("observation-space-unsupported", message, remedy)
            return ""
    seen = {key: (value.shape, value.dtype) for key, value in context.batch.starts[0].items()}
    for key, space in declared.items():
        yield from _compare(key, seen, space.shape, space.dtype, "its observation space declares")
    for key, array in context.expectation.observation.items():
        # What contradicts its own space has been reported already.
        if key in declared and key in seen and (declared[key].shape, declared[key].dtype) != seen[key]:
            continue
        yield from _compare(key, seen, array.shape, np.dtype(array.dtype), f"{context.env_id} is known to have")
    return ", ".join(f"{key} {shape} {dtype}" for key, (shape, dtype) in seen.items())


def _compare(
    key: str,
    seen: dict[str, tuple[tuple[int, ...], np.dtype[np.generic]]],
    shape: tuple[int, ...] | None,
    dtype: np.dtype[np.generic] | None,
    source: str,
) -> Iterator[Finding]:
    remedy = "Return what the observation space declares, in reset and in step."
    if key not in seen:
        message = f"The observation has no {key!r}; {source} one."
        yield error("observation-key-missing", message, remedy, observed=sorted(seen), expected=key)
        return
    found_shape, found_dtype = seen[key]
    if shape is not None and found_shape != shape:
        message = f"{key} has shape {found_shape}; {source} {shape}."
        yield error("observation-shape-wrong", message, remedy, observed=list(found_shape), expected=list(shape))
    if dtype is not None and found_dtype != dtype:
        # float32 for float64 loses nothing PPO would miss; integers or objects for floats lose the values.
        found = warning if found_dtype.kind == dtype.kind else error
        message = f"{key} has dtype {found_dtype}; {source} {dtype}."
        yield found("observation-dtype-wrong", message, remedy, observed=str(found_dtype), expected=str(dtype))
