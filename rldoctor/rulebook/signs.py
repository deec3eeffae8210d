"""The verbs in which signs are written: a closed vocabulary, no expressions, nothing evaluated.

Each verb is a frozen dataclass whose fields are the keys that a rule file may use. ``measure`` returns what was seen
and how strongly it shows, or says why it cannot judge. Strength comes from a ramp ``[none, full]``: 0 at the first
number, 1 at the second, straight (or, with ``log``, straight in the logarithm) between. A ramp that falls means that
small values are the symptom.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve, FloatArray, IntArray, Json
from rldoctor.rulebook.case import FEWEST_POINTS, Case

Ramp = tuple[float, float]
Phase = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verb measured: the number, its strength in [0, 1], where, and what would have been expected."""

    strength: float
    observed: float
    expected: str
    first_step: int
    last_step: int
    band: bool = False


@dataclass(frozen=True, slots=True)
class NotSeen:
    """Why a verb could not judge. ``metric`` is what is missing, empty where nothing is."""

    reason: str
    metric: str = ""


STATISTICS: Mapping[str, Callable[[FloatArray], float]] = {
    "mean": lambda x: float(np.mean(x)),
    "median": lambda x: float(np.median(x)),
    "min": lambda x: float(np.min(x)),
    "max": lambda x: float(np.max(x)),
    "first": lambda x: float(x[0]),
    "last": lambda x: float(x[-1]),
    "q10": lambda x: float(np.quantile(x, 0.1)),
    "q90": lambda x: float(np.quantile(x, 0.9)),
    # Of the three highest: one lone spike is not yet a symptom.
    "third_highest": lambda x: float(np.sort(x)[-min(3, len(x))]),
    "spread": lambda x: float(np.max(x) - np.min(x)),
}


def strength(value: float, ramp: Ramp, log: bool = False) -> float:
    """Return where ``value`` lies on the ramp, clipped to [0, 1]; infinite values lie beyond its end, NaN nowhere."""
    none, full = ramp
    if math.isnan(value):
        return 0.0
    if log:
        tiny = 1e-300
        value, none, full = (math.log(max(number, tiny)) for number in (value, none, full))
    return float(np.clip((value - none) / (full - none), 0.0, 1.0))


def beyond(ramp: Ramp) -> str:
    """Return the expectation that a ramp stands for, in words: the healthy side of where it begins."""
    return f"below {ramp[0]:g}" if ramp[1] > ramp[0] else f"above {ramp[0]:g}"


def window(curve: Curve, phase: Phase) -> Curve:
    """Return the part of a curve in a phase of the run, given as shares of its own steps; at least two points."""
    first, last = float(curve.steps[0]), float(curve.steps[-1])
    low, high = (first + share * (last - first) for share in phase)
    keep = np.flatnonzero((curve.steps >= low) & (curve.steps <= high))
    if len(keep) < 2:
        nearest = int(np.argmin(np.abs(curve.steps - (low + high) / 2)))
        keep = np.arange(max(0, nearest - 1), min(len(curve), nearest + 2))
    return Curve(curve.metric, curve.steps[keep], curve.values[keep], curve.tag, curve.aggregation)


@dataclass(frozen=True)
class Condition:
    """Base of the verbs."""

    metric: str = ""

    def measure(self, case: Case) -> Seen | NotSeen:
        """Measure this condition on a case."""
        curve = case.curve(self.metric)
        if curve is None:
            logged = len(case.curves[self.metric]) if self.metric in case.curves else 0
            if logged:
                return NotSeen(f"{self.metric} has only {logged} points")
            return NotSeen(f"{self.metric} is not in the logs", self.metric)
        return self._look(case, curve)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        raise NotImplementedError


@dataclass(frozen=True)
class Level(Condition):
    """A statistic of the metric in a phase of the run.

    With ``band = true`` the ramp starts no lower than where the healthy runs of the reference are at the same steps:
    the band overrules a general range.
    """

    ramp: Ramp = (0.0, 1.0)
    over: str = "median"
    phase: Phase = (0.0, 1.0)
    log: bool = False
    band: bool = False

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        part = window(curve, self.phase)
        observed = STATISTICS[self.over](part.values)
        ramp, overruled = self.ramp, False
        if self.band and (edge := self._edge(case, part)) is not None:
            rising = ramp[1] > ramp[0]
            if (edge > ramp[0]) == rising:
                # Keep the ramp's width (its ratio, on a logarithmic one) beyond the edge of the band.
                full = edge * ramp[1] / ramp[0] if self.log else edge + ramp[1] - ramp[0]
                ramp, overruled = (edge, full), True
        return Seen(
            strength(observed, ramp, self.log),
            observed,
            beyond(ramp),
            int(part.steps[0]),
            int(part.steps[-1]),
            overruled,
        )

    def _edge(self, case: Case, part: Curve) -> float | None:
        band = case.band(self.metric)
        if band is None:
            return None
        side = band.high if self.ramp[1] > self.ramp[0] else band.low
        inside = stats.interpolate(band.steps, side, part.steps)
        inside = inside[np.isfinite(inside)]
        return STATISTICS[self.over](inside) if len(inside) else None


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
class Gain(Condition):
    """How much the metric has risen, as a share of the larger of its early and late magnitudes; in [-2, 2].

    Scale-free: -10 -> -1 is 0.9, 20 -> 500 is 0.96, -10 -> -40 is -0.75, no change is 0.
    """

    ramp: Ramp = (0.0, 1.0)
    early: Phase = (0.0, 0.05)
    late: Phase = (0.85, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        early, late = window(curve, self.early), window(curve, self.late)
        before, after = float(np.median(early.values)), float(np.median(late.values))
        size = max(abs(before), abs(after))
        observed = (after - before) / size if size > 0 else 0.0
        return Seen(
            strength(observed, self.ramp), observed, beyond(self.ramp), int(early.steps[0]), int(late.steps[-1])
        )


@dataclass(frozen=True)
class Trend(Condition):
    """Spearman's rank correlation of the metric with the step, in [-1, 1]."""

    ramp: Ramp = (0.0, 1.0)
    phase: Phase = (0.0, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        part = window(curve, self.phase)
        if len(part) < 2 * FEWEST_POINTS:
            return NotSeen(f"{self.metric} has too few points for a trend")
        observed = stats.rank_correlation(part.steps.astype(np.float64), part.values)
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), int(part.steps[0]), int(part.steps[-1]))


@dataclass(frozen=True)
class DropsFromPeak(Condition):
    """How much of what was gained over the start (smoothed) is lost again at the end; 0 none, 1 all, more is worse.

    A gain smaller than ``least_gain`` of the metric's magnitude is noise, and losing noise is no symptom.
    """

    ramp: Ramp = (0.0, 1.0)
    least_gain: float = 0.2

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        smooth = stats.smooth(curve.values, max(3, len(curve) // 20))
        peak = int(np.argmax(smooth))
        start = float(np.median(window(curve, (0.0, 0.05)).values))
        end = float(np.median(window(curve, (0.92, 1.0)).values))
        gain = float(smooth[peak]) - start
        size = max(abs(start), abs(float(smooth[peak])))
        lost = (float(smooth[peak]) - end) / gain if size > 0 and gain > self.least_gain * size else 0.0
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
        first, last = (int(part.steps[where[0]]), int(part.steps[where[-1]])) if len(where) else _ends(part.steps)
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), first, last)


@dataclass(frozen=True)
class Spikes(Condition):
    """The largest value against the median: rare bursts that averages hide."""

    ramp: Ramp = (10.0, 100.0)
    log: bool = True

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        middle = float(np.median(np.abs(curve.values)))
        top = int(np.argmax(np.abs(curve.values)))
        if middle == 0:
            return NotSeen(f"{self.metric} is 0 most of the time")
        observed = abs(float(curve.values[top])) / middle
        step = int(curve.steps[top])
        return Seen(strength(observed, self.ramp, self.log), observed, beyond(self.ramp), step, step)


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
class Behind(Condition):
    """How far the metric is behind the reference's median at the same steps, late in the run.

    0 is level with healthy runs, 1 is no better than where they began, above 1 is worse than that; negative is ahead.
    """

    ramp: Ramp = (0.2, 0.6)
    late: Phase = (0.85, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        band = case.band(self.metric)
        if band is None:
            return NotSeen(f"no reference band of {self.metric} applies")
        part = window(curve, self.late)
        # A run longer than the reference is held against where the reference ended.
        median = np.interp(part.steps, band.steps, band.median)
        start = float(band.median[0])
        gained = float(np.median(median)) - start
        width = float(np.median(np.interp(part.steps, band.steps, band.high - band.low)))
        if abs(gained) <= width:
            return NotSeen(f"healthy runs have not moved their {self.metric} yet at this step")
        here, there = float(np.median(part.values)), float(np.median(median))
        shown = strength((there - here) / gained, self.ramp)
        return Seen(shown, here, f"{there:.3g}", *_ends(part.steps), True)


@dataclass(frozen=True)
class OffBand(Condition):
    """How far the metric is outside the reference's band in a phase, in widths of the band, ``above`` or ``below``."""

    ramp: Ramp = (1.0, 4.0)
    side: str = "above"
    phase: Phase = (0.0, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        band = case.band(self.metric)
        if band is None:
            return NotSeen(f"no reference band of {self.metric} applies")
        part = window(curve, self.phase)
        low, high = (np.interp(part.steps, band.steps, edge) for edge in (band.low, band.high))
        # A band a hair wide (a setting, a deterministic start) would make every difference look huge.
        width = np.maximum(high - low, 0.05 * np.maximum(np.abs(high), np.abs(low)) + 1e-12)
        outside = (part.values - high) / width if self.side == "above" else (low - part.values) / width
        observed = float(np.median(outside))
        expected = f"{float(np.median(low)):.3g} to {float(np.median(high)):.3g}"
        return Seen(strength(observed, self.ramp), float(np.median(part.values)), expected, *_ends(part.steps), True)


@dataclass(frozen=True)
class Restless(Condition):
    """How much the metric goes up and down for what it gets: total variation over net change; 1 is a straight way."""

    ramp: Ramp = (4.0, 10.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        if len(curve) < 2 * FEWEST_POINTS:
            return NotSeen(f"{self.metric} has too few points for a trend")
        way = float(np.sum(np.abs(np.diff(curve.values))))
        net = abs(float(np.median(curve.values[-3:])) - float(np.median(curve.values[:3])))
        observed = way / net if net > 0 else (math.inf if way > 0 else 0.0)
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), *_ends(curve.steps))


@dataclass(frozen=True)
class Swing(Condition):
    """The metric's range (5th to 95th percentile) as a share of its larger end; 0 constant, 2 swings through zero."""

    ramp: Ramp = (0.5, 1.0)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        low, high = (float(np.quantile(curve.values, share)) for share in (0.05, 0.95))
        size = max(abs(low), abs(high))
        observed = (high - low) / size if size > 0 else 0.0
        return Seen(strength(observed, self.ramp), observed, beyond(self.ramp), *_ends(curve.steps))


@dataclass(frozen=True)
class NonFinite(Condition):
    """Any NaN or infinite value in any curve as logged, except in ``metric``, where it is harmless."""

    def measure(self, case: Case) -> Seen | NotSeen:
        """Look at the raw curves: the finite ones have dropped what is sought."""
        steps = [
            curve.steps[~np.isfinite(curve.values)] for name, curve in case.run.curves.items() if name != self.metric
        ]
        if not steps:
            return NotSeen("there is no curve")
        bad = np.sort(np.concatenate(steps))
        first, last = _ends(bad) if len(bad) else (0, case.run.last_step)
        return Seen(float(len(bad) > 0), float(len(bad)), "only finite values", first, last)


@dataclass(frozen=True)
class Recorded(Condition):
    """``run.json`` has ``equals`` under ``key``, or a text that contains ``contains``. ``metric`` is not used."""

    key: str = ""
    equals: str = ""
    contains: str = ""

    def measure(self, case: Case) -> Seen | NotSeen:
        """Look into the record."""
        if not case.run.record:
            return NotSeen("there is no run.json")
        value = str(case.run.record.get(self.key, ""))
        found = self.contains in value.lower() if self.contains else value == self.equals
        return Seen(float(found), float(found), f"no {self.contains or self.equals}", 0, case.run.last_step)


@dataclass(frozen=True)
class Missing(Condition):
    """The metric is not logged although another one (``while``) is."""

    beside: str = ""

    def measure(self, case: Case) -> Seen | NotSeen:
        """Look whether the metric is there at all."""
        other = case.run.curves.get(self.beside)
        if other is None or not len(other):
            return NotSeen(f"{self.beside} is not in the logs either", self.beside)
        present = self.metric in case.run.curves and len(case.run.curves[self.metric]) > 0
        return Seen(float(not present), 0.0, "logged", *_ends(other.steps))


VERBS: Mapping[str, type[Condition]] = {
    "level": Level,
    "change": Change,
    "gain": Gain,
    "trend": Trend,
    "drops_from_peak": DropsFromPeak,
    "share": Share,
    "spikes": Spikes,
    "frozen": Frozen,
    "behind_reference": Behind,
    "off_band": OffBand,
    "restless": Restless,
    "swing": Swing,
    "non_finite": NonFinite,
    "recorded": Recorded,
    "missing": Missing,
}


def evidence(metric: str, seen: Seen) -> dict[str, Json]:
    """Return what was seen as a finding's evidence."""
    return {
        "metric": metric,
        "first_step": seen.first_step,
        "last_step": seen.last_step,
        "observed": seen.observed,
        "expected": seen.expected,
    }


def _ends(steps: IntArray) -> tuple[int, int]:
    return int(steps[0]), int(steps[-1])
