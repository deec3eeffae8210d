"""Where the curves of two runs part: the first step from which they differ by more than seeds of one recipe do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rldoctor import datafile, stats
from rldoctor.datafile import Finite, Table
from rldoctor.model import Band, Curve, FloatArray, Parting, Run

# Points at which two curves are compared; references have as many.
_POINTS = 60
# A curve with fewer points shows no spread of its own.
_FEWEST = 8
# A part of the run this long must be outside, and most of what follows: one spike is none.
_STRETCH, _REST = 0.15, 0.6
# Seeds of one recipe reach the same value up to this factor of steps apart.
_WARP = 1.8
# Slack beside what the other run shows: scatters of a point, and a fraction of the range of both curves.
_SCATTERS, _SHARE = 4.0, 0.15
# Returns of one sign whose medians are further apart than this are compared by their logarithm.
_MANYFOLD = 20.0


class Distance(Table, frozen=True):
    """How far curves of a metric must be apart; ``checks/comparison.toml`` says what the keys mean."""

    least: Finite | None = None
    share: Finite | None = None
    factor: Finite | None = None
    outcome: bool = False

    def __post_init__(self) -> None:
        """Refuse two distances, or none."""
        if sum(value is not None for value in (self.least, self.share, self.factor)) != 1:
            raise ValueError("give one of least, share and factor")


class _File(Table, frozen=True):
    """``checks/comparison.toml``."""

    metrics: dict[str, Distance]
    unimportant: tuple[str, ...]


@cache
def _file() -> _File:
    return datafile.load(datafile.folder("checks") / "comparison.toml", _File)


def distances() -> Mapping[str, Distance]:
    """Return the metrics that are compared.

    Raises:
        UsageError: The file is not valid.
    """
    return _file().metrics


def unimportant() -> tuple[str, ...]:
    """Return patterns of the keys of settings files that say nothing of what is trained.

    Raises:
        UsageError: The file is not valid.
    """
    return _file().unimportant


@dataclass(frozen=True)
class _Pair:
    """Two curves at common steps, each smoothed, with the scatter of both."""

    steps: FloatArray
    good: FloatArray
    bad: FloatArray
    scatter: float


def partings(good: Run, bad: Run, bands: Mapping[str, Band]) -> list[Parting]:
    """Return where each metric of two runs parts, the first to part first.

    The spread of seeds is that of ``bands`` and, with or without them, what the runs themselves show: their scatter
    from point to point, and the values that each takes a factor of steps earlier or later.

    Args:
        good: The run that is compared with.
        bad: The run that is examined.
        bands: Of the reference of the good run; empty where there is none.
    """
    alike = good.framework == bad.framework and good.step_axis == bad.step_axis
    found = [
        parting
        for name, distance in distances().items()
        if name in good.curves and name in bad.curves and (alike or distance.outcome)
        if (parting := _parting(good.curves[name], bad.curves[name], bands.get(name), distance)) is not None
    ]
    # The order of the file breaks ties, except that what is learned from comes before what comes of it.
    outcomes = [name for name, distance in distances().items() if distance.outcome]
    return sorted(found, key=lambda one: (one.step, one.metric in outcomes))


def comparable(good: Run, bad: Run) -> bool:
    """Return whether the runs have a curve in common that is long enough."""
    return any(
        name in bad.curves and len(curve.finite()) >= _FEWEST and len(bad.curves[name].finite()) >= _FEWEST
        for name, curve in good.curves.items()
    )


def _parting(good: Curve, bad: Curve, band: Band | None, distance: Distance) -> Parting | None:
    ended = _ends_in_nan(good, bad)
    pair = _pair(good.finite(), bad.finite())
    if pair is None:
        return ended
    ours, theirs, least = _scaled(pair, distance)
    span = float(np.ptp(np.concatenate([ours, theirs])))
    scatter = pair.scatter if ours is pair.good else 0.0
    slack = max(_SCATTERS * scatter, _SHARE * span, least)
    outside = _outside(pair.steps, ours, theirs, slack) & _outside(pair.steps, theirs, ours, slack)
    if band is not None:
        outside &= _beyond(band, pair)
    start, stop = stats.longest_stretch(outside)
    if stop - start < max(3, _STRETCH * len(outside)) or outside[start:].mean() < _REST:
        return ended
    # Known to have parted, they have done so since they were last near each other.
    apart = np.abs(ours - theirs) > slack
    while start and apart[start - 1]:
        start -= 1
    return Parting(
        metric=good.metric,
        step=int(pair.steps[start]),
        good=float(np.median(pair.good[start:])),
        bad=float(np.median(pair.bad[start:])),
        from_the_start=start <= 1,
        by_band=band is not None,
    )


def _scaled(pair: _Pair, distance: Distance) -> tuple[FloatArray, FloatArray, float]:
    """Return both curves on the scale on which they are compared, and the least distance on it."""
    if distance.factor is not None:
        # The logarithm of what is not positive counts as that of the smallest value that is.
        both = np.concatenate([pair.good, pair.bad])
        floor = float(both[both > 0].min(initial=1.0))
        ours, theirs = (np.log10(np.maximum(curve, floor)) for curve in (pair.good, pair.bad))
        return ours, theirs, float(np.log10(distance.factor))
    if distance.share is not None:
        sizes = [float(np.median(np.abs(curve))) for curve in (pair.good, pair.bad)]
        if min(sizes) > 0 and max(sizes) > _MANYFOLD * min(sizes) and _one_sign(pair):
            # Rewards on another scale: a factor apart from the first point on.
            return np.log10(np.abs(pair.good)), np.log10(np.abs(pair.bad)), float(np.log10(_MANYFOLD) / 2)
        return pair.good, pair.bad, distance.share * max(sizes)
    return pair.good, pair.bad, distance.least or 0.0


def _one_sign(pair: _Pair) -> bool:
    both = np.concatenate([pair.good, pair.bad])
    return bool((both > 0).all() or (both < 0).all())


def _ends_in_nan(good: Curve, bad: Curve) -> Parting | None:
    """Return the parting of a curve that is no longer finite, where the other one is."""
    lost = np.flatnonzero(~np.isfinite(bad.values))
    if not len(lost) or lost[-1] != len(bad) - 1 or not np.isfinite(good.values).all():
        return None
    first = int(lost[0])
    value = stats.interpolate(good.steps, good.values, bad.steps[first : first + 1])[0]
    return Parting(good.metric, int(bad.steps[first]), float(value), float(bad.values[first]))


def _pair(good: Curve, bad: Curve) -> _Pair | None:
    if min(len(good), len(bad)) < _FEWEST:
        return None
    first, last = max(good.steps[0], bad.steps[0]), min(good.steps[-1], bad.steps[-1])
    if last <= first:
        return None
    steps = np.linspace(first, last, _POINTS)
    smoothed = [stats.interpolate(c.steps, stats.smooth(c.values, max(3, len(c) // 15)), steps) for c in (good, bad)]
    scatter = max(_roughness(c.values) for c in (good, bad))
    return _Pair(steps, smoothed[0], smoothed[1], scatter)


def _roughness(values: FloatArray) -> float:
    """Return the typical difference of a point from its running median."""
    rough = np.abs(values - stats.smooth(values, max(3, len(values) // 15)))
    return float(np.quantile(rough, 0.75))


def _outside(steps: FloatArray, one: FloatArray, other: FloatArray, slack: float) -> NDArray[np.bool_]:
    """Return where ``other`` is outside what ``one`` shows around the same step."""
    near = (steps[None, :] >= steps[:, None] / _WARP) & (steps[None, :] <= steps[:, None] * _WARP)
    low = np.where(near, one[None, :], np.inf).min(axis=1)
    high = np.where(near, one[None, :], -np.inf).max(axis=1)
    outside: NDArray[np.bool_] = (other < low - slack) | (other > high + slack)
    return outside


def _beyond(band: Band, pair: _Pair) -> NDArray[np.bool_]:
    """Return where the bad run is outside the band of healthy seeds, widened by half on each side."""
    low, high = (np.interp(pair.steps, band.steps, values) for values in (band.low, band.high))
    width = high - low
    beyond: NDArray[np.bool_] = (pair.bad < low - 0.5 * width) | (pair.bad > high + 0.5 * width)
    return beyond
