"""Detectors of moments: when a curve begins, and where it leaps."""

from __future__ import annotations

import numpy as np

from rldoctor.rulebook.case import FEWEST_POINTS, Case
from rldoctor.rulebook.detectors.detector import Found, Graded, Measured, NotMeasured, OneByOne
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.parts import Part

# Points before and after a moment whose medians are compared. Ours: one odd point is no leap.
_BESIDE = 3


class Begins(OneByOne, Graded, frozen=True, kw_only=True):
    """The share of the run that has passed when the metric is logged first; 0 in the first ``least`` steps.

    A training that breaks soon after its first update had not waited long for it.
    """

    least: int = 0

    measures = "fraction of the run before the first point of {metric}, 0 before step {least:,}"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at the curve as logged: one point is enough."""
        curve = case.run.curves.get(self.metric)
        if curve is None or not len(curve):
            return NotMeasured(f"{self.metric} is not in the logs", self.metric)
        curve, last = curve.finite(), case.run.last_step
        if not len(curve):
            return NotMeasured(f"{self.metric} has no finite point", self.metric)
        first = int(curve.steps[0])
        late = last and (first >= self.least or not case.run.counts_steps)
        return self._found([first / last if late else 0.0], (0, first))[0]


class Stated(OneByOne, Graded, frozen=True, kw_only=True):
    """The largest value of a setting that is logged with each update: one point tells, as no noise is in it."""

    measures = "largest {metric}, from one point on"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at the curve as logged."""
        curve = case.run.curves.get(self.metric)
        curve = curve.finite() if curve is not None else None
        if curve is None or not len(curve):
            return NotMeasured(f"{self.metric} is not in the logs", self.metric)
        return self._found([float(curve.values.max())], (int(curve.steps[0]), int(curve.steps[-1])))[0]


class Rows(OneByOne, Graded, frozen=True, kw_only=True):
    """The share of the rows with another metric, ``beside``, that have the metric too, from its first point on.

    What is written at every update is missing from the rows between two of them, where there are such rows. Rows of
    the same step are one.
    """

    beside: str

    measures = "fraction of the rows with {beside} that have {metric} too, from its first one on"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at the curves as logged."""
        curves = [case.run.curves.get(name) for name in (self.metric, self.beside)]
        own, others = (np.unique(curve.finite().steps) if curve is not None else np.empty(0) for curve in curves)
        if not len(own):
            return NotMeasured(f"{self.metric} is not in the logs", self.metric)
        others = others[others >= own[0]]
        if len(others) < FEWEST_POINTS:
            return NotMeasured(f"{self.beside} has only {len(others)} points since", self.beside)
        share = float(np.isin(others, own).mean())
        return self._found([share], (int(own[0]), int(others[-1])))[0]


class Leaps(Graded, frozen=True, kw_only=True):
    """The largest factor by which the metric's size grows from the points before a moment to those after it.

    With ``down`` the largest factor by which it falls. The first tenth of the run does not count.
    """

    down: bool = False
    log: bool = True

    measures = "largest factor by which {metric} leaps (falls, where down is set) from a few points to the next few"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        begun = max(_BESIDE, len(curve) // 10)
        if len(curve) < begun + 2 * _BESIDE:
            return stack.same(NotMeasured(f"{self.metric} has too few points for a leap"))
        sizes = np.abs(curve.values)
        # The median of the points from each one on.
        following = np.median([sizes[:, place : len(curve) - _BESIDE + 1 + place] for place in range(_BESIDE)], axis=0)
        before, after = following[:, begun - _BESIDE : -_BESIDE], following[:, begun:]
        low, high = (after, before) if self.down else (before, after)
        factors = np.divide(high, low, out=np.zeros_like(high), where=low > 0)
        largest = np.argmax(factors, axis=1)
        most = factors[np.arange(len(largest)), largest].tolist()
        return self._found_at(most, [(step, step) for step in curve.steps[begun + largest].tolist()])
