"""Statistics of curves: the median, the trend, how long something lasts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rldoctor.model import Curve, FloatArray, IntArray

# Numbers in all windows of a running median together: 32 MB, a curve of 9,000 points in windows of a twentieth.
_MAX_WINDOWED = 2**22


def median(values: FloatArray) -> float:
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
    parts = min(len(values), most)
    least, longer = divmod(len(values), parts)
    starts = np.arange(parts) * least + np.minimum(np.arange(parts), longer)
    counts = least + (np.arange(parts) < longer)
    means: FloatArray = np.add.reduceat(values, starts) / counts
    return means


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
    a, b = _ranks(xs), _ranks(ys)
    a, b = a - a.mean(), b - b.mean()
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
    padded = np.concatenate([np.full(half, np.nan), values, np.full(half, np.nan)])
    return _middle(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1))


def _middle(rows: FloatArray) -> FloatArray:
    """Return the median of each row, shape ``(n,)``, NaN left out but where a row holds nothing else."""
    ordered = np.sort(rows, axis=1)  # NaN goes last
    count = (~np.isnan(ordered)).sum(axis=1)
    row = np.arange(len(ordered))
    lower = ordered[row, np.maximum(count - 1, 0) // 2]
    upper = ordered[row, count // 2]
    upper = np.where(count % 2 == 1, lower, upper)
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
    return xs[keep], ys[keep]


def _ranks(values: FloatArray) -> FloatArray:
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(begins, append=len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(begins + (counts + 1) / 2, counts)
    return ranks
