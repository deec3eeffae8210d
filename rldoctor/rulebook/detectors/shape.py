"""Verbs about the shape of a curve: what the run does compared with its own past."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve
from rldoctor.rulebook.case import FEWEST_POINTS, Case
from rldoctor.rulebook.detectors.detector import (
    STATISTICS,
    Condition,
    NotSeen,
    Phase,
    Ramp,
    Seen,
    beyond,
    ends,
    strength,
    widened,
    window,
)


@dataclass(frozen=True)
class Change(Condition):
    """The metric's level late in the run against its level early: their difference, or with ``ratio`` their ratio."""

    ramp: Ramp = (0.0, 1.0)
    early: Phase = (0.0, 0.1)
    late: Phase = (0.85, 1.0)
    over: str = "median"
    ratio: bool = False
    log: bool = False

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        early, late = window(curve, self.early), window(curve, self.late)
        before, after = (STATISTICS[self.over](part.values) for part in (early, late))
        if self.ratio:
            if before == 0:
                return NotSeen(f"{self.metric} begins at 0")
            observed = after / before
        else:
            observed = after - before
        return Seen(
            strength(observed, self.ramp, self.log),
            observed,
            beyond(self.ramp),
            int(early.steps[0]),
            int(late.steps[-1]),
        )


@dataclass(frozen=True)
class Grows(Condition):
    """The metric's size late in the run, whatever its sign, over its size early."""

    ramp: Ramp = (10.0, 100.0)
    early: Phase = (0.0, 0.1)
    late: Phase = (0.85, 1.0)
    log: bool = True

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        early, late = window(curve, self.early), window(curve, self.late)
        before, after = (stats.median(np.abs(part.values)) for part in (early, late))
        if before == 0:
            return NotSeen(f"{self.metric} begins at 0")
        return Seen(
            strength(after / before, self.ramp, self.log),
            after / before,
            beyond(self.ramp),
            int(early.steps[0]),
            int(late.steps[-1]),
        )


@dataclass(frozen=True)
class Gain(Condition):
    """How much the metric has risen, as a share of the larger of its early and late magnitudes; in [-2, 2].

    Scale-free: -10 -> -1 is 0.9, 20 -> 500 is 0.96, -10 -> -40 is -0.75, no change is 0.
    """

    ramp: Ramp = (0.0, 1.0)
    early: Phase = (0.0, 0.05)
    late: Phase = (0.85, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        observed = _gain(curve, self.early, self.late)
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), *ends(curve.steps))


def _gain(curve: Curve, early: Phase = (0.0, 0.05), late: Phase = (0.85, 1.0)) -> float:
    before, after = (stats.median(window(curve, phase).values) for phase in (early, late))
    size = max(abs(before), abs(after))
    return (after - before) / size if size > 0 else 0.0


@dataclass(frozen=True)
class Trend(Condition):
    """Spearman's rank correlation of the metric with the step, in [-1, 1].

    A rise or fall by less than ``least_gain`` of the metric's size is none: its correlation is 0.
    """

    ramp: Ramp = (0.0, 1.0)
    phase: Phase = (0.0, 1.0)
    least_gain: float = 0.0

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        part = window(curve, self.phase)
        if len(part) < 2 * FEWEST_POINTS:
            return NotSeen(f"{self.metric} has too few points for a trend")
        observed = stats.rank_correlation(part.steps.astype(np.float64), part.values)
        if abs(_gain(part)) < self.least_gain:
            observed = 0.0
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), int(part.steps[0]), int(part.steps[-1]))


# Standard deviations that the highest of some dozen means of a few points can be off.
_NOISY = 3.0


def _noise(curve: Curve) -> float:
    """Return the standard deviation of a point about its neighbours, of which a few may leap: a robust estimate."""
    return 1.4826 * stats.median(np.abs(np.diff(curve.values))) / math.sqrt(2.0)


@dataclass(frozen=True)
class DropsFromPeak(Condition):
    """How much of what was gained over the start (smoothed) is lost again at the end; 0 none, 1 all, more is worse.

    A gain smaller than ``least_gain`` of the metric's magnitude is noise, and losing noise is no symptom; nor is a fall
    that is no larger than the curve's ups and downs from point to point.
    """

    ramp: Ramp = (0.0, 1.0)
    least_gain: float = 0.2

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        smooth = stats.smooth(curve.values, max(3, len(curve) // 20))
        peak = int(np.argmax(smooth))
        start = stats.median(window(curve, (0.0, 0.05)).values)
        # What comes behind a peak at the very end is no fall yet.
        last = window(curve, (0.92, 1.0))
        end = stats.median(last.values) if curve.steps[peak] < last.steps[0] else float(smooth[peak])
        gain = float(smooth[peak]) - start
        size = max(abs(start), abs(float(smooth[peak])))
        lost = (float(smooth[peak]) - end) / gain if size > 0 and gain > self.least_gain * size else 0.0
        if float(smooth[peak]) - end < _NOISY * _noise(curve):
            lost = 0.0
        return Seen(strength(lost, self.ramp), lost, beyond(self.ramp), int(curve.steps[peak]), int(curve.steps[-1]))


@dataclass(frozen=True)
class Share(Condition):
    """The share of points in a phase beyond a limit: how persistent something is."""

    ramp: Ramp = (0.0, 1.0)
    above: float | None = None
    below: float | None = None
    phase: Phase = (0.0, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        part = window(curve, self.phase)
        hit = part.values > self.above if self.above is not None else part.values < (self.below or 0.0)
        observed = float(np.mean(hit))
        where = np.flatnonzero(hit)
        first, last = (int(part.steps[where[0]]), int(part.steps[where[-1]])) if len(where) else ends(part.steps)
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), first, last)


@dataclass(frozen=True)
class Spikes(Condition):
    """The largest value against the median: rare bursts that averages hide."""

    ramp: Ramp = (10.0, 100.0)
    log: bool = True

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        middle = stats.median(np.abs(curve.values))
        top = int(np.argmax(np.abs(curve.values)))
        if middle == 0:
            return NotSeen(f"{self.metric} is 0 most of the time")
        observed = abs(float(curve.values[top])) / middle
        step = int(curve.steps[top])
        ramp = widened(self.ramp, curve, "max")
        return Seen(strength(observed, ramp, self.log), observed, beyond(ramp), step, step)


@dataclass(frozen=True)
class Frozen(Condition):
    """The longest share of the run over which the metric keeps exactly one value."""

    ramp: Ramp = (0.5, 0.9)
    phase: Phase = (0.0, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        part = window(curve, self.phase)
        start, stop = stats.longest_stretch(np.diff(part.values) == 0)
        observed = (stop - start) / max(1, len(part) - 1)
        last = min(stop, len(part) - 1)
        return Seen(
            strength(observed, self.ramp), observed, beyond(self.ramp), int(part.steps[start]), int(part.steps[last])
        )


@dataclass(frozen=True)
class Zeros(Condition):
    """The share of points at which the metric is zero but for rounding."""

    ramp: Ramp = (0.5, 0.9)
    tiny: float = 1e-5

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        observed = float(np.mean(np.abs(curve.values) < self.tiny))
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), *ends(curve.steps))


@dataclass(frozen=True)
class Restless(Condition):
    """How much the metric goes up and down for what it gets: total variation over net change; 1 is a straight way."""

    ramp: Ramp = (4.0, 10.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        if len(curve) < 2 * FEWEST_POINTS:
            return NotSeen(f"{self.metric} has too few points for a trend")
        way = float(np.sum(np.abs(np.diff(curve.values))))
        net = abs(stats.median(curve.values[-3:]) - stats.median(curve.values[:3]))
        observed = way / net if net > 0 else (math.inf if way > 0 else 0.0)
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), *ends(curve.steps))


@dataclass(frozen=True)
class Swing(Condition):
    """The metric's range (5th to 95th percentile) as a share of its larger end; 0 constant, 2 swings through zero."""

    ramp: Ramp = (0.5, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        low, high = (float(np.quantile(curve.values, share)) for share in (0.05, 0.95))
        size = max(abs(low), abs(high))
        observed = (high - low) / size if size > 0 else 0.0
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), *ends(curve.steps))
