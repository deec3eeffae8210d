"""Observations have the keys, shapes and dtypes that are declared, and those known of this environment.

What it does: compares every array of the observation with the observation space and, where the environment is known,
with ``checks/preflight/environments/``.

Why it matters: a key that is missing or an array of another shape is another task. A whole-number dtype silently
rounds positions in metres to zero.

What to do: return what the observation space declares.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from gymnasium import spaces

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, Group, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import spaces_of


@check(
    "ENV201",
    "observation-layout",
    Group.ENVIRONMENT,
    after=("ENV102",),
    faults=(
        "observation-space-unsupported",
        "observation-key-missing",
        "observation-shape-wrong",
        "observation-dtype-wrong",
    ),
)
def examine(patient: PreflightContext) -> CheckFindings:
    """Compare the observation with its space and with what is known."""
    plain = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
    for key, space in spaces_of(patient.env.observation_space).items():
        if not isinstance(space, plain):
            message = f"PPO of Stable-Baselines3 knows no observation of type {type(space).__name__} ({key})."
            remedy = "Flatten it into one level of arrays: gymnasium.wrappers.FlattenObservation."
            yield error("observation-space-unsupported", message, remedy)
            return ""
    seen = {key: (value.shape, value.dtype) for key, value in patient.batch.starts[0].items()}
    for key, space in spaces_of(patient.env.observation_space).items():
        yield from _compare(key, seen, space.shape, space.dtype, "its observation space declares")
    known = patient.expectation.observation if patient.expectation else {}
    for key, array in known.items():
        declared = spaces_of(patient.env.observation_space).get(key)
        # What contradicts its own space has been said already.
        if key in seen and declared is not None and declared.shape != seen[key][0]:
            continue
        if declared is not None and declared.dtype != seen.get(key, (None, declared.dtype))[1]:
            continue
        yield from _compare(key, seen, array.shape, np.dtype(array.dtype), f"{patient.env_id} is known for")
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
        message = f"{key} has the shape {found_shape}; {source} {shape}."
        yield error("observation-shape-wrong", message, remedy, observed=list(found_shape), expected=list(shape))
    if dtype is not None and found_dtype != dtype:
        # float32 for float64 loses nothing PPO would miss; integers or objects for floats lose the values.
        say = warning if found_dtype.kind == dtype.kind else error
        message = f"{key} is of dtype {found_dtype}; {source} {dtype}."
        yield say("observation-dtype-wrong", message, remedy, observed=str(found_dtype), expected=str(dtype))
