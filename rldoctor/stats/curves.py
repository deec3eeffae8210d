"""Statistics of curves: the median, the trend, how long something lasts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rldoctor.model import Curve, FloatArray, IntArray

# Numbers in all windows of a running median together: 32 MB, a curve of 9,000 points in windows of a twentieth.
_MAX_WINDOWED = 2**22


def median(values: FloatArray | IntArray) -> float:
    """Return the median of at least one value, NaN where one is NaN.

    That is ``np.median``, which takes six times as long for the hundred points of a curve.
    """
    ordered = np.sort(values, axis=None)
    if math.isnan(ordered[-1]):
        return math.nan
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (float(ordered[middle - 1]) + float(ordered[middle])) / 2


def means_of_parts(values: FloatArray, most: int) -> FloatArray:
    """Return the mean of each of at most ``most`` equal parts of the values (lengths differ by 0 or 1), shape ``(n,)``.

    Args:
        values: At least one, shape ``(m,)``.
        most: Stretches; as many as there are values where there are fewer.
    """
    starts, counts = _equal_parts(len(values), min(len(values), most))
    means: FloatArray = np.add.reduceat(values, starts) / counts
    return means


@lru_cache(256)
def _equal_parts(count: int, parts: int) -> tuple[IntArray, IntArray]:
    """Return where the parts of ``count`` values begin, and how long they are."""
    least, longer = divmod(count, parts)
    place = np.arange(parts)
    return place * least + np.minimum(place, longer), least + (place < longer)


def rank_correlation(x: ArrayLike, y: ArrayLike) -> float:
    """Return Spearman's rank correlation, in [-1, 1]; equal values share the mean of their ranks.

    Args:
        x: Shape ``(n,)``.
        y: Shape ``(n,)``.

    Returns:
        NaN for fewer than two points, or where ``x`` or ``y`` is constant.
    """
    xs, ys = _finite_pairs(x, y)
    if len(xs) < 2:
        return math.nan
    # Ranks from 1 to n, whatever is shared among equal values: their mean is known.
    middle = (len(xs) + 1) / 2
    a, b = _ranks(xs) - middle, _ranks(ys) - middle
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return min(max(float(a @ b) / scale, -1.0), 1.0) if scale > 0 else math.nan


def smooth(y: ArrayLike, window: int) -> FloatArray:
    """Return the centred running median.

    At the ends the window is cut off, so that the result is as long as ``y``. NaN is left out of each window and comes
    back only where a whole window is NaN; infinities count as values. Of curves with so many points, in windows so
    wide, that they would fill the memory, neighbouring points are first put together by their median.

    Args:
        y: Shape ``(n,)``.
        window: Points in the window; an even number is rounded up to the next odd one.

    Returns:
        Shape ``(n,)``.
    """
    values = np.asarray(y, dtype=np.float64)
    half = max(int(window), 1) // 2
    if half == 0 or len(values) == 0:
        return values.copy()
    # A window wider than the curve on both sides sees no more than the whole curve.
    half = min(half, len(values))
    together = math.ceil(math.sqrt(len(values) * (2 * half + 1) / _MAX_WINDOWED))
    if together > 1:
        groups = np.concatenate([values, np.full(-len(values) % together, np.nan)]).reshape(-1, together)
        return np.repeat(smooth(_middle(groups), 2 * half // together + 1), together)[: len(values)]
    padded = np.full(len(values) + 2 * half, np.nan)
    padded[half : half + len(values)] = values
    # What np.lib.stride_tricks.sliding_window_view makes, which takes as long as all of the rest.
    windows: FloatArray = np.ndarray((len(values), 2 * half + 1), np.float64, padded, strides=2 * padded.strides)
    return _middle(windows)


def _middle(rows: FloatArray) -> FloatArray:
    """Return the median of each row, shape ``(n,)``, NaN left out but where a row holds nothing else."""
    ordered = np.sort(rows, axis=1)  # NaN goes last
    count = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    row = np.arange(len(ordered))
    lower = ordered[row, np.maximum(count - 1, 0) >> 1]
    # In the middle of an odd number both are the same.
    upper = ordered[row, np.minimum(count >> 1, ordered.shape[1] - 1)]
    with np.errstate(invalid="ignore"):  # the median of -inf and inf is NaN
        middle: FloatArray = 0.5 * lower + 0.5 * upper
    return np.where(lower == upper, lower, middle)


def longest_stretch(mask: ArrayLike) -> tuple[int, int]:
    """Return ``start, stop`` (half open) of the longest unbroken stretch of True, the first of several; 0, 0 for none.

    Args:
        mask: Booleans, shape ``(n,)``.
    """
    padded = np.concatenate([[False], np.asarray(mask, dtype=np.bool_), [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    starts, stops = edges[::2], edges[1::2]
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(stops - starts))
    return int(starts[longest]), int(stops[longest])


def interpolate(steps: ArrayLike, values: ArrayLike, at: ArrayLike) -> FloatArray:
    """Return ``values`` at other steps, on straight lines between points; NaN outside ``steps``, never a guess.

    Args:
        steps: Non-decreasing, shape ``(n,)``.
        values: Shape ``(n,)``; values that are not finite are bridged.
        at: Where, shape ``(m,)``.

    Returns:
        Shape ``(m,)``.
    """
    xs, ys = _finite_pairs(steps, values)
    where = np.asarray(at, dtype=np.float64)
    if not len(xs):
        return np.full(where.shape, np.nan)
    result: FloatArray = np.interp(where, xs, ys, left=np.nan, right=np.nan)
    return result


def align(curves: Sequence[Curve], most_points: int) -> tuple[IntArray, FloatArray]:
    """Return curves at common steps: those of the first one that lie within all of them, thinned evenly.

    Args:
        curves: At least one, each with a finite value.
        most_points: Of the result.

    Returns:
        Steps of shape ``(n,)``, and values of shape ``(len(curves), n)``; ``n`` is 0 where the curves do not overlap.
    """
    curves = [curve.finite() for curve in curves]
    first, last = max(int(curve.steps[0]) for curve in curves), min(int(curve.steps[-1]) for curve in curves)
    steps = curves[0].steps[(curves[0].steps >= first) & (curves[0].steps <= last)]
    if len(steps) > most_points:
        steps = steps[np.unique(np.linspace(0, len(steps) - 1, most_points).round().astype(int))]
    return steps, np.stack([interpolate(curve.steps, curve.values, steps) for curve in curves])


def _finite_pairs(x: ArrayLike, y: ArrayLike) -> tuple[FloatArray, FloatArray]:
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if xs.shape != ys.shape:
        raise ValueError(f"x has the shape {xs.shape} and y {ys.shape}")
    keep: NDArray[np.bool_] = np.isfinite(xs) & np.isfinite(ys)
    return (xs, ys) if keep.all() else (xs[keep], ys[keep])


def _ranks(values: FloatArray) -> FloatArray:
    if (values[1:] > values[:-1]).all():  # steps are
        return np.arange(1.0, len(values) + 1)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    rises = ordered[1:] != ordered[:-1]
    ranks = np.empty(len(values))
    if rises.all():
        ranks[order] = np.arange(1.0, len(values) + 1)
        return ranks
    begins = np.flatnonzero(np.concatenate([[True], rises]))
    counts = np.append(begins[1:], len(values)) - begins
    ranks[order] = np.repeat(begins + (counts + 1) / 2, counts)
    return ranks
