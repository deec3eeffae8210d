"""Curves as signs are made for: on at most a hundred stretches of steps, without repeated values."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve, FloatArray, IntArray
from rldoctor.rulebook.families import FEWEST_POINTS
from rldoctor.rulebook.parts import Part

# A run starts in its first twentieth; the first three updates show where, of a long run as of a short one. Ours.
_FIRST_UPDATES, _START = 3, 0.05
# On the lines between rows that is looked at in so many places. Ours.
_PLACES = 9
# So many points show that the first one is no noise, if the others lie closer together than it is to them: of noise
# alone, one run of 10 points in 340 begins so, of 12 one in 940, of 20 one in 13,000. Ours.
_FEWEST_APART = 10
# Stretches of steps on which a curve is judged: a few more than the longest recorded runs have points.
GRID = 100
# A curve that changes less often is constant here and there, which is no repetition.
_FEWEST_CHANGES = 10
# A setting of two stages is no repetition, however long each of them is.
_FEWEST_HELD = 3


def resampled(curve: Curve) -> Curve:
    """Return a curve without repeated values, on at most 100 equal stretches of steps.

    The first of 101 points is what the first three updates show: a hundredth of a long run may hold all of the
    learning. A run that is logged every update, or repeats each value until the next episode ends, is the same run.
    """
    curve = without_repeats(curve)
    first, last = (float(curve.steps[0]), float(curve.steps[-1])) if len(curve) else (0.0, 0.0)
    if len(curve) <= GRID or last <= first:
        return curve
    place = np.minimum(((curve.steps - first) / (last - first) * GRID).astype(np.int64), GRID - 1)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    counts = np.diff(np.append(starts, len(curve)))
    values = np.add.reduceat(curve.values, starts) / counts
    low = np.minimum.reduceat(curve.values, starts)
    # The mean of equal numbers is that number, to the last bit.
    values = np.where(low == np.maximum.reduceat(curve.values, starts), low, values)
    steps = np.add.reduceat(curve.steps, starts) // counts
    return Curve(
        curve.metric,
        np.append(curve.steps[:1], steps),
        np.append(stats.median(curve.values[:_FIRST_UPDATES]), values),
        curve.tag,
        curve.aggregation,
    )


def without_repeats(curve: Curve) -> Curve:
    """Return the curve with one point for each new value, and with so many for a longer stretch as make up for it.

    Where values are repeated, half of the stretches of equal values are at least as long as their median.
    """
    changed = curve.values[1:] != curve.values[:-1]
    if np.count_nonzero(changed) == len(changed):
        return curve
    changes = np.flatnonzero(np.concatenate([[True], changed]))
    lengths = np.diff(np.append(changes, len(curve)))
    uneven = lengths.max() - lengths.min() > 1
    if len(changes) < (FEWEST_POINTS if uneven else _FEWEST_HELD) or (len(changes) < _FEWEST_CHANGES and uneven):
        return curve
    every = max(1, int(stats.median(lengths)))
    if every == 1:
        return curve
    since = np.arange(len(curve)) - np.repeat(changes, lengths)
    kept = since % every == 0
    # A last piece of less than half a stretch is a rest of the one before.
    kept &= (since == 0) | (np.repeat(lengths, lengths) - since > every / 2)
    return Curve(curve.metric, curve.steps[kept], curve.values[kept], curve.tag, curve.aggregation)


def points_of(curve: Curve) -> int:
    """Return how many points were logged: where each value is repeated equally often, only one for each."""
    changed = curve.values[1:] != curve.values[:-1]
    if np.count_nonzero(changed) == len(changed):
        return len(curve)
    changes = np.flatnonzero(np.concatenate([[True], changed]))
    lengths = np.diff(np.append(changes, len(curve)))
    held = len(changes) and lengths.min() > 1 and lengths.max() - lengths.min() <= 1
    return len(changes) if held else len(curve)


def start_of(curve: Curve) -> float:
    """Return where a resampled curve starts: its median over the first twentieth of the run, on the lines between rows.

    Of many rows the first three updates are all that counts. The first row alone does where it is further from all
    others than these are from each other: in a run of few rows the second may be at the end of all learning.
    """
    return float(_starts(curve.values[None, :])[0])


def starts_of(part: Part) -> list[float]:
    """Return where each curve of a part starts, as :func:`start_of` does."""
    found: list[float] = _starts(part.values).tolist()
    return found


def _starts(values: FloatArray) -> FloatArray:
    """Return where curves start, given as rows of ``values``."""
    points = values.shape[1]
    first = values[:, 0]
    if points > GRID:
        # The first point holds the first updates already.
        return first
    medians = np.array(stats.medians(_at_the_start(values)))
    if points < _FEWEST_APART:
        return medians
    lowest, highest = values[:, 1:].min(axis=1), values[:, 1:].max(axis=1)
    apart = np.maximum(lowest - first, first - highest) > highest - lowest
    return np.where(apart, first, medians)


def _at_the_start(values: FloatArray) -> FloatArray:
    """Return what curves are at the start, in places that do not depend on how many rows there are."""
    points = values.shape[1]
    if points < FEWEST_POINTS:
        return values[:, :2]
    return stats.between(values, *_first_places(points))


@lru_cache(2 * GRID)
def _first_places(points: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the points around each place at the start of a curve, and how far it is from the one to the other."""
    places = np.linspace(0.0, min(_START * (points - 1), _FIRST_UPDATES - 1), _PLACES)
    before = np.minimum(places.astype(np.int64), points - 2)
    return before, before + 1, places - before
