"""What a curve is without its ups and downs, and how large these are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rldoctor import stats
from rldoctor.model import FloatArray
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.parts import Part

# A curve is smoothed over a twentieth of its points, at least over three, and over no more of the run than three of 30
# points are. Ours.
_SMOOTHED, _MANY = 20, 30


def smoothed(curve: Part) -> FloatArray:
    """Return the running median of each curve, over the same part of the run however few points it has.

    Of fewer than 30 points the neighbours are taken from the lines to them, as near as those of 30 would be: a median
    of whole neighbours would hide a peak, or a fall at the end, that more points show.
    """
    values, points = curve.values, len(curve)
    if points >= _MANY or points < 3:
        return stats.smooth(values, max(3, points // _SMOOTHED))
    steps = (points - 1) / (_MANY - 1) * (values[:, 1:] - values[:, :-1])
    earlier, later = values[:, 1:] - steps, values[:, :-1] + steps
    around = np.stack([earlier[:, :-1], values[:, 1:-1], later[:, 1:]])
    first, last = (values[:, :1] + later[:, :1]) / 2, (values[:, -1:] + earlier[:, -1:]) / 2
    return np.concatenate([first, np.sort(around, axis=0)[1], last], axis=1)


def peaks_of(curve: Part) -> list[tuple[int, float]]:
    """Return the step and the height of the peak of each smoothed curve."""
    smooth = smoothed(curve)
    at = np.argmax(smooth, axis=1)
    heights = smooth[np.arange(len(at)), at]
    return list(zip(curve.steps[at].tolist(), heights.tolist(), strict=True))


def noises(stack: Stack, curve: Part) -> list[float]:
    """Return the standard deviation of a point about the line through two neighbours: a robust estimate.

    The neighbours are those that share no episode with it; a steady rise is no noise.
    """
    return curve.known("noise", lambda curve: _ups_and_downs(curve, stack.rows_in_common(curve)))


def doubts(stack: Stack, curve: Part) -> list[float]:
    """Return the standard deviation of a change since the start, over the square root of 2, as that of a point."""
    both = zip(noises(stack, curve), stack.scatter_at_start(curve), strict=True)
    return [noise * math.sqrt((1.0 + scatter**2) / 2.0) for noise, scatter in both]


def _ups_and_downs(curve: Part, rows_apart: Sequence[int]) -> list[float]:
    found = [0.0] * len(rows_apart)
    for apart in set(rows_apart):
        places = [place for place, rows in enumerate(rows_apart) if rows == apart]
        y = curve.values if len(places) == len(rows_apart) else curve.values[places]
        if apart == 1:
            off, points = np.abs(y[:, 1:] - y[:, :-1]), 2.0
        else:
            off, points = np.abs(y[:, 2 * apart :] - 2 * y[:, apart:-apart] + y[:, : -2 * apart]), 6.0
        for place, middle in zip(places, stats.medians(off), strict=True):
            found[place] = 1.4826 * middle / math.sqrt(points)
    return found
