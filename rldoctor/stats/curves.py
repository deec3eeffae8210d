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
    ordered = values.flatten()
    ordered.sort()
    if math.isnan(ordered[-1]):
        return math.nan
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return (float(ordered[middle - 1]) + float(ordered[middle])) / 2


def medians(rows: FloatArray) -> list[float]:
    """Return the median of each row, which has at least one value; NaN where one is NaN.

    Args:
        rows: Shape ``(rows, n)``.
    """
    ordered = np.sort(rows, axis=1)
    middle, odd = divmod(rows.shape[1], 2)
    last: list[float] = ordered[:, -1].tolist()
    upper: list[float] = ordered[:, middle].tolist()
    if odd:
        return [b if c == c else math.nan for b, c in zip(upper, last, strict=True)]
    lower: list[float] = ordered[:, middle - 1].tolist()
    return [(a + b) / 2 if c == c else math.nan for a, b, c in zip(lower, upper, last, strict=True)]


def means_of_parts(values: FloatArray, most: int) -> FloatArray:
    """Return the mean of each of at most ``most`` equal parts of the values (lengths differ by 0 or 1).

    Args:
        values: At least one along the last axis, shape ``(..., m)``.
        most: Stretches; as many as there are values where there are fewer.

    Returns:
        Shape ``(..., n)``.
    """
    count = values.shape[-1]
    starts, counts = _equal_parts(count, min(count, most))
    means: FloatArray = np.add.reduceat(values, starts, axis=-1) / counts
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


def rank_correlations(x: FloatArray | IntArray, rows: FloatArray) -> list[float]:
    """Return what :func:`rank_correlation` returns of ``x`` and each of ``rows``, in little more time than of one.

    Args:
        x: Rising, shape ``(n,)``, as the steps of a curve are.
        rows: Shape ``(rows, n)``.
    """
    count = len(x)
    order = np.argsort(rows, axis=1, kind="stable")
    ordered = np.take_along_axis(rows, order, 1)
    # Equal values share ranks, and what is not finite is left out: rare enough for one by one.
    rising = (ordered[:, 1:] > ordered[:, :-1]).all(axis=1)
    plain: list[bool] = np.asarray(rising & np.isfinite(ordered[:, [0, -1]]).all(axis=1)).tolist()
    if count < 2 or not (x[1:] > x[:-1]).all() or not any(plain):
        return [rank_correlation(x, row) for row in rows]
    centred = np.arange(1.0, count + 1) - (count + 1) / 2
    # Whole and half numbers, whose sums are exact: the row with rank r stands where the order says.
    scale = float(centred @ centred)
    found: list[float] = (centred[order] @ centred / scale).tolist()
    return [
        min(max(number, -1.0), 1.0) if is_plain else rank_correlation(x, row)
        for number, is_plain, row in zip(found, plain, rows, strict=True)
    ]


def smooth(y: ArrayLike, window: int) -> FloatArray:
    """Return the centred running median.

    At the ends the window is cut off, so that the result is as long as ``y``. NaN is left out of each window and comes
    back only where a whole window is NaN; infinities count as values. Of curves with so many points, in windows so
    wide, that they would fill the memory, neighbouring points are first put together by their median.

    Args:
        y: One curve, shape ``(n,)``, or several, shape ``(rows, n)``.
        window: Points in the window; an even number is rounded up to the next odd one.

    Returns:
        The shape of ``y``.
    """
    values = np.asarray(y, dtype=np.float64)
    half = max(int(window), 1) // 2
    if half == 0 or values.size == 0:
        return values.copy()
    rows, count = np.atleast_2d(values), values.shape[-1]
    # A window wider than the curve on both sides sees no more than the whole curve.
    half = min(half, count)
    together = math.ceil(math.sqrt(count * (2 * half + 1) / _MAX_WINDOWED))
    if together > 1:
        return np.array([_smooth_in_groups(row, half, together) for row in rows]).reshape(values.shape)
    if len(rows) > 1 and rows.size * (2 * half + 1) > _MAX_WINDOWED:
        return np.array([smooth(row, window) for row in rows])
    padded = np.full((len(rows), count + 2 * half), np.nan)
    padded[:, half : half + count] = rows
    # What np.lib.stride_tricks.sliding_window_view makes, which takes as long as all of the rest.
    shape, strides = (len(rows), count, 2 * half + 1), (*padded.strides, padded.strides[1])
    windows: FloatArray = np.ndarray(shape, np.float64, padded, strides=strides)
    return _middle(windows.reshape(-1, 2 * half + 1)).reshape(values.shape)


def _smooth_in_groups(values: FloatArray, half: int, together: int) -> FloatArray:
    groups = np.concatenate([values, np.full(-len(values) % together, np.nan)]).reshape(-1, together)
    return np.repeat(smooth(_middle(groups), 2 * half // together + 1), together)[: len(values)]


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


def between(values: FloatArray, before: IntArray, after: IntArray, way: FloatArray) -> FloatArray:
    """Return what curves are on the lines between their points; between equal numbers that number, to the last bit.

    Args:
        values: Rows, shape ``(rows, n)``.
        before: The point before each place, shape ``(m,)``.
        after: The point after it.
        way: How far it is from the one to the other, in [0, 1].

    Returns:
        Shape ``(rows, m)``.
    """
    left, right = values[:, before], values[:, after]
    found: FloatArray = np.where(left == right, left, left * (1.0 - way) + right * way)
    return found


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
