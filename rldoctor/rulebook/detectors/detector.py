"""What a detector is: a condition on a case that says what it measured and how strongly, or why it cannot.

Each detector is a frozen struct whose fields are the keys that a rule file may use; its name in the file is that of the
class in snake case. Strength comes from ``thresholds = [none, full]``: 0 at the first number, 1 at the second, straight
between (with ``log``, in the logarithm). Thresholds that fall mean that small values are the symptom.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import ClassVar

from msgspec import Struct, structs

from rldoctor.model import Aggregation, IntArray
from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.families import FAMILY_METRICS
from rldoctor.rulebook.parts import Part, Window

Thresholds = tuple[float, float]
# Whatever is smaller has the logarithm of this.
_TINY = 1e-300


class Measured(Struct, frozen=True):
    """What a detector measured: the number, its strength in [0, 1], where, and what would have been expected.

    ``subject`` names what it was measured on, as the framework calls it: a tag, or several.
    """

    strength: float
    observed: float
    expected: str
    first_step: int
    last_step: int
    subject: str = ""


class NotMeasured(Struct, frozen=True):
    """Why a detector could not judge.

    Attributes:
        reason: In words.
        metric: What is missing, empty where nothing is.
        foreign: The sign is made for other algorithms.
    """

    reason: str
    metric: str = ""
    foreign: bool = False


Found = Measured | NotMeasured


def strength(value: float, thresholds: Thresholds, log: bool = False) -> float:
    """Return where ``value`` lies between the thresholds, clipped to [0, 1]; NaN is nowhere: 0."""
    none, full = thresholds
    if math.isnan(value):
        return 0.0
    if log:
        value = math.log(max(value, _TINY))
        none, full = _logarithms(thresholds)
    return min(max((value - none) / (full - none), 0.0), 1.0)


def strengths(values: Iterable[float], thresholds: Thresholds, log: bool = False) -> list[float]:
    """Return the :func:`strength` of each value."""
    none, full = _logarithms(thresholds) if log else thresholds
    if log:
        values = [math.log(value if value > _TINY else _TINY) if value == value else value for value in values]
    width = full - none
    # NaN is not above 0 either.
    return [0.0 if not (at := (value - none) / width) > 0.0 else min(at, 1.0) for value in values]


@lru_cache(1024)
def _logarithms(thresholds: Thresholds) -> Thresholds:
    return math.log(max(thresholds[0], _TINY)), math.log(max(thresholds[1], _TINY))


# The value of an update's last minibatch is off the mean of its last epoch by more than this factor 1 time in 20
# (approx_kl of Pendulum-v1, benchmarks.frameworks.cleanrl_style --minibatches). A median of many updates is not.
_LONE_MINIBATCH = 2.5
_OF_FEW_POINTS = ("max", "min", "third_highest", "q10", "q90", "first", "last", "spread")


def widened(thresholds: Thresholds, curve: Part, statistic: str) -> Thresholds:
    """Return thresholds that were made for means over epochs as they have to be for a curve of lone minibatches.

    The extremes of such a curve lie that much further out; only positive thresholds are moved.
    """
    if curve.aggregation is not Aggregation.LAST_MINIBATCH or statistic not in _OF_FEW_POINTS or min(thresholds) <= 0:
        return thresholds
    factor = _LONE_MINIBATCH if thresholds[1] > thresholds[0] else 1.0 / _LONE_MINIBATCH
    return thresholds[0] * factor, thresholds[1] * factor


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
        as_logged: The curve is looked at as references are recorded.
        always: Whether every curve that has enough points can be judged.
    """

    measures: ClassVar[str] = ""
    as_logged: ClassVar[bool] = False
    always: ClassVar[bool] = False
    metric: str = ""
    optional: bool = False

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Measure this condition on a case."""
        return self.measure_all(Stack.alone(case))[0]

    def measure_all(self, stack: Stack) -> list[Found]:
        """Measure this condition on each case of a stack."""
        curve = stack.part(self.metric, self.as_logged)
        if curve is None:
            logged = stack.points(self.metric)
            return stack.same(_too_few(self.metric, logged) if logged else _not_logged(self.metric))
        found = self._look(stack, curve)
        if self.metric in FAMILY_METRICS:
            tags = [case.curves[self.metric].tag for case in stack.cases]
            return [_about(item, tag) for item, tag in zip(found, tags, strict=True)]
        return found

    def is_judged_on(self, stack: Stack) -> bool:
        """Return whether :meth:`measure_all` is sure to measure something; where that is not known, it is not."""
        return self.always and stack.part(self.metric, self.as_logged) is not None

    def is_missing_from(self, logged: Collection[str]) -> NotMeasured | None:
        """Return what :meth:`measure` says of every case that has points of ``logged`` alone, where that is known."""
        if type(self).measure_all is not Condition.measure_all or self.metric in logged:
            return None
        return _not_logged(self.metric)

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        """Return what is found on the metric of each case."""
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

    def _found(
        self, observed: Sequence[float], steps: tuple[int, int], thresholds: Thresholds | None = None
    ) -> list[Found]:
        """Return what the number of each case comes to, on the way from the first to the last of two ``steps``."""
        bounds = thresholds or self.thresholds
        expected, (first, last) = _expected(bounds), steps
        strong = strengths(observed, bounds, self.log)
        return [
            Measured(strength, number, expected, first, last) for strength, number in zip(strong, observed, strict=True)
        ]

    def _found_at(self, observed: Sequence[float], steps: Sequence[tuple[int, int]]) -> list[Found]:
        """Return what the number of each case comes to, each at ``steps`` of its own."""
        expected = _expected(self.thresholds)
        strong = strengths(observed, self.thresholds, self.log)
        rows = zip(strong, observed, steps, strict=True)
        return [Measured(strength, number, expected, first, last) for strength, number, (first, last) in rows]


class OneByOne(Condition, frozen=True):
    """Base of the detectors that look at each case by itself."""

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Measure this condition on a case."""
        raise NotImplementedError

    def measure_all(self, stack: Stack) -> list[Found]:
        """Measure this condition on each case of a stack."""
        return [self.measure(case) for case in stack.cases]


@lru_cache
def _expected(bounds: Thresholds) -> str:
    return f"{'below' if bounds[1] > bounds[0] else 'above'} {bounds[0]:g}"


@lru_cache
def _not_logged(metric: str) -> NotMeasured:
    return NotMeasured(f"{metric} is not in the logs", metric)


def _about(found: Found, tag: str) -> Found:
    return structs.replace(found, subject=tag) if isinstance(found, Measured) else found


def _too_few(metric: str, points: int) -> NotMeasured:
    return NotMeasured(f"{metric} has only {points} points")


def ends(steps: IntArray) -> tuple[int, int]:
    """Return the first and the last step."""
    return int(steps[0]), int(steps[-1])
