"""What a verb is: a condition on a case that says what it saw and how strongly, or why it cannot judge.

Each verb is a frozen dataclass whose fields are the keys that a rule file may use. Strength comes from a ramp
``[none, full]``: 0 at the first number, 1 at the second, straight between (with ``log``, in the logarithm). A ramp
that falls means that small values are the symptom.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from rldoctor import stats
from rldoctor.model import Aggregation, Curve, FloatArray, IntArray, Json
from rldoctor.rulebook.case import Case

Ramp = tuple[float, float]
Phase = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verb measured: the number, its strength in [0, 1], where, and what would have been expected."""

    strength: float
    observed: float
    expected: str
    first_step: int
    last_step: int
    band: bool = False


@dataclass(frozen=True, slots=True)
class NotSeen:
    """Why a verb could not judge.

    Attributes:
        reason: In words.
        metric: What is missing, empty where nothing is.
        foreign: The sign is made for other algorithms.
    """

    reason: str
    metric: str = ""
    foreign: bool = False


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


def strength(value: float, ramp: Ramp, log: bool = False) -> float:
    """Return where ``value`` lies on the ramp, clipped to [0, 1]; infinite values lie beyond its end, NaN nowhere."""
    none, full = ramp
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


def widened(ramp: Ramp, curve: Curve, over: str) -> Ramp:
    """Return a ramp made for means over epochs as it has to be for what a curve's values are taken over.

    The extremes of a curve of lone minibatches lie that much further out; only ramps of positive numbers are moved.
    """
    if curve.aggregation is not Aggregation.LAST_MINIBATCH or over not in _OF_FEW_POINTS or min(ramp) <= 0:
        return ramp
    factor = _LONE_MINIBATCH if ramp[1] > ramp[0] else 1.0 / _LONE_MINIBATCH
    return ramp[0] * factor, ramp[1] * factor


def beyond(ramp: Ramp) -> str:
    """Return the expectation that a ramp stands for, in words: the healthy side of where it begins."""
    return f"below {ramp[0]:g}" if ramp[1] > ramp[0] else f"above {ramp[0]:g}"


def window(curve: Curve, phase: Phase) -> Curve:
    """Return the part of a curve in a phase of the run, given as shares of its own steps; at least two points."""
    first, last = float(curve.steps[0]), float(curve.steps[-1])
    low, high = (first + share * (last - first) for share in phase)
    keep = np.flatnonzero((curve.steps >= low) & (curve.steps <= high))
    if len(keep) < 2:
        nearest = int(np.argmin(np.abs(curve.steps - (low + high) / 2)))
        keep = np.arange(max(0, nearest - 1), min(len(curve), nearest + 2))
    return Curve(curve.metric, curve.steps[keep], curve.values[keep], curve.tag, curve.aggregation)


@dataclass(frozen=True)
class Condition:
    """Base of the verbs.

    Attributes:
        metric: What is looked at.
        optional: Where the metric is not logged the condition does not count, and the others decide.
    """

    metric: str = ""
    optional: bool = field(default=False, kw_only=True)

    def measure(self, case: Case) -> Seen | NotSeen:
        """Measure this condition on a case."""
        curve = case.curve(self.metric)
        if curve is None:
            logged = len(case.curves[self.metric]) if self.metric in case.curves else 0
            if logged:
                return NotSeen(f"{self.metric} has only {logged} points")
            return NotSeen(f"{self.metric} is not in the logs", self.metric)
        return self._look(case, curve)

    def _look(self, case: Case, curve: Curve) -> Seen | NotSeen:
        raise NotImplementedError


def evidence(metric: str, seen: Seen) -> dict[str, Json]:
    """Return what was seen as a finding's evidence."""
    return {
        "metric": metric,
        "first_step": seen.first_step,
        "last_step": seen.last_step,
        "observed": seen.observed,
        "expected": seen.expected,
    }


def ends(steps: IntArray) -> tuple[int, int]:
    """Return the first and the last step."""
    return int(steps[0]), int(steps[-1])
