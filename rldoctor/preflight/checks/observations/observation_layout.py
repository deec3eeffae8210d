"""Observations have the declared keys, shapes and dtypes, and those known of this environment.

What it does: looks at the observation space, compares every observation of three short episodes with it, those of
``reset`` included, and, where the environment is known, with ``checks/preflight/environments/``.

Why it matters: a missing key or an array of another shape makes it another task. An integer dtype silently rounds
positions in metres to zero.

What to do: return what the observation space declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import Finding
from rldoctor.preflight.check import CheckFindings, NotRun, check, error, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import spaces_of
from rldoctor.preflight.probes.inspection import layers

if TYPE_CHECKING:
    import gymnasium


@check(
    "ENV201",
    "observation-layout",
    raw=True,
    requires=("ENV102",),
    faults=(
        "observation-space-invalid",
        "observation-space-unsupported",
        "observation-space-unusual",
        "observation-key-missing",
        "observation-key-undeclared",
        "observation-type-wrong",
        "observation-shape-wrong",
        "observation-dtype-wrong",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the observation with its space and with what is known."""
    from rldoctor.preflight.probes import spaces
    from rldoctor.preflight.probes.views.one_level import OneLevel

    space = context.space("observation")
    if wrong := spaces.invalid(space, "observation"):
        yield error("observation-space-invalid", *wrong)
        return ""
    if wrong := spaces.untrainable_observation(space):
        yield error("observation-space-unsupported", *wrong)
        return ""
    levels = next((layer.env.observation_space for layer in layers(context.env) if isinstance(layer, OneLevel)), None)
    if levels is not None and (wrong := spaces.untrainable_observation(levels)):
        yield warning(
            "observation-space-unsupported",
            f"{wrong.problem} The other checks see it as one dictionary of {', '.join(spaces_of(space))}.",
            wrong.cure,
        )
    yield from _unusual(space)
    if context.undeclared:
        raise NotRun(f"{context.undeclared} failed")
    declared = spaces_of(space)
    for call in context.transcript:
        found = spaces.mismatch(space, call.observation)
        if found:
            yield _mismatch(call.when, *found)
            if found[2]:
                return ""
            break
    seen = {key: (value.shape, value.dtype) for key, value in context.batch.starts[0].items()}
    for key, array in context.expectation.observation.items():
        # What contradicts its own space has been reported already.
        if key in declared and key in seen and (declared[key].shape, declared[key].dtype) != seen[key]:
            continue
        yield from _compare(key, seen, array.shape, np.dtype(array.dtype), f"{context.env_id} is known to have")
    return ", ".join(f"{key} {shape} {dtype}" for key, (shape, dtype) in seen.items())


# What mismatch() calls it, and the name of the finding.
_NAMES = {
    "key": "observation-key-missing",
    "extra": "observation-key-undeclared",
    "type": "observation-type-wrong",
    "shape": "observation-shape-wrong",
    "dtype": "observation-dtype-wrong",
}


def _mismatch(when: str, kind: str, said: str, lossy: bool) -> Finding:
    message = f"{said[:1].upper() if said.startswith('the ') else said[:1]}{said[1:]} (in {when})."
    return (error if lossy else warning)(
        _NAMES[kind], message, "Return what the observation space declares, in reset and in step."
    )


def _unusual(space: gymnasium.Space[Any]) -> Iterator[Finding]:
    """Note what is allowed and seldom meant."""
    from gymnasium.spaces import Box

    from rldoctor.preflight.probes import spaces

    for key, part in spaces.parts(space).items():
        if not isinstance(part, Box):
            continue
        name = key or "the observation"
        low, high = part.low, part.high
        if low.size and (low == high).all():
            message = f"All bounds of {name} are equal: no observation can differ from another."
            yield warning("observation-space-unusual", message, "Correct low and high of the observation space.")
        if len(part.shape) == 3 and part.dtype == np.uint8 and not spaces.is_picture(part):
            message = f"{name} looks like a picture, but its bounds are [{low.min()}, {high.max()}], not [0, 255]."
            remedy = "Declare low=0 and high=255, so that Stable-Baselines3 scales it and uses its CNN."
            yield warning("observation-space-unusual", message, remedy)
        elif len(part.shape) == 3 and part.dtype != np.uint8 and (low == 0).all() and (high == 255).all():
            message = f"{name} looks like a picture of dtype {part.dtype}; Stable-Baselines3 takes uint8 alone for one."
            yield warning("observation-space-unusual", message, "Return the picture as uint8.")
        elif spaces.is_picture(part) and min(spaces.picture_sides(part)) < spaces.SMALLEST_PICTURE:
            sides = " x ".join(map(str, spaces.picture_sides(part)))
            message = f"{name}, a picture of {sides}, is too small for Stable-Baselines3's CNN; MlpPolicy takes it."
            remedy = f"Resize it to at least {spaces.SMALLEST_PICTURE} x {spaces.SMALLEST_PICTURE}, or use MlpPolicy."
            yield note("observation-space-unusual", message, remedy)
        elif len(part.shape) == 2:
            message = f"{name} has shape {part.shape}, neither a vector nor a picture; the policy flattens it."
            yield note("observation-space-unusual", message)


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
