"""Detectors of the shape of a curve: what the run does compared with its own past."""

from __future__ import annotations

import math

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve
from rldoctor.rulebook.case import FEWEST_POINTS, Case, start_of
from rldoctor.rulebook.detectors.detector import (
    STATISTICS,
    Graded,
    Measured,
    NotMeasured,
    Statistic,
    Window,
    during,
    part_of,
    strength,
)

_EARLY: Window = (0.0, 0.1)
_LATE: Window = (0.85, 1.0)


class Change(Graded, frozen=True, kw_only=True):
    """The metric's level late in the run against its level early: their difference, or with ``ratio`` their ratio."""

    early: Window = _EARLY
    statistic: Statistic = "median"
    ratio: bool = False

    def _quantity(self) -> str:
        what = "ratio" if self.ratio else "difference"
        return f"{what} between the {self.statistic} of {self.metric} {during(_LATE)} and that {during(self.early)}"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        early, late = part_of(curve, self.early), part_of(curve, _LATE)
        before, after = (STATISTICS[self.statistic](part.values) for part in (early, late))
        if self.ratio and before == 0:
            return NotMeasured(f"{self.metric} begins at 0")
        steps = curve.steps[curve.steps >= early.steps[0]]
        return self._found(after / before if self.ratio else after - before, steps)


class Grows(Graded, frozen=True, kw_only=True):
    """The metric's size late in the run, whatever its sign, over its size early."""

    early: Window = _EARLY
    log: bool = True

    measures = "size of {metric} in the last 15 % of the run over its size {early}"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        early, late = part_of(curve, self.early), part_of(curve, _LATE)
        before, after = (stats.median(np.abs(part.values)) for part in (early, late))
        if before == 0:
            return NotMeasured(f"{self.metric} begins at 0")
        return self._found(after / before, curve.steps[curve.steps >= early.steps[0]])


class Gain(Graded, frozen=True):
    """How much the metric has risen, as a share of the larger of its early and late magnitudes; in [-2, 2].

    Scale-free: -10 -> -1 is 0.9, 20 -> 500 is 0.96, -10 -> -40 is -0.75, no change is 0.
    """

    measures = "rise of {metric} from the first 5 % to the last 15 % of the run, as a fraction of its size"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        return self._found(_gain(curve), curve.steps)


def _gain(curve: Curve) -> float:
    before, after = start_of(curve), stats.median(part_of(curve, _LATE).values)
    size = max(abs(before), abs(after))
    return (after - before) / size if size > 0 else 0.0


class Trend(Graded, frozen=True, kw_only=True):
    """Spearman's rank correlation of the metric with the step, in [-1, 1].

    A rise or fall by less than ``least_gain`` of the metric's size is none: its correlation is 0.
    """

    window: Window = (0.0, 1.0)
    least_gain: float = 0.0

    measures = "rank correlation of {metric} with the step {window}"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        part = part_of(curve, self.window)
        if len(part) < 2 * FEWEST_POINTS:
            return NotMeasured(f"{self.metric} has too few points for a trend")
        observed = stats.rank_correlation(part.steps.astype(np.float64), part.values)
        return self._found(observed * _enough(abs(_gain(part)), self.least_gain), part.steps)


# Standard deviations that the highest of some dozen means of a few points can be off: surely, and hardly ever.
_NOISY = (2.5, 3.5)
# What is next to a limit counts in part, so that one more row does not decide: fractions of ``least_gain``. Ours.
_NEAR = (0.7, 1.0)


def _enough(gain: float, least: float) -> float:
    """Return how far a gain is large enough to count, from 0 to 1."""
    return float(gain >= least) if least <= 0 else strength(gain / least, _NEAR)


def _noise(case: Case, curve: Curve) -> float:
    """Return the standard deviation of a point about the line through two neighbours: a robust estimate.

    The neighbours are those that share no episode with it; a steady rise is no noise.
    """
    apart, y = case.rows_in_common(curve), curve.values
    if apart == 1:
        return 1.4826 * stats.median(np.abs(np.diff(y))) / math.sqrt(2.0)
    return 1.4826 * stats.median(np.abs(y[2 * apart :] - 2 * y[apart:-apart] + y[: -2 * apart])) / math.sqrt(6.0)


class Rise(Graded, frozen=True, kw_only=True):
    """How clear a rise is: late against early level, in standard deviations of the curve's ups and downs.

    A rise by less than ``least_gain`` of the metric's size, or in fewer than ``least_points`` points, is none: 0.
    """

    least_gain: float = 0.2
    least_points: int = 20

    measures = "rise of {metric} in standard deviations of its ups and downs from point to point"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        if len(curve) < self.least_points:
            return NotMeasured(f"{self.metric} has too few points for its noise")
        before, after = start_of(curve), stats.median(part_of(curve, _LATE).values)
        noise = max(_noise(case, curve), 1e-3 * max(abs(before), abs(after)))
        rise = (after - before) / noise * _enough(_gain(curve), self.least_gain) if noise > 0 else 0.0
        return self._found(rise, curve.steps)


class DropsFromPeak(Graded, frozen=True, kw_only=True):
    """How much of what was gained over the start (smoothed) is lost again at the end; 0 none, 1 all, more is worse.

    A gain smaller than ``least_gain`` of the metric's magnitude is noise, and losing noise is no symptom; nor is a fall
    that is no larger than the curve's ups and downs from point to point.
    """

    least_gain: float = 0.2

    measures = "fraction of what {metric} gained that is lost again after its peak"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        smooth = stats.smooth(curve.values, max(3, len(curve) // 20))
        at = int(np.argmax(smooth))
        peak, start = float(smooth[at]), start_of(curve)
        # What comes after a peak at the very end is no fall yet.
        last = part_of(curve, (0.92, 1.0))
        end = stats.median(last.values) if curve.steps[at] < last.steps[0] else peak
        gain, size = peak - start, max(abs(start), abs(peak))
        lost = (peak - end) / gain * _enough(gain / size, self.least_gain) if size > 0 and gain > 0 else 0.0
        noise = _noise(case, curve)
        clear = strength((peak - end) / noise, _NOISY) if noise > 0 else 1.0
        return self._found(lost * clear, curve.steps[at:])


class Share(Graded, frozen=True, kw_only=True):
    """The share of points in a window that are beyond a limit: how persistent something is."""

    above: float | None = None
    below: float | None = None
    window: Window = (0.0, 1.0)

    def _quantity(self) -> str:
        limit = f"below {self.below or 0:g}" if self.above is None else f"above {self.above:g}"
        return f"fraction of the points of {self.metric} that are {limit} {during(self.window)}"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        part = part_of(curve, self.window)
        hit = part.values > self.above if self.above is not None else part.values < (self.below or 0.0)
        return self._found(float(np.mean(hit)), part.steps[hit] if hit.any() else part.steps)


class Frozen(Graded, frozen=True, kw_only=True):
    """The longest share of the run over which the metric keeps exactly one value."""

    window: Window = (0.0, 1.0)

    as_logged = True
    measures = "longest fraction of the points of {metric} with one and the same value {window}"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        part = part_of(curve, self.window)
        start, stop = stats.longest_stretch(np.diff(part.values) == 0)
        observed = (stop - start) / max(1, len(part) - 1)
        return self._found(observed, part.steps[start : min(stop, len(part) - 1) + 1])


class Zeros(Graded, frozen=True, kw_only=True):
    """The share of points at which the metric is effectively zero: below ``tiny``."""

    tiny: float = 1e-5

    measures = "fraction of the points of {metric} that are smaller than {tiny:g}"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        return self._found(float(np.mean(np.abs(curve.values) < self.tiny)), curve.steps)


# As many points as a return takes to show where it goes; more show how it was logged.
_STRETCHES = 20


class Restless(Graded, frozen=True):
    """How far the metric travels for the ground that it covers: 1 is a straight way, or one rise and one fall.

    The ground is what a curve with a single peak or dip of that height would travel; means over twenty stretches of
    the run are looked at, so that it does not matter how often the run was logged.
    """

    as_logged = True
    measures = "total variation of {metric} over that of a curve of its height with one peak or dip"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        if len(curve) < 2 * FEWEST_POINTS:
            return NotMeasured(f"{self.metric} has too few points for a trend")
        means = np.array([part.mean() for part in np.array_split(curve.values, min(len(curve), _STRETCHES))])
        ordered = np.sort(means)
        height = stats.median(ordered[-3:]) - stats.median(ordered[:3])
        ground = 2 * height - abs(stats.median(means[-3:]) - stats.median(means[:3]))
        way = float(np.sum(np.abs(np.diff(means))))
        return self._found(way / ground if ground > 0 else (math.inf if way > 0 else 0.0), curve.steps)


class Swing(Graded, frozen=True):
    """The metric's range (5th to 95th percentile) as a share of its larger end; 0 constant, 2 swings through zero."""

    as_logged = True
    measures = "range of {metric} as a fraction of its larger end"

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        low, high = (float(np.quantile(curve.values, share)) for share in (0.05, 0.95))
        size = max(abs(low), abs(high))
        return self._found((high - low) / size if size > 0 else 0.0, curve.steps)
