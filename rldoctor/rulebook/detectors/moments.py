"""Detectors of moments: when a curve begins, and where it leaps."""

from __future__ import annotations

import numpy as np

from rldoctor import stats
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import Graded, Measured, NotMeasured
from rldoctor.rulebook.parts import Part

# Points before and after a moment whose medians are compared. Ours: one odd point is no leap.
_BESIDE = 3


class Begins(Graded, frozen=True, kw_only=True):
    """The share of the run that has passed when the metric is logged first."""

    measures = "fraction of the run before the first point of {metric}"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at the curve as logged: one point is enough."""
        curve = case.run.curves.get(self.metric)
        if curve is None or not len(curve):
            return NotMeasured(f"{self.metric} is not in the logs", self.metric)
        curve, last = curve.finite(), case.run.last_step
        if not len(curve):
            return NotMeasured(f"{self.metric} has no finite point", self.metric)
        return self._found(float(curve.steps[0]) / last if last else 0.0, (0, int(curve.steps[0])))


class Leaps(Graded, frozen=True, kw_only=True):
    """The largest factor by which the metric's size grows from the points before a moment to those after it.

    With ``down`` the largest factor by which it falls. The first tenth of the run does not count.
    """

    down: bool = False
    log: bool = True

    measures = "largest factor by which {metric} leaps (falls, where down is set) from a few points to the next few"

    def _look(self, case: Case, curve: Part) -> Measured | NotMeasured:
        sizes = np.abs(curve.values)
        begun = max(_BESIDE, len(sizes) // 10)
        if len(sizes) < begun + 2 * _BESIDE:
            return NotMeasured(f"{self.metric} has too few points for a leap")
        most, at = 0.0, begun
        for place in range(begun, len(sizes) - _BESIDE + 1):
            before, after = stats.median(sizes[place - _BESIDE : place]), stats.median(sizes[place : place + _BESIDE])
            low, high = (after, before) if self.down else (before, after)
            factor = high / low if low > 0 else 0.0
            if factor > most:
                most, at = factor, place
        return self._found(most, (int(curve.steps[at]), int(curve.steps[at])))
