"""Verbs about the log itself: what is not a number, not there, or written in run.json."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.verb import Condition, NotSeen, Seen, ends


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
