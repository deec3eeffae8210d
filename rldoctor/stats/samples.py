"""Statistics of several runs or episodes, and how certain they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rldoctor.model import FloatArray


class Interval(NamedTuple):
    """A confidence interval, ``low <= high``; NaN where there is no data."""

    low: float
    high: float


def iqm(x: ArrayLike) -> float:
    """Return the interquartile mean: the mean without the lowest and the highest quarter (rounded down) of the values.

    Source: Agarwal 2021, "Deep RL at the edge of the statistical precipice"; the same as
    ``scipy.stats.trim_mean(x, 0.25)``, which rliable uses.

    Returns:
        NaN for no finite value.
    """
    values = np.sort(_finite(x))
    cut = len(values) // 4
    return float(values[cut : len(values) - cut].mean()) if len(values) else math.nan


def stratified_interval(
    strata: Sequence[ArrayLike],
    statistic: Callable[[FloatArray], float] = iqm,
    level: float = 0.95,
    n: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the percentile bootstrap interval of ``statistic`` over all values, resampled within each stratum.

    A stratum is what a sweep holds fixed, such as the environment: that one environment is harder than another is not
    chance, and does not widen the interval. With fewer than about eight values the interval is too narrow (Henderson
    2018 asks for five seeds and more for that reason).

    Source: Agarwal 2021, "Deep RL at the edge of the statistical precipice", section 4.1.

    Args:
        strata: Shape ``(m_i,)`` each; those without a value are left out.
        statistic: A number for all resampled values together.
        level: Confidence, in (0, 1).
        n: Resamples.
        seed: Of the resampling.
    """
    kept = [values for values in map(_finite, strata) if len(values)]
    if not kept:
        return Interval(math.nan, math.nan)
    draw = np.random.default_rng(seed)
    results = [
        statistic(np.concatenate([values[draw.integers(0, len(values), len(values))] for values in kept]))
        for _ in range(n)
    ]
    low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def probability_of_improvement(x: ArrayLike, y: ArrayLike) -> float:
    """Return the probability that a value of ``x`` is larger than one of ``y``, equal ones counted half.

    That is Mann and Whitney's U divided by the number of pairs; 0.5 means no difference, and how large a difference is
    does not matter. Source: Agarwal 2021, "Deep RL at the edge of the statistical precipice", section 4.3.

    Args:
        x: Shape ``(n,)``.
        y: Shape ``(m,)``.

    Returns:
        In [0, 1]; NaN where either has no finite value.
    """
    mine, theirs = _finite(x), np.sort(_finite(y))
    if not len(mine) or not len(theirs):
        return math.nan
    below, not_above = (np.searchsorted(theirs, mine, side=side) for side in ("left", "right"))
    return float((below + not_above).sum() / (2 * len(mine) * len(theirs)))


def improvement_interval(
    x: Sequence[ArrayLike], y: Sequence[ArrayLike], level: float = 0.95, n: int = 2000, seed: int = 0
) -> Interval:
    """Return the percentile bootstrap interval of the mean over strata of :func:`probability_of_improvement`.

    Args:
        x: A stratum each, shape ``(n_i,)``.
        y: The same strata, shape ``(m_i,)``; a stratum that is empty on either side is left out.
        level: Confidence, in (0, 1).
        n: Resamples.
        seed: Of the resampling.

    Raises:
        ValueError: Not as many strata on both sides.
    """
    pairs = [(_finite(a), _finite(b)) for a, b in zip(x, y, strict=True)]
    kept = [(a, b) for a, b in pairs if len(a) and len(b)]
    if not kept:
        return Interval(math.nan, math.nan)
    draw = np.random.default_rng(seed)

    def resampled(values: FloatArray) -> FloatArray:
        return values[draw.integers(0, len(values), len(values))]

    results = [
        sum(probability_of_improvement(resampled(a), resampled(b)) for a, b in kept) / len(kept) for _ in range(n)
    ]
    low, high = np.quantile(results, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


class IqmBand(NamedTuple):
    """Interquartile mean and its bootstrap interval at each of several points, shape ``(points,)`` each."""

    middle: FloatArray
    low: FloatArray
    high: FloatArray


def iqm_band(table: ArrayLike, level: float = 0.95, n: int = 1000, seed: int = 0) -> IqmBand:
    """Return the interquartile mean over runs and its percentile bootstrap interval, at each point of their curves.

    Whole runs are resampled, so that neighbouring points belong together.

    Args:
        table: Shape ``(runs, points)``, all finite.
        level: Confidence, in (0, 1).
        n: Resamples.
        seed: Of the resampling.

    Raises:
        ValueError: There is no run, or a value is not finite.
    """
    values = np.atleast_2d(np.asarray(table, dtype=np.float64))
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("a band needs runs with finite values")
    runs = len(values)
    cut = runs // 4
    drawn = np.random.default_rng(seed).integers(0, runs, (n, runs))
    resampled = np.sort(values[drawn], axis=1)[:, cut : runs - cut].mean(axis=1)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return IqmBand(np.sort(values, axis=0)[cut : runs - cut].mean(axis=0), low, high)


class Gap(NamedTuple):
    """How much a mean fell: as measured, and at least, with the confidence that was asked for."""

    mean: float
    low: float


def bootstrap_gap(before: ArrayLike, after: ArrayLike, level: float, n: int = 5000, seed: int = 0) -> Gap:
    """Return by how much the mean of ``after`` is below that of ``before``, with its one-sided lower bound.

    Rows are runs and columns are episodes that all runs played. Each resample draws runs on either side, and the
    same episodes for both: the variation between trainings and that between episodes both widen the bound, and what is
    hard about an episode for all runs does not. A side of one run has no variation between trainings.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap" (percentile interval); resampling both levels
    follows Agarwal 2021, "Deep RL at the edge of the statistical precipice".

    Args:
        before: Shape ``(runs, episodes)``.
        after: Shape ``(runs, episodes)`` with as many columns.
        level: Confidence of the lower bound, in (0, 1).
        n: Resamples.
        seed: Of the resampling.

    Raises:
        ValueError: The shapes do not fit, or there is nothing to compare.
    """
    first, second = np.atleast_2d(np.asarray(before, dtype=float)), np.atleast_2d(np.asarray(after, dtype=float))
    if first.shape[1] != second.shape[1] or not first.size or not second.size:
        raise ValueError(f"shapes {first.shape} and {second.shape} cannot be compared")
    draw = np.random.default_rng(seed)
    episodes = draw.multinomial(first.shape[1], np.full(first.shape[1], 1 / first.shape[1]), size=n)

    def means(table: FloatArray) -> FloatArray:
        runs = draw.multinomial(len(table), np.full(len(table), 1 / len(table)), size=n)
        drawn = np.einsum("br,re,be->b", runs, table, episodes, optimize=True)
        return np.asarray(drawn / table.size)

    gaps = means(first) - means(second)
    return Gap(float(first.mean() - second.mean()), float(np.quantile(gaps, 1 - level)))


class Share(NamedTuple):
    """A share, and its interval; NaN where it cannot be computed."""

    share: float
    low: float
    high: float


def bootstrap_share(
    part: ArrayLike,
    whole: ArrayLike,
    floor: ArrayLike,
    *,
    paired: bool,
    own_floor: ArrayLike | None = None,
    level: float = 0.95,
    n: int = 2000,
    seed: int = 0,
) -> Share:
    """Return the share of ``whole``'s gain over ``floor`` that ``part`` has, in means, with its percentile interval.

    Source: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 13.

    Args:
        part: Shape ``(m,)``.
        whole: Shape ``(n,)``, with a mean above that of ``floor``.
        floor: Shape ``(k,)``.
        paired: Whether the values of ``part`` and ``whole`` belong together, and are drawn together.
        own_floor: What ``part``'s own gain is over, where that is not ``floor``; shape ``(j,)``.
        level: Confidence, in (0, 1).
        n: Resamples; those without a gain are left out.
        seed: Of the resampling.
    """
    mine, theirs, base = (np.asarray(values, dtype=np.float64) for values in (part, whole, floor))
    own = base if own_floor is None else np.asarray(own_floor, dtype=np.float64)
    gain = float(theirs.mean() - base.mean())
    if not gain > 0:
        return Share(math.nan, math.nan, math.nan)
    draw = np.random.default_rng(seed)
    of_whole = draw.integers(0, len(theirs), (n, len(theirs)))
    of_part = of_whole if paired else draw.integers(0, len(mine), (n, len(mine)))
    floors = base[draw.integers(0, len(base), (n, len(base)))].mean(axis=1)
    own_floors = floors if own_floor is None else own[draw.integers(0, len(own), (n, len(own)))].mean(axis=1)
    gains = theirs[of_whole].mean(axis=1) - floors
    kept = (mine[of_part].mean(axis=1) - own_floors)[gains > 0] / gains[gains > 0]
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2]) if len(kept) else (math.nan, math.nan)
    return Share(float(mine.mean() - own.mean()) / gain, float(low), float(high))


def _finite(x: ArrayLike) -> FloatArray:
    values = np.asarray(x, dtype=np.float64)
    return values[np.isfinite(values)]
