"""Detectors of the shape of a curve: what the run does compared with its own past."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rldoctor import stats
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.detectors.detector import Found, Graded, NotMeasured, during, strength
from rldoctor.rulebook.detectors.scatter import doubts, noises, peaks_of
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.parts import Part, Statistic, Window
from rldoctor.rulebook.resample import starts_of

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

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        early, late = curve.evenly(self.early), curve.evenly(_LATE)
        before, after = (part.statistics(self.statistic) for part in (early, late))
        steps = early.ends[0], curve.ends[1]
        if self.ratio:
            return _of_ratios(self, before, after, steps)
        return self._found([late - early for early, late in zip(before, after, strict=True)], steps)


def _of_ratios(
    condition: Graded, before: Sequence[float], after: Sequence[float], steps: tuple[int, int]
) -> list[Found]:
    """Return what the ratio of late to early levels comes to, where the early one is not 0."""
    zeros = [place for place, level in enumerate(before) if level == 0]
    found = condition._found([b / a if a != 0 else math.nan for a, b in zip(before, after, strict=True)], steps)
    for place in zeros:
        found[place] = NotMeasured(f"{condition.metric} begins at 0")
    return found


class Grows(Graded, frozen=True, kw_only=True):
    """The metric's size late in the run, whatever its sign, over its size early."""

    early: Window = _EARLY
    log: bool = True

    measures = "size of {metric} in the last 15 % of the run over its size {early}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        early, late = curve.evenly(self.early), curve.evenly(_LATE)
        before, after = (part.known("size", _sizes) for part in (early, late))
        return _of_ratios(self, before, after, (early.ends[0], curve.ends[1]))


def _sizes(part: Part) -> list[float]:
    return stats.medians(np.abs(part.values))


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

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        gains = curve.known("gain", _gains)
        if not self.clear:
            return self._found(gains, curve.ends)
        rows = zip(
            gains, noises(stack, curve), curve.known("start", starts_of), curve.evenly(_LATE).medians, strict=True
        )
        clear = [
            gain * strength(abs(after - before) / noise, _CLEAR) if noise > 0 else gain
            for gain, noise, before, after in rows
        ]
        return self._found(clear, curve.ends)


def _gains(curve: Part) -> list[float]:
    return [_gain(*row) for row in zip(curve.known("start", starts_of), curve.evenly(_LATE).medians, strict=True)]


def _gain(before: float, after: float) -> float:
    size = max(abs(before), abs(after))
    return (after - before) / size if size > 0 else 0.0


class Trend(Graded, frozen=True, kw_only=True):
    """Spearman's rank correlation of the metric with the step, in [-1, 1].

    A rise or fall by less than ``least_gain`` of the metric's size is none: its correlation is 0.
    """

    window: Window = (0.0, 1.0)
    least_gain: float = 0.0

    measures = "rank correlation of {metric} with the step {window}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        part = curve.within(self.window)
        if len(part) < 2 * FEWEST_POINTS:
            return stack.same(NotMeasured(f"{self.metric} has too few points for a trend"))
        moved = [_enough(abs(gain), self.least_gain) for gain in part.known("gain", _gains)]
        trends = part.known("trend", _trends) if any(moved) else stack.same(0.0)
        observed = [share * trend if share > 0 else 0.0 for share, trend in zip(moved, trends, strict=True)]
        return self._found(observed, part.ends)


def _trends(part: Part) -> list[float]:
    return stats.rank_correlations(part.steps, part.values)


# Standard deviations that the highest of some dozen means of a few points can be off: surely, and hardly ever.
_NOISY = (2.5, 3.5)
# A change from the start to the end is none, and one without a doubt, from so many of them on. Ours.
_CLEAR = (1.5, 3.0)
# Of Gaussian noise alone 1 run in 1,000 rises by 3.8 deviations in 20 points, and by 6.7 in 10: by 4.2 once that is
# divided by 2 to the power of two thirds. In 12 and 15, divided alike, by 4.0 and 3.8.
_SURE = 20
# What is next to a limit counts in part, so that one more row does not decide: fractions of ``least_gain``. Ours.
_NEAR = (0.7, 1.0)


def _enough(gain: float, least: float) -> float:
    """Return how far a gain is large enough to count, from 0 to 1."""
    return float(gain >= least) if least <= 0 else strength(gain / least, _NEAR)


class Rise(Graded, frozen=True, kw_only=True):
    """How clear a rise is: late against early level, in standard deviations of the curve's ups and downs.

    A fall is negative; a change by less than ``least_gain`` of its size is 0. It takes ``least_points`` points. What
    fewer than 20 show counts for less, as chance reaches more with them.
    """

    least_gain: float = 0.2
    least_points: int = 10

    measures = "rise of {metric} in standard deviations of its ups and downs from point to point"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        if len(curve) < self.least_points:
            return stack.same(NotMeasured(f"{self.metric} has too few points for its noise"))
        levels = curve.known("start", starts_of), curve.evenly(_LATE).medians
        rows = zip(*levels, doubts(stack, curve), curve.known("gain", _gains), strict=True)
        sure = min(len(curve) / _SURE, 1.0) ** (2 / 3)
        return self._found([sure * self._rise(*row) for row in rows], curve.ends)

    def _rise(self, before: float, after: float, noise: float, gain: float) -> float:
        noise = max(noise, 1e-3 * max(abs(before), abs(after)))
        return (after - before) / noise * _enough(abs(gain), self.least_gain) if noise > 0 else 0.0


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

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        # What comes after a peak at the very end is no fall yet.
        last = curve.evenly((0.92, 1.0))
        begun, ends = last.ends[0], curve.ends
        rows = zip(
            *(curve.known("peak", peaks_of), curve.known("start", starts_of), last.medians),
            *(noises(stack, curve), curve.known("gain", _gains)),
            strict=True,
        )
        observed, steps = [], []
        for (highest, peak), start, late, noise, gain in rows:
            end = late if highest < begun else peak
            lost = self._lost(start, peak, end, noise)
            fallen = -gain if self.below_start else 0.0
            observed.append(max(lost, fallen))
            steps.append(ends if fallen > lost else (highest, ends[1]))
        return self._found_at(observed, steps)

    def _lost(self, start: float, peak: float, end: float, noise: float) -> float:
        """Return how much of what was gained up to the peak is lost, and no ups and downs."""
        gain, size = peak - start, max(abs(start), abs(peak))
        if not (size > 0 and gain > 0):
            return 0.0
        clear = strength((peak - end) / noise, _NOISY) if noise > 0 else 1.0
        return (peak - end) / gain * _enough(gain / size, self.least_gain) * clear


# As many points as a return takes to show where it goes; more show how it was logged.
_STRETCHES = 20


class Restless(Graded, frozen=True):
    """How far the metric travels for the ground that it covers: 1 is a straight way, or one rise and one fall.

    The ground is what a curve with a single peak or dip of that height would travel; means over twenty stretches of
    the run are looked at, so that it does not matter how often the run was logged.
    """

    as_logged = True
    measures = "total variation of {metric} over that of a curve of its height with one peak or dip"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        if len(curve) < 2 * FEWEST_POINTS:
            return stack.same(NotMeasured(f"{self.metric} has too few points for a trend"))
        ways = curve.known("way", _ways)
        return self._found(
            [way / ground if ground > 0 else (math.inf if way > 0 else 0.0) for way, ground in ways], curve.ends
        )


def _ways(curve: Part) -> list[tuple[float, float]]:
    """Return how far the means over stretches of each curve travel, and the ground that they cover."""
    means = stats.means_of_parts(curve.values, _STRETCHES)
    ordered = np.sort(means, axis=1)
    highest, lowest, last, first = (
        stats.medians(of) for of in (ordered[:, -3:], ordered[:, :3], means[:, -3:], means[:, :3])
    )
    travelled: list[float] = np.add.reduce(np.abs(means[:, 1:] - means[:, :-1]), axis=1).tolist()
    rows = zip(travelled, highest, lowest, last, first, strict=True)
    return [(way, 2 * (high - low) - abs(end - start)) for way, high, low, end, start in rows]


class Swing(Graded, frozen=True):
    """The metric's range (5th to 95th percentile) as a share of its larger end; 0 constant, 2 swings through zero."""

    as_logged = always = True
    measures = "range of {metric} as a fraction of its larger end"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        return self._found(curve.known("swing", _swings), curve.ends)


def _swings(curve: Part) -> list[float]:
    return [_swing(low, high) for low, high in zip(curve.quantiles(0.05), curve.quantiles(0.95), strict=True)]


def _swing(low: float, high: float) -> float:
    size = max(abs(low), abs(high))
    return (high - low) / size if size > 0 else 0.0
