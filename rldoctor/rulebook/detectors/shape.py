"""Detectors of the shape of a curve: what the run does compared with its own past."""

from __future__ import annotations

import math

import numpy as np

from rldoctor import stats
from rldoctor.rulebook.case import FEWEST_POINTS, Case
from rldoctor.rulebook.detectors.detector import Graded, Measured, NotMeasured, during, strength
from rldoctor.rulebook.parts import Part, Statistic, Window
from rldoctor.rulebook.resample import start_of

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

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        early, late = curve.within(self.early), curve.within(_LATE)
        before, after = (part.statistic(self.statistic) for part in (early, late))
        if self.ratio and before == 0:
            return NotMeasured(f"{self.metric} begins at 0")
        steps = early.ends[0], curve.ends[1]
        return self._found(after / before if self.ratio else after - before, steps)


class Grows(Graded, frozen=True, kw_only=True):
    """The metric's size late in the run, whatever its sign, over its size early."""

    early: Window = _EARLY
    log: bool = True

    measures = "size of {metric} in the last 15 % of the run over its size {early}"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        early, late = curve.within(self.early), curve.within(_LATE)
        before, after = (part.known("size", _size) for part in (early, late))
        if before == 0:
            return NotMeasured(f"{self.metric} begins at 0")
        return self._found(after / before, (early.ends[0], curve.ends[1]))


def _size(part: Part) -> float:
    return stats.median(np.abs(part.values))


class Gain(Graded, frozen=True, kw_only=True):
    """How much the metric has risen, as a share of the larger of its early and late magnitudes; in [-2, 2].

    Scale-free: -10 -> -1 is 0.9, 20 -> 500 is 0.96, -10 -> -40 is -0.75, no change is 0. With ``clear`` a change that
    is no larger than the curve's own ups and downs is none.
    """

    clear: bool = False

    always = True
    measures = "rise of {metric} from the first 5 % to the last 15 % of the run, as a fraction of its size"

    def _quantity(self) -> str:
        return super()._quantity() + (", where it is more than its ups and downs" if self.clear else "")

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        gain = curve.known("gain", _gain)
        if not self.clear:
            return self._found(gain, curve.ends)
        noise, change = _noise(case, curve), abs(curve.within(_LATE).median - curve.known("start", start_of))
        return self._found(gain * strength(change / noise, _CLEAR) if noise > 0 else gain, curve.ends)


def _gain(curve: Part) -> float:
    before, after = curve.known("start", start_of), curve.within(_LATE).median
    size = max(abs(before), abs(after))
    return (after - before) / size if size > 0 else 0.0


class Trend(Graded, frozen=True, kw_only=True):
    """Spearman's rank correlation of the metric with the step, in [-1, 1].

    A rise or fall by less than ``least_gain`` of the metric's size is none: its correlation is 0.
    """

    window: Window = (0.0, 1.0)
    least_gain: float = 0.0

    measures = "rank correlation of {metric} with the step {window}"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        part = curve.within(self.window)
        if len(part) < 2 * FEWEST_POINTS:
            return NotMeasured(f"{self.metric} has too few points for a trend")
        moved = _enough(abs(part.known("gain", _gain)), self.least_gain)
        return self._found(moved * part.known("trend", _trend) if moved > 0 else 0.0, part.ends)


def _trend(part: Part) -> float:
    return stats.rank_correlation(part.steps, part.values)


# Standard deviations that the highest of some dozen means of a few points can be off: surely, and hardly ever.
_NOISY = (2.5, 3.5)
# A change from the start to the end is none, and one without a doubt, from so many of them on. Ours.
_CLEAR = (1.0, 2.5)
# What is next to a limit counts in part, so that one more row does not decide: fractions of ``least_gain``. Ours.
_NEAR = (0.7, 1.0)


def _enough(gain: float, least: float) -> float:
    """Return how far a gain is large enough to count, from 0 to 1."""
    return float(gain >= least) if least <= 0 else strength(gain / least, _NEAR)


def _noise(case: Case, curve: Part) -> float:
    """Return the standard deviation of a point about the line through two neighbours: a robust estimate.

    The neighbours are those that share no episode with it; a steady rise is no noise.
    """
    return curve.known("noise", lambda curve: _ups_and_downs(curve, case.rows_in_common(curve)))


def _ups_and_downs(curve: Part, apart: int) -> float:
    y = curve.values
    if apart == 1:
        return 1.4826 * stats.median(np.abs(y[1:] - y[:-1])) / math.sqrt(2.0)
    return 1.4826 * stats.median(np.abs(y[2 * apart :] - 2 * y[apart:-apart] + y[: -2 * apart])) / math.sqrt(6.0)


class Rise(Graded, frozen=True, kw_only=True):
    """How clear a rise is: late against early level, in standard deviations of the curve's ups and downs.

    A rise by less than ``least_gain`` of the metric's size, or in fewer than ``least_points`` points, is none: 0.
    """

    least_gain: float = 0.2
    least_points: int = 20

    measures = "rise of {metric} in standard deviations of its ups and downs from point to point"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        if len(curve) < self.least_points:
            return NotMeasured(f"{self.metric} has too few points for its noise")
        before, after = curve.known("start", start_of), curve.within(_LATE).median
        noise = max(_noise(case, curve), 1e-3 * max(abs(before), abs(after)))
        clear = _enough(curve.known("gain", _gain), self.least_gain)
        return self._found((after - before) / noise * clear if noise > 0 else 0.0, curve.ends)


class DropsFromPeak(Graded, frozen=True, kw_only=True):
    """How much of what was gained over the start (smoothed) is lost again at the end; 0 none, 1 all, more is worse.

    A gain smaller than ``least_gain`` of the metric's magnitude is noise, and losing noise is no symptom; nor is a fall
    that is no larger than the curve's ups and downs from point to point. With ``below_start`` a fall below the start
    counts as well, as a fraction of the metric's size: a run may be at its best before its first update.
    """

    least_gain: float = 0.2
    below_start: bool = False

    always = True
    measures = "fraction of what {metric} gained that is lost again after its peak"

    def _quantity(self) -> str:
        return super()._quantity() + (", or of its size that is lost since the start" if self.below_start else "")

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        at, peak = curve.known("peak", _peak)
        start = curve.known("start", start_of)
        # What comes after a peak at the very end is no fall yet.
        last = curve.within((0.92, 1.0))
        highest = int(curve.steps[at])
        end = last.median if highest < last.ends[0] else peak
        gain, size = peak - start, max(abs(start), abs(peak))
        lost = (peak - end) / gain * _enough(gain / size, self.least_gain) if size > 0 and gain > 0 else 0.0
        noise = _noise(case, curve)
        clear = strength((peak - end) / noise, _NOISY) if noise > 0 else 1.0
        fallen = -curve.known("gain", _gain) if self.below_start else 0.0
        if fallen > lost * clear:
            return self._found(fallen, curve.ends)
        return self._found(lost * clear, (highest, curve.ends[1]))


def _peak(curve: Part) -> tuple[int, float]:
    """Return the place and the height of the peak of a smoothed curve."""
    smooth = stats.smooth(curve.values, max(3, len(curve) // 20))
    at = int(np.argmax(smooth))
    return at, float(smooth[at])


class Share(Graded, frozen=True, kw_only=True):
    """The share of points in a window that are beyond a limit: how persistent something is."""

    above: float | None = None
    below: float | None = None
    window: Window = (0.0, 1.0)

    always = True

    def _quantity(self) -> str:
        limit = f"below {self.below or 0:g}" if self.above is None else f"above {self.above:g}"
        return f"fraction of the points of {self.metric} that are {limit} {during(self.window)}"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        part = curve.within(self.window)
        hit = part.values > self.above if self.above is not None else part.values < (self.below or 0.0)
        where = np.flatnonzero(hit)
        steps = (int(part.steps[where[0]]), int(part.steps[where[-1]])) if len(where) else part.ends
        return self._found(len(where) / len(part), steps)


class Frozen(Graded, frozen=True, kw_only=True):
    """The longest share of the run over which the metric keeps exactly one value."""

    window: Window = (0.0, 1.0)

    as_logged = always = True
    measures = "longest fraction of the points of {metric} with one and the same value {window}"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        part = curve.within(self.window)
        start, stop = stats.longest_stretch(part.values[1:] == part.values[:-1])
        observed = (stop - start) / max(1, len(part) - 1)
        return self._found(observed, (int(part.steps[start]), int(part.steps[min(stop, len(part) - 1)])))


class Zeros(Graded, frozen=True, kw_only=True):
    """The share of points at which the metric is effectively zero: below ``tiny``."""

    tiny: float = 1e-5

    always = True
    measures = "fraction of the points of {metric} that are smaller than {tiny:g}"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        return self._found(int(np.count_nonzero(np.abs(curve.values) < self.tiny)) / len(curve), curve.ends)


# As many points as a return takes to show where it goes; more show how it was logged.
_STRETCHES = 20


class Restless(Graded, frozen=True):
    """How far the metric travels for the ground that it covers: 1 is a straight way, or one rise and one fall.

    The ground is what a curve with a single peak or dip of that height would travel; means over twenty stretches of
    the run are looked at, so that it does not matter how often the run was logged.
    """

    as_logged = True
    measures = "total variation of {metric} over that of a curve of its height with one peak or dip"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        if len(curve) < 2 * FEWEST_POINTS:
            return NotMeasured(f"{self.metric} has too few points for a trend")
        way, ground = curve.known("way", _way)
        return self._found(way / ground if ground > 0 else (math.inf if way > 0 else 0.0), curve.ends)


def _way(curve: Part) -> tuple[float, float]:
    """Return how far the means over stretches of a curve travel, and the ground that they cover."""
    means = stats.means_of_parts(curve.values, _STRETCHES)
    ordered = np.sort(means)
    height = stats.median(ordered[-3:]) - stats.median(ordered[:3])
    ground = 2 * height - abs(stats.median(means[-3:]) - stats.median(means[:3]))
    return float(np.add.reduce(np.abs(means[1:] - means[:-1]))), ground


class Swing(Graded, frozen=True):
    """The metric's range (5th to 95th percentile) as a share of its larger end; 0 constant, 2 swings through zero."""

    as_logged = always = True
    measures = "range of {metric} as a fraction of its larger end"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        low, high = curve.quantile(0.05), curve.quantile(0.95)
        size = max(abs(low), abs(high))
        return self._found((high - low) / size if size > 0 else 0.0, curve.ends)
