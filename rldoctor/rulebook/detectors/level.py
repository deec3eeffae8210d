"""Verbs about where a curve lies: against general ranges, and against the healthy runs of a reference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve
from rldoctor.rulebook.case import Case
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
        ramp, overruled = widened(self.ramp, part, self.over), False
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


# A run whose last third gains a tenth of what healthy runs gain makes up for three tenths in as many steps again.
_CREDIT = 3.0


@dataclass(frozen=True)
class Behind(Condition):
    """How far the metric is behind the reference's median at the same steps, late in the run.

    0 is level with healthy runs, 1 is no better than where they began, above 1 is worse than that; negative is ahead.
    A run of another recipe that is still catching up is slower, not behind: what it gained over the last third is
    credited several times over.
    """

    ramp: Ramp = (0.2, 0.6)
    late: Phase = (0.85, 1.0)
    before: Phase = (0.5, 0.7)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        band = case.band(self.metric)
        if band is None:
            return NotSeen(f"no reference band of {self.metric} applies")
        part = window(curve, self.late)
        # A run longer than the reference is held against where the reference ended.
        median = np.interp(part.steps, band.steps, band.median)
        start = float(band.median[0])
        gained = stats.median(median) - start
        width = stats.median(np.interp(part.steps, band.steps, band.high - band.low))
        if abs(gained) <= width:
            return NotSeen(f"healthy runs have not moved their {self.metric} yet at this step")
        here, there = stats.median(part.values), stats.median(median)
        behind = (there - here) / gained
        if not case.same_recipe and behind > 0:
            earlier = stats.median(window(curve, self.before).values)
            behind = max(0.0, behind - _CREDIT * max(0.0, (here - earlier) / gained))
        return Seen(strength(behind, self.ramp), here, f"{there:.3g}", *ends(part.steps), True)


@dataclass(frozen=True)
class ScaleOff(Condition):
    """How many powers of ten the metric's first points are larger than those of healthy runs; negative is smaller.

    Before anything is learned every policy is much alike, so that another size means another unit; bands of any recipe
    on the environment tell it.
    """

    ramp: Ramp = (0.6, 1.0)
    phase: Phase = (0.0, 0.08)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        band = case.reference.bands.get(self.metric) if case.reference else None
        if band is None:
            return NotSeen(f"no reference has a band of {self.metric}")
        there = abs(float(band.median[0]))
        if there <= float(band.high[0] - band.low[0]):
            return NotSeen(f"healthy runs begin with a {self.metric} of no particular size")
        part = window(curve, self.phase)
        here = stats.median(part.values)
        powers = math.log10(max(abs(here), 1e-300) / there)
        expected = f"about {float(band.median[0]):.3g}"
        return Seen(strength(powers, self.ramp), here, expected, *ends(part.steps), True)


@dataclass(frozen=True)
class OffBand(Condition):
    """How far the metric is outside the reference's band in a phase, in widths of the band, ``above`` or ``below``.

    A run of another recipe, which may be slower, is held against all that healthy runs went through until that step.
    With ``same_recipe`` it is not judged at all.
    """

    ramp: Ramp = (1.0, 4.0)
    side: str = "above"
    phase: Phase = (0.0, 1.0)
    same_recipe: bool = False

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        if self.same_recipe and not case.same_recipe:
            return NotSeen("the run was not trained with the reference's settings")
        band = case.band(self.metric)
        if band is None:
            return NotSeen(f"no reference band of {self.metric} applies")
        part = window(curve, self.phase)
        lowest, highest = band.low, band.high
        if not case.same_recipe:
            # A recipe of another speed may be wherever healthy runs have been by then.
            lowest, highest = np.minimum.accumulate(lowest), np.maximum.accumulate(highest)
        low, high = (np.interp(part.steps, band.steps, edge) for edge in (lowest, highest))
        # A band a hair wide (a setting, a deterministic start) would make every difference look huge.
        width = np.maximum(high - low, 0.05 * np.maximum(np.abs(high), np.abs(low)) + 1e-12)
        outside = (part.values - high) / width if self.side == "above" else (low - part.values) / width
        observed = stats.median(outside)
        expected = f"{stats.median(low):.3g} to {stats.median(high):.3g}"
        return Seen(strength(observed, self.ramp), stats.median(part.values), expected, *ends(part.steps), True)
