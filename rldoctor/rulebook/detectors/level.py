"""Detectors of where a curve lies: compared with general ranges, and with the healthy runs of a reference."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rldoctor import stats
from rldoctor.rulebook.detectors.detector import (
    Found,
    Graded,
    Measured,
    NotMeasured,
    during,
    strengths,
    widened,
)
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.parts import Part, Statistic, Window, statistic_of


class Level(Graded, frozen=True, kw_only=True):
    """A statistic of the metric in a window of the run.

    With ``band = true`` the thresholds start no lower than where the healthy runs of the reference are at the same
    steps: the band overrules a general range.
    """

    statistic: Statistic = "median"
    window: Window = (0.0, 1.0)
    band: bool = False

    always = True

    def _quantity(self) -> str:
        overruled = " (a reference's band overrules the thresholds)" if self.band else ""
        return f"{self.statistic.replace('_', ' ')} of {self.metric} {during(self.window)}{overruled}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        part = curve.evenly(self.window) if self.statistic in _OF_ALL else curve.within(self.window)
        observed = part.statistics(self.statistic)
        bounds = widened(self.thresholds, part, self.statistic)
        edge = self._edge(stack, part) if self.band else None
        if edge is None or (edge > bounds[0]) != (bounds[1] > bounds[0]):
            return self._found(observed, part.ends, bounds)
        # Keep the distance of the thresholds (their ratio, on a logarithmic scale) beyond the edge of the band.
        full = edge * bounds[1] / bounds[0] if self.log else edge + bounds[1] - bounds[0]
        return self._found(observed, part.ends, (edge, full))

    def _edge(self, stack: Stack, part: Part) -> float | None:
        band = stack.band(self.metric)
        if band is None:
            return None
        side = band.high if self.thresholds[1] > self.thresholds[0] else band.low
        inside = stats.interpolate(band.steps, side, part.steps)
        inside = inside[np.isfinite(inside)]
        return statistic_of(inside, self.statistic) if len(inside) else None


# Statistics of all that a window holds, whichever of its rows were logged.
_OF_ALL = ("mean", "median")
# A run whose last third gains a tenth of what healthy runs gain makes up for three tenths in as many steps again.
_CREDIT = 3.0
_LATE, _LAST, _EARLIER, _START = (0.85, 1.0), (0.95, 1.0), (0.5, 0.7), (0.0, 0.08)


class BehindReference(Graded, frozen=True):
    """How far the metric is behind the reference's median at the same steps, late in the run.

    0 is level with healthy runs, 1 is no better than where they began, above 1 is worse than that; negative is ahead.
    A run of another recipe that is still catching up is slower, not behind: what it gained over the last third is
    credited several times over.
    """

    as_logged = True
    measures = "{metric} late in the run behind the reference's median, as a fraction of what that gained"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        band = stack.band(self.metric)
        if band is None:
            return stack.same(NotMeasured(f"no reference band of {self.metric} applies"))
        part, end = curve.evenly(_LATE), curve.evenly(_LAST)
        # A run longer than the reference is compared with where the reference ended.
        median = np.interp(part.steps, band.steps, band.median)
        start = float(band.median[0])
        gained = stats.median(median) - start
        width = stats.median(np.interp(part.steps, band.steps, band.high - band.low))
        if abs(gained) <= width:
            return stack.same(NotMeasured(f"healthy runs have not moved their {self.metric} yet at this step"))
        # Who has arrived by the last few points is not behind, however much of the window was spent on the way.
        ends = [
            (stats.median(median), part.medians),
            (stats.median(np.interp(end.steps, band.steps, band.median)), end.medians),
        ]
        lags = [[((there - here) / gained, here, there) for here in values] for there, values in ends]
        behind, heres, theres = (list(of) for of in zip(*map(min, *lags), strict=True))
        if not stack.cases[0].same_recipe:
            late = zip(behind, heres, curve.evenly(_EARLIER).medians, strict=True)
            behind = [
                max(0.0, lag - _CREDIT * max(0.0, (here - earlier) / gained)) if lag > 0 else lag
                for lag, here, earlier in late
            ]
        rows = zip(strengths(behind, self.thresholds), heres, theres, strict=True)
        return [Measured(strength, here, f"{there:.3g}", *part.ends) for strength, here, there in rows]


# How many times as large as the lowest the highest of values of one size may be. Ours.
_ONE_SIZE = 10.0
# A band that goes through 0 is of this part of its size there.
_FLAT = 1e-3


class ScaleOff(Graded, frozen=True):
    """How many powers of ten the metric's first points are larger than those of healthy runs; negative is smaller.

    Before anything is learned every policy is much alike, so that another size means another unit; the bands of any
    recipe on the environment show it.
    """

    as_logged = True
    measures = "powers of ten by which {metric} begins above the reference"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        reference = stack.cases[0].reference
        band = reference.bands.get(self.metric) if reference else None
        if band is None:
            return stack.same(NotMeasured(f"no reference has a band of {self.metric}"))
        part = curve.evenly(_START)
        # At the same steps: a run that is logged seldom shows its first value late.
        median, low, high = (
            stats.median(np.interp(part.steps, band.steps, side)) for side in (band.median, band.low, band.high)
        )
        # A size that is never 0 may spread over one power of ten, as the loss of a critic that learns fast does.
        if abs(median) <= high - low and not 0.0 < high < _ONE_SIZE * low:
            return stack.same(NotMeasured(f"healthy runs begin with a {self.metric} of no particular size"))
        # Point for point: where both fall fast, which rows were logged does not show in their ratio.
        there = np.maximum(np.abs(np.interp(part.steps, band.steps, band.median)), _FLAT * abs(median))
        powers = stats.medians(np.log10(np.maximum(np.abs(part.values), 1e-300) / there))
        expected = f"about {median:.3g}"
        rows = zip(strengths(powers, self.thresholds), part.medians, strict=True)
        return [Measured(strength, here, expected, *part.ends) for strength, here in rows]


class OffBand(Graded, frozen=True, kw_only=True):
    """How far the metric is outside the reference's band in a window, in widths of the band, ``above`` or ``below``.

    A run of another recipe, which may be slower, is compared with all that healthy runs went through until that step.
    With ``same_recipe`` it is not judged at all.
    """

    side: Literal["above", "below"] = "above"
    window: Window = (0.0, 1.0)
    same_recipe: bool = False

    as_logged = True
    measures = "{metric} {side} the reference's band {window}, in widths of the band"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        same_recipe = stack.cases[0].same_recipe
        if self.same_recipe and not same_recipe:
            return stack.same(NotMeasured("the run was not trained with the reference's settings"))
        band = stack.band(self.metric)
        if band is None:
            return stack.same(NotMeasured(f"no reference band of {self.metric} applies"))
        part = curve.evenly(self.window)
        lowest, highest = band.low, band.high
        if not same_recipe:
            # A recipe of another speed may be wherever healthy runs have been by then.
            lowest, highest = np.minimum.accumulate(lowest), np.maximum.accumulate(highest)
        low, high = (np.interp(part.steps, band.steps, edge) for edge in (lowest, highest))
        # A band a hair wide (a setting, a deterministic start) would make every difference look huge.
        width = np.maximum(high - low, 0.05 * np.maximum(np.abs(high), np.abs(low)) + 1e-12)
        outside = (part.values - high) / width if self.side == "above" else (low - part.values) / width
        expected = f"{stats.median(low):.3g} to {stats.median(high):.3g}"
        rows = zip(strengths(stats.medians(outside), self.thresholds), part.medians, strict=True)
        return [Measured(strength, here, expected, *part.ends) for strength, here in rows]
