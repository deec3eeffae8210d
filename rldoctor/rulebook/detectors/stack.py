"""Cases that log the same metrics at the same steps, so that each question is asked once for all of them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import TypeVar

from rldoctor import stats
from rldoctor.model import Aggregation, Band
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.families import FEWEST_POINTS
from rldoctor.rulebook.parts import Part

_T = TypeVar("_T")
# Metrics of which a row is a mean over episodes: how many rows share them depends on their lengths.
_LENGTH = "episode_length"
# Of returns that are logged one by one, a point is the mean over a twentieth of the episodes, or less in a long run.
_SHARE_OF_A_MEAN = 0.05


class Stack:
    """Cases whose curves have the same steps, and that are compared with the same reference.

    What is found on one of them does not depend on the others.

    Attributes:
        cases: At least one.
    """

    __slots__ = ("_lengths", "_parts", "_parts_as_logged", "cases")

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = cases
        self._parts: dict[str, Part | None] = {}
        self._parts_as_logged: dict[str, Part | None] = {}
        self._lengths: list[float] | None = None

    @classmethod
    def alone(cls, case: Case) -> Stack:
        """Return the stack of one case; of one and the same case it is one and the same stack."""
        found: Stack | None = case.alone.get("stack")
        if found is None:
            found = case.alone["stack"] = cls((case,))
        return found

    def same(self, found: _T) -> list[_T]:
        """Return what was found once for each case."""
        return [found] * len(self.cases)

    def points(self, metric: str) -> int:
        """Return how many points each case has of a metric."""
        return len(self.cases[0].curves.get(metric, ()))

    def part(self, metric: str, as_logged: bool = False) -> Part | None:
        """Return the curves of a metric that has enough points, else ``None``.

        Args:
            metric: Its name.
            as_logged: To be compared with a reference, and so averaged as that is.
        """
        parts = self._parts_as_logged if as_logged else self._parts
        if metric not in parts:
            parts[metric] = self._part(metric, as_logged)
        return parts[metric]

    def _part(self, metric: str, as_logged: bool) -> Part | None:
        case = self.cases[0]
        curve = (case.as_logged if as_logged else case.curves).get(metric)
        if curve is None or len(curve) < FEWEST_POINTS:
            return None
        if as_logged and all(case.as_logged[metric] is case.curves.get(metric) for case in self.cases):
            return self.part(metric)
        return Part.of([(case.as_logged if as_logged else case.curves)[metric] for case in self.cases])

    def band(self, metric: str) -> Band | None:
        """Return the reference's band of a metric, where it applies to these runs."""
        return self.cases[0].band(metric)

    def rows_in_common(self, curve: Part) -> list[int]:
        """Return how many rows of a curve share episodes, where each is a mean over the last ones; else 1."""
        if curve.aggregation is Aggregation.EPISODE:
            return self.same(max(1, math.ceil(len(curve) * _SHARE_OF_A_MEAN)))
        spacing = stats.median(curve.steps[1:] - curve.steps[:-1]) if len(curve) > 1 else 0.0
        if curve.aggregation is not Aggregation.WINDOW or spacing <= 0:
            return self.same(1)
        most = max(len(curve) // 8, 1)
        return [min(max(round(window / spacing), 1), most) for window in self._windows()]

    def scatter_at_start(self, curve: Part) -> list[float]:
        """Return how many times as far as any other level that at the start may be off by chance; at least 1.

        The first rows of a mean over the last episodes are means over as few as there are by then; how many that are
        is known where steps of the environment are counted.
        """
        counted = self.cases[0].run.counts_steps
        if curve.aggregation is not Aggregation.WINDOW or len(curve) < FEWEST_POINTS or not counted:
            return self.same(1.0)
        begun = max(float(curve.steps[1]), 1.0)
        return [math.sqrt(max(window / begun, 1.0)) for window in self._windows()]

    def _windows(self) -> list[float]:
        """Return the steps over which a mean over the last episodes is taken, 0 where lengths are not logged."""
        if self._lengths is None:
            self._lengths = [_median_length(case) for case in self.cases]
        return [case.window * length for case, length in zip(self.cases, self._lengths, strict=True)]


def _median_length(case: Case) -> float:
    """Return the median length of episodes, 0 where it is not logged."""
    lengths = case.as_logged.get(_LENGTH)
    return stats.median(lengths.values) if lengths is not None and len(lengths) else 0.0


def stacked(cases: Sequence[Case]) -> list[list[int]]:
    """Return the places of cases that can be looked at together, each once."""
    if len(cases) == 1:
        return [[0]]
    found: dict[Hashable, list[int]] = {}
    for place, case in enumerate(cases):
        found.setdefault(_likeness(case), []).append(place)
    return list(found.values())


def _likeness(case: Case) -> Hashable:
    """Return what two cases must have in common to be looked at together."""
    steps: dict[int, bytes] = {}
    curves = []
    for logged in (case.curves, case.as_logged):
        for name, curve in logged.items():
            number = id(curve.steps)
            if number not in steps:
                steps[number] = curve.steps.tobytes()
            curves.append((name, curve.aggregation, steps[number]))
    return case.run.algorithm, case.run.counts_steps, id(case.reference), case.same_recipe, tuple(curves)
