"""Curves as the detectors see them: every window is cut, and every statistic of it computed, once for a run."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import numpy as np

from rldoctor.model import Curve, FloatArray

Window = tuple[float, float]
"""A part of a run, as shares of its steps: ``(0.0, 0.1)`` is its first tenth."""
Statistic = Literal["mean", "median", "min", "max", "first", "last", "q10", "q90", "third_highest", "spread"]

# So many numbers are put in order sooner in a list than in an array.
_FEW = 32
_WHOLE: Window = (0.0, 1.0)
_T = TypeVar("_T")


class Part(Curve):
    """A curve, or the points of one in a window of the run, with what has been computed of it so far."""

    __slots__ = ("_known",)
    _known: dict[Any, Any]

    @classmethod
    def of(cls, curve: Curve, points: slice = slice(None)) -> Part:
        """Make one of some points of a curve, which follow each other."""
        part = cls(curve.metric, curve.steps[points], curve.values[points], curve.tag, curve.aggregation)
        object.__setattr__(part, "_known", {})
        return part

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
            found = self._known[window] = Part.of(self, self._points(window))
        return found

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
    def ordered(self) -> list[float]:
        """The values in ascending order, NaN last."""
        return self.known("ordered", _ordered)

    @property
    def median(self) -> float:
        """The median of the values, NaN where one is NaN."""
        return self.known("median", _median)

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last step."""
        known = self._known
        if "ends" not in known:
            known["ends"] = _ends(self)
        found: tuple[int, int] = known["ends"]
        return found

    def statistic(self, name: Statistic) -> float:
        """Return a statistic of the values."""
        known = self._known
        if name not in known:
            known[name] = STATISTICS[name](self)
        found: float = known[name]
        return found

    def quantile(self, share: float) -> float:
        """Return the value below which a share of the values lies, as ``np.quantile`` interpolates it."""
        ordered = self.ordered
        if math.isnan(ordered[-1]):
            return math.nan
        at = share * (len(ordered) - 1)
        below = math.floor(at)
        rest, low, high = at - below, ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        return high - (high - low) * (1.0 - rest) if rest >= 0.5 else low + (high - low) * rest


def _steps(part: Part) -> list[int]:
    steps: list[int] = part.steps.tolist()
    return steps


def _ends(part: Part) -> tuple[int, int]:
    return int(part.steps[0]), int(part.steps[-1])


def _ordered(part: Part) -> list[float]:
    values: list[float] = part.values.tolist()
    # A sum that is no number is one of NaN, or of two infinities.
    if len(values) > _FEW or math.isnan(sum(values)):
        values = np.sort(part.values).tolist()
    else:
        values.sort()
    return values


def _median(part: Part) -> float:
    ordered = part.ordered
    middle, odd = divmod(len(ordered), 2)
    if math.isnan(ordered[-1]):
        return math.nan
    return ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) / 2


def _mean(part: Part) -> float:
    return float(np.add.reduce(part.values)) / len(part.values)


def _extreme(place: int) -> Callable[[Part], float]:
    def value(part: Part) -> float:
        ordered = part.ordered
        # As numpy has it, NaN is both the lowest and the highest.
        return ordered[-1] if math.isnan(ordered[-1]) else ordered[place]

    return value


STATISTICS: Mapping[str, Callable[[Part], float]] = {
    "mean": _mean,
    "median": _median,
    "min": _extreme(0),
    "max": _extreme(-1),
    "first": lambda part: float(part.values[0]),
    "last": lambda part: float(part.values[-1]),
    "q10": lambda part: part.quantile(0.1),
    "q90": lambda part: part.quantile(0.9),
    # Of the three highest: one lone spike is not yet a symptom.
    "third_highest": lambda part: part.ordered[-min(3, len(part.values))],
    "spread": lambda part: part.statistic("max") - part.statistic("min"),
}


def statistic_of(values: FloatArray, name: Statistic) -> float:
    """Return a statistic of values that are no curve."""
    return Part.of(Curve("", np.empty(0, np.int64), values)).statistic(name)
