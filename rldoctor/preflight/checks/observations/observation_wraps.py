"""Numbers of the observation do not wrap around.

What it does: looks for numbers of the observation that take at most 256 evenly spaced values, fill that range, and jump
across more than half of it from one step to the next. Observations that are declared as bytes are left out.

Why it matters: a number that is cast to a byte and does not fit wraps around: 127 is followed by -128. Two states that
are alike look quite different, and two that differ look the same.

What to do: scale the number before it is cast, or return it as ``float32``.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, shortened, warning
from rldoctor.preflight.context import PreflightContext

# A byte has 256 values, the largest 255 steps above the smallest. Random play of the three broken environments of
# tests/preflight/test_kinds_of_limits.py spans 252 to 255 of these steps; hours of a day span 23, whole degrees 358.
_MOST, _FEWEST = 255.5, 240.0
# Of the steps, how many jump across more than half of the range: 3 to 23 % in those three, none in their healthy twins.
_JUMPS = 0.01
# Evenly spaced, up to single precision of the spacing itself.
_EVEN = 1e-2
_STEPS = 100
_NUMBERS = 64


@check("ENV214", "observation-wraps", requires=("ENV201", "ENV202"), late=1, faults=("observation-wraps-around",))
def run(context: PreflightContext) -> CheckFindings:
    """Look for numbers that jump across the range of a byte."""
    batch = context.batch
    if len(batch.rewards) < _STEPS:
        raise Skipped("too few steps to see a range")
    together = np.diff(batch.episode) == 0
    looked = moving = 0
    wrapping: dict[str, list[int]] = {}
    for key, space in context.boxes.items():
        if space.dtype in (np.uint8, np.int8) or np.prod(space.shape) > _NUMBERS:
            continue
        rows = batch.observations[key].reshape(len(batch.rewards), -1).astype(float)
        looked += rows.shape[1]
        for index, column in enumerate(rows.T):
            moving += bool(np.ptp(column) > 0)
            if _wraps(column, together):
                wrapping.setdefault(key, []).append(index)
    if not looked:
        raise Skipped("no observation of a few numbers")
    # One that turns, such as the byte of an encoder, may be meant.
    if sum(map(len, wrapping.values())) >= 0.5 * moving:
        for key, dimensions in wrapping.items():
            yield warning(
                "observation-wraps-around",
                f"{len(dimensions)} numbers of {key} ({shortened(dimensions)}) jump from one end of the 256 values of "
                "a byte to the other.",
                "Look for a cast to int8 or uint8 of numbers that do not fit; return float32.",
                dimensions=dimensions[:32],
            )
    return f"{looked} numbers looked at"


def _wraps(column: FloatArray, together: np.ndarray) -> bool:
    """Return whether a number takes the values of a byte, nearly all of its range, and jumps across it."""
    values = np.unique(column)
    if len(values) < 2:
        return False
    gaps = np.diff(values)
    unit = float(gaps.min())
    levels = float(np.ptp(values)) / unit
    if not _FEWEST <= levels <= _MOST or np.abs(gaps / unit - np.round(gaps / unit)).max() > _EVEN:
        return False
    steps = np.abs(np.diff(column)[together])
    return bool(np.mean(steps > 0.5 * np.ptp(values)) >= _JUMPS)
