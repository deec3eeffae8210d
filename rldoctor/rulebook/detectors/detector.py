"""What a detector is: a condition on a case that says what it measured and how strongly, or why it cannot.

Each detector is a frozen struct whose fields are the keys that a rule file may use; its name in the file is that of the
class in snake case. Strength comes from ``thresholds = [none, full]``: 0 at the first number, 1 at the second, straight
between (with ``log``, in the logarithm). Thresholds that fall mean that small values are the symptom.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from msgspec import Struct, structs

from rldoctor import stats
from rldoctor.model import Aggregation, Curve, FloatArray, IntArray
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.families import FAMILY_METRICS

Thresholds = tuple[float, float]
Window = tuple[float, float]
"""A part of a run, as shares of its steps: ``(0.0, 0.1)`` is its first tenth."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a detector measured: the number, its strength in [0, 1], where, and what would have been expected.

    ``subject`` names what it was measured on, as the framework calls it: a tag, or several.
    """

    strength: float
    observed: float
    expected: str
    first_step: int
    last_step: int
    subject: str = ""


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """Why a detector could not judge.

    Attributes:
        reason: In words.
        metric: What is missing, empty where nothing is.
        foreign: The sign is made for other algorithms.
    """

    reason: str
    metric: str = ""
    foreign: bool = False


Statistic = Literal["mean", "median", "min", "max", "first", "last", "q10", "q90", "third_highest", "spread"]
STATISTICS: Mapping[str, Callable[[FloatArray], float]] = {
    "mean": lambda x: float(np.mean(x)),
    "median": stats.median,
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


def strength(value: float, thresholds: Thresholds, log: bool = False) -> float:
    """Return where ``value`` lies between the thresholds, clipped to [0, 1]; NaN is nowhere: 0."""
    none, full = thresholds
    if math.isnan(value):
        return 0.0
    if log:
        tiny = 1e-300
        value, none, full = (math.log(max(number, tiny)) for number in (value, none, full))
    return min(max((value - none) / (full - none), 0.0), 1.0)


# The value of an update's last minibatch is off the mean of its last epoch by more than this factor 1 time in 20
# (approx_kl of Pendulum-v1, benchmarks.frameworks.cleanrl_style --minibatches). A median of many updates is not.
_LONE_MINIBATCH = 2.5
_OF_FEW_POINTS = ("max", "min", "third_highest", "q10", "q90", "first", "last", "spread")


def widened(thresholds: Thresholds, curve: Curve, statistic: str) -> Thresholds:
    """Return thresholds that were made for means over epochs as they have to be for a curve of lone minibatches.

    The extremes of such a curve lie that much further out; only positive thresholds are moved.
    """
    if curve.aggregation is not Aggregation.LAST_MINIBATCH or statistic not in _OF_FEW_POINTS or min(thresholds) <= 0:
        return thresholds
    factor = _LONE_MINIBATCH if thresholds[1] > thresholds[0] else 1.0 / _LONE_MINIBATCH
    return thresholds[0] * factor, thresholds[1] * factor


def part_of(curve: Curve, window: Window) -> Curve:
    """Return the part of a curve in a window of the run, as shares of its own steps; at least two points."""
    first, last = float(curve.steps[0]), float(curve.steps[-1])
    low, high = (first + share * (last - first) for share in window)
    keep = np.flatnonzero((curve.steps >= low) & (curve.steps <= high))
    if len(keep) < 2:
        nearest = int(np.argmin(np.abs(curve.steps - (low + high) / 2)))
        keep = np.arange(max(0, nearest - 1), min(len(curve), nearest + 2))
    return Curve(curve.metric, curve.steps[keep], curve.values[keep], curve.tag, curve.aggregation)


def during(window: Window) -> str:
    """Return a window in words: ``in the last 15 % of the run``."""
    low, high = (round(100 * share) for share in window)
    if (low, high) == (0, 100):
        return "over the whole run"
    if low == 0:
        return f"in the first {high} % of the run"
    return f"in the last {100 - low} % of the run" if high == 100 else f"from {low} to {high} % of the run"


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Condition(Struct, frozen=True, forbid_unknown_fields=True, tag_field="detector", tag=_snake_case):
    """Base of the detectors.

    Attributes:
        measures: What is measured, in words, with keys to fill in.
        metric: What is looked at.
        optional: Where the metric is not logged the condition does not count, and the others decide.
    """

    measures: ClassVar[str] = ""
    as_logged: ClassVar[bool] = False
    metric: str = ""
    optional: bool = False

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Measure this condition on a case."""
        curve = case.curve(self.metric, self.as_logged)
        if curve is None:
            logged = len(case.curves[self.metric]) if self.metric in case.curves else 0
            if logged:
                return NotMeasured(f"{self.metric} has only {logged} points")
            return NotMeasured(f"{self.metric} is not in the logs", self.metric)
        measured = self._look(case, curve)
        if isinstance(measured, Measured) and curve.metric in FAMILY_METRICS:
            return replace(measured, subject=curve.tag)
        return measured

    def _look(self, case: Case, curve: Curve) -> Measured | NotMeasured:
        raise NotImplementedError

    def _quantity(self) -> str:
        """Return what is measured, in words."""
        keys = structs.asdict(self)
        return self.measures.format_map(keys | {key: during(keys[key]) for key in ("window", "early") if key in keys})

    def describe(self) -> str:
        """Return what is measured and when that counts, in words."""
        needed = ", where it is logged" if self.optional else ""
        return f"{self.__struct_config__.tag}: {self._quantity()}{needed}"


class Graded(Condition, frozen=True, kw_only=True):
    """Base of the detectors whose strength depends on a number.

    Attributes:
        thresholds: The number from which the sign has a strength, and the one at which that is full.
        log: Whether strength grows with the logarithm of the number.
    """

    thresholds: Thresholds
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse thresholds that leave nothing between them."""
        if self.thresholds[0] == self.thresholds[1]:
            raise ValueError(f"thresholds = {list(self.thresholds)} must be two different numbers")

    def describe(self) -> str:
        """Return what is measured and between which thresholds its strength grows, in words."""
        none, full = self.thresholds
        scale = " on a logarithmic scale" if self.log else ""
        return f"{super().describe()}, strength from 0 at {none:g} to 1 at {full:g}{scale}"

    def _found(self, observed: float, steps: IntArray, thresholds: Thresholds | None = None) -> Measured:
        """Return what a number comes to, on the way from the first to the last of ``steps``."""
        bounds = thresholds or self.thresholds
        expected = f"{'below' if bounds[1] > bounds[0] else 'above'} {bounds[0]:g}"
        return Measured(strength(observed, bounds, self.log), observed, expected, *ends(steps))


def ends(steps: IntArray) -> tuple[int, int]:
    """Return the first and the last step."""
    return int(steps[0]), int(steps[-1])
