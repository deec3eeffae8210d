"""Curves as the detectors see them: every window is cut, and every statistic of it computed, once.

A part holds the curves of several runs that were logged at the same steps, so that numpy is asked once for all of them:
for the hundred points of a curve it takes longer to be asked than to answer.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeVar

import numpy as np

from rldoctor import stats
from rldoctor.model import Aggregation, Curve, FloatArray, IntArray
from rldoctor.rulebook.families import FEWEST_POINTS

Window = tuple[float, float]
"""A part of a run, as shares of its steps: ``(0.0, 0.1)`` is its first tenth."""
Statistic = Literal["mean", "median", "min", "max", "first", "last", "q10", "q90", "third_highest", "spread"]
Row = list[float]

# So many numbers are put in order sooner in a list than in an array.
_FEW = 32
# A window that holds fewer rows is looked at on so many steps between them. Ours.
_EVENLY = 9
# From so many points on the third highest is that; of half as many it is the second. Ours.
_OF_MANY = 30
_WHOLE: Window = (0.0, 1.0)
_T = TypeVar("_T")


class Part:
    """One metric of runs that logged it at the same steps, or the points in a window, with what is known of it so far.

    Attributes:
        metric: Its name.
        steps: Environment steps, non-decreasing, shape ``(n,)``.
        values: Shape ``(runs, n)``.
        aggregation: What each value was averaged over.
    """

    __slots__ = ("_ends", "_known", "aggregation", "metric", "steps", "values")

    def __init__(self, metric: str, steps: IntArray, values: FloatArray, aggregation: Aggregation) -> None:
        self.metric = metric
        self.steps = steps
        self.values = values
        self.aggregation = aggregation
        self._known: dict[Any, Any] = {}
        self._ends: tuple[int, int] | None = None

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> Part:
        """Make one of curves of the same metric at the same steps."""
        first = curves[0]
        values = first.values[None] if len(curves) == 1 else np.stack([curve.values for curve in curves])
        return cls(first.metric, first.steps, values, first.aggregation)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.steps)

    def known(self, what: Any, compute: Callable[[Part], _T]) -> _T:
        """Return ``compute`` of this part, computed once; ``what`` names it, together with what else it depends on."""
        try:
            found: _T = self._known[what]
        except KeyError:
            found = self._known[what] = compute(self)
        return found

    def within(self, window: Window) -> Part:
        """Return the part in a window of the run, as shares of its own steps; at least two points."""
        if window == _WHOLE:
            return self
        try:
            found: Part = self._known[window]
        except KeyError:
            points = self._points(window)
            found = Part(self.metric, self.steps[points], self.values[:, points], self.aggregation)
            self._known[window] = found
        return found

    def evenly(self, window: Window) -> Part:
        """Return the part in a window as :meth:`within` does, but one of few points on evenly spaced steps.

        A median of three rows, or of the two that are left of them where every other one was logged, hangs on which
        rows these are, and on whether one lies just inside the window; that of the lines between rows hardly does.
        """
        few = self.within(window)
        if len(few) >= _EVENLY or len(self) < FEWEST_POINTS or few is self:
            return few
        return self.known(("evenly", window), lambda part: part._on_lines(window))

    def _on_lines(self, window: Window) -> Part:
        steps, before, after, way = _places(self.steps.astype(np.int64, copy=False).tobytes(), window)
        return Part(self.metric, steps, stats.between(self.values, before, after, way), self.aggregation)

    def _points(self, window: Window) -> slice:
        steps: list[int] = self.known("steps", _steps)
        first, last = float(steps[0]), float(steps[-1])
        low, high = (first + share * (last - first) for share in window)
        start, stop = bisect_left(steps, low), bisect_right(steps, high)
        if stop - start < 2:
            nearest = int(np.argmin(np.abs(self.steps - (low + high) / 2)))
            start, stop = max(0, nearest - 1), min(len(steps), nearest + 2)
        return slice(start, stop)

    @property
    def ordered(self) -> list[Row]:
        """The values of each run in ascending order, NaN last."""
        return self.known("ordered", _ordered)

    @property
    def medians(self) -> list[float]:
        """The median of each run's values, NaN where one is NaN."""
        return self.statistics("median")

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last step."""
        if self._ends is None:
            self._ends = int(self.steps[0]), int(self.steps[-1])
        return self._ends

    def statistics(self, name: Statistic) -> list[float]:
        """Return a statistic of each run's values."""
        try:
            found: list[float] = self._known[name]
        except KeyError:
            found = self._known[name] = _STATISTICS[name](self)
        return found

    def quantiles(self, share: float) -> list[float]:
        """Return the value below which a share of each run's values lies, as ``np.quantile`` interpolates it."""
        return [_quantile(row, share) for row in self.ordered]


@lru_cache(1024)
def _places(logged: bytes, window: Window) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    """Return evenly spaced steps in a window, the points around each, and how far it is from the one to the other.

    Args:
        logged: Steps of a curve, 64 bits each; most metrics of a run share them.
        window: As shares of these steps.
    """
    steps = np.frombuffer(logged, np.int64)
    first, last = float(steps[0]), float(steps[-1])
    low, high = (first + share * (last - first) for share in window)
    at = np.linspace(low, high, _EVENLY)
    after = np.minimum(np.maximum(np.searchsorted(steps, at), 1), len(steps) - 1)
    before = after - 1
    way = (at - steps[before]) / np.maximum(steps[after] - steps[before], 1)
    return at.astype(np.int64), before, after, way


def _steps(part: Part) -> list[int]:
    steps: list[int] = part.steps.tolist()
    return steps


def _ordered(part: Part) -> list[Row]:
    rows: list[Row]
    if part.values.size <= _FEW:
        rows = part.values.tolist()
        # A sum that is no number is one of NaN, or of two infinities.
        if not math.isnan(sum(map(sum, rows))):
            for row in rows:
                row.sort()
            return rows
    rows = np.sort(part.values, axis=1).tolist()
    return rows


def _quantile(ordered: Row, share: float) -> float:
    if math.isnan(ordered[-1]):
        return math.nan
    at = share * (len(ordered) - 1)
    below = math.floor(at)
    rest, low, high = at - below, ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return high - (high - low) * (1.0 - rest) if rest >= 0.5 else low + (high - low) * rest


def _medians(part: Part) -> list[float]:
    middle, odd = divmod(len(part), 2)
    if odd:
        return [row[middle] if row[-1] == row[-1] else math.nan for row in part.ordered]
    return [(row[middle - 1] + row[middle]) / 2 if row[-1] == row[-1] else math.nan for row in part.ordered]


def _means(part: Part) -> list[float]:
    means: list[float] = (np.add.reduce(part.values, axis=1) / len(part)).tolist()
    return means


def _extremes(place: int) -> Callable[[Part], list[float]]:
    # As numpy has it, NaN is both the lowest and the highest.
    return lambda part: [row[place] if row[-1] == row[-1] else math.nan for row in part.ordered]


def _points_at(place: int) -> Callable[[Part], list[float]]:
    def values(part: Part) -> list[float]:
        found: list[float] = part.values[:, place].tolist()
        return found

    return values


def _third_highest(part: Part) -> list[float]:
    """Return the third highest of 30 points and more, the second highest of 15, and what is between them of others."""
    count = len(part)
    if count <= 3 or count >= _OF_MANY:
        return [row[-min(3, count)] for row in part.ordered]
    way = max(2 * count / _OF_MANY - 1, 0.0)
    return [row[-2] + (row[-3] - row[-2]) * way if row[-1] == row[-1] else math.nan for row in part.ordered]


def _spreads(part: Part) -> list[float]:
    return [high - low for high, low in zip(part.statistics("max"), part.statistics("min"), strict=True)]


_STATISTICS: Mapping[str, Callable[[Part], list[float]]] = {
    "mean": _means,
    "median": _medians,
    "min": _extremes(0),
    "max": _extremes(-1),
    "first": _points_at(0),
    "last": _points_at(-1),
    "q10": lambda part: part.quantiles(0.1),
    "q90": lambda part: part.quantiles(0.9),
    # One lone spike is not yet a symptom.
    "third_highest": _third_highest,
    "spread": _spreads,
}
STATISTICS = tuple(_STATISTICS)
"""The names of the statistics."""


def statistic_of(values: FloatArray, name: Statistic) -> float:
    """Return a statistic of values that are no curve."""
    return Part("", np.empty(len(values), np.int64), values[None], Aggregation.MEAN).statistics(name)[0]
