"""Verbs about the log itself: what is not a number, not there, or written in run.json."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldoctor.model import Curve
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import Condition, NotSeen, Seen, ends


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
        first, last = ends(bad) if len(bad) else (0, case.run.last_step)
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
    """The metric, and all of ``nor``, are not logged although another one (``beside``) is."""

    beside: str = ""
    nor: tuple[str, ...] = ()

    def measure(self, case: Case) -> Seen | NotSeen:
        """Look whether the metric is there at all."""
        other = case.run.curves.get(self.beside)
        if other is None or not len(other):
            return NotSeen(f"{self.beside} is not in the logs either", self.beside)
        present = any(len(case.run.curves.get(metric, ())) for metric in (self.metric, *self.nor))
        return Seen(float(not present), 0.0, "logged", *ends(other.steps))


# A tenth of a per cent above the first logged value is rounding, three per cent are not.
_ABOVE_MAXIMUM = 1.03
# Entropy of one dimension of a Gaussian with a standard deviation of 1: (1 + ln 2 pi) / 2. Most policies begin so.
_OF_A_DIMENSION = 1.4189385
_ROUNDING = 0.003


@dataclass(frozen=True)
class DiscretePolicy(Condition):
    """The policy chooses among actions by number, as its ``metric``, the entropy, tells.

    A discrete entropy begins at most at its maximum ln n, never rises above it and is never negative; a Gaussian's may
    do both, begins at 1.42 a dimension in most libraries, and its standard deviation is logged by many.
    """

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        least, most = float(np.min(curve.values)), float(np.max(curve.values))
        first = float(curve.values[0])
        dimensions = max(1, round(first / _OF_A_DIMENSION))
        gaussian = abs(first / (dimensions * _OF_A_DIMENSION) - 1) < _ROUNDING
        discrete = "std" not in case.curves and not gaussian and least >= 0 and most <= _ABOVE_MAXIMUM * first
        return Seen(float(discrete), most, "an entropy between 0 and ln n", *ends(curve.steps))
