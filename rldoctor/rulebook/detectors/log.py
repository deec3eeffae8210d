"""Detectors of the log itself: what is not a number, not there, or written in run.json."""

from __future__ import annotations

import numpy as np

from rldoctor.rulebook.case import Case
from rldoctor.rulebook.detectors.detector import Condition, Found, Measured, NotMeasured, OneByOne, ends
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.parts import Part


class NonFinite(OneByOne, frozen=True):
    """Any NaN or infinite value in any curve as logged, except in ``metric``, where it is harmless."""

    measures = "NaN or infinity in any metric but {metric}"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at the raw curves: the finite ones have dropped what is sought."""
        steps = [
            curve.steps[~np.isfinite(curve.values)] for name, curve in case.run.curves.items() if name != self.metric
        ]
        if not steps:
            return NotMeasured("there is no curve")
        bad = np.sort(np.concatenate(steps))
        first, last = ends(bad) if len(bad) else (0, case.run.last_step)
        return Measured(float(len(bad) > 0), float(len(bad)), "only finite values", first, last)


class Recorded(OneByOne, frozen=True, kw_only=True):
    """``run.json`` has ``equals`` under ``key``, or a text that contains ``contains``. ``metric`` is not used."""

    key: str
    equals: str = ""
    contains: str = ""

    def _quantity(self) -> str:
        what = f"contains {self.contains!r}" if self.contains else f"is {self.equals!r}"
        return f"{self.key!r} in run.json {what}"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look into the record."""
        if not case.run.record:
            return NotMeasured("there is no run.json")
        value = str(case.run.record.get(self.key, ""))
        found = self.contains in value.lower() if self.contains else value == self.equals
        return Measured(float(found), float(found), f"no {self.contains or self.equals}", 0, case.run.last_step)


class Missing(OneByOne, frozen=True, kw_only=True):
    """The metric, and all of ``alternatives``, are not logged although another one (``logged``, ``or_logged``) is."""

    logged: str
    or_logged: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()

    measures = "{metric} is not logged although {logged} is"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look whether the metric is there at all."""
        curves = {name: curve for name, curve in case.run.curves.items() if len(curve)}
        own = [curves[name] for name in (self.metric, *self.alternatives) if name in curves]
        others = [curves[name] for name in (self.logged, *self.or_logged) if name in curves]
        if not (own or others):
            return NotMeasured(f"{self.logged} is not in the logs either", self.logged)
        return Measured(float(not own), 0.0, "logged", *ends((own or others)[0].steps))


class NotBelow(OneByOne, frozen=True, kw_only=True):
    """A ``setting``, where the files beside the logs state it, is at least a ``share`` of the run's steps."""

    setting: str
    share: float

    measures = "{setting}, where it is stated, is at least {share:g} of the run"

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look into the settings; a run whose files state none is not ruled out."""
        value = getattr(case.run.settings, self.setting, None)
        last = max(case.run.last_step, 1)
        found = not isinstance(value, (int, float)) or value >= self.share * last
        observed = float(value) / last if isinstance(value, (int, float)) else 0.0
        return Measured(float(found), observed, f"below {self.share:g}", 0, case.run.last_step)


# A tenth of a per cent above the first logged value is rounding, three per cent are not.
_ABOVE_MAXIMUM = 1.03
# Entropy of one dimension of a Gaussian with a standard deviation of 1: (1 + ln 2 pi) / 2. Most policies begin so.
_OF_A_DIMENSION = 1.4189385
_ROUNDING = 0.003
# An entropy that is lower than this in so many rows is gone. Ours.
_GONE, _MOSTLY = 0.01, 0.75


class Discrete(Condition, frozen=True):
    """The policy chooses among numbered actions, as its ``metric``, the entropy, shows.

    A discrete entropy begins at most at its maximum ln n, never rises above it and is never negative; a Gaussian's may
    do both, begins at 1.42 a dimension in most libraries, and its standard deviation is logged by many.
    """

    measures = "{metric} stays between 0 and where it began, as that of numbered actions does"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        gaussian = stack.points("std") > 0
        rows = zip(*(curve.statistics(name) for name in ("min", "max", "first")), curve.quantiles(_MOSTLY), strict=True)
        found = [(not gaussian and _is_discrete(*row), row[1]) for row in rows]
        return [Measured(float(shows), most, "an entropy between 0 and ln n", *curve.ends) for shows, most in found]


def _is_discrete(least: float, most: float, first: float, mostly: float) -> bool:
    dimensions = max(1, round(first / _OF_A_DIMENSION))
    gaussian = abs(first / (dimensions * _OF_A_DIMENSION) - 1) < _ROUNDING
    # One that is gone before the first row rises above that, and yet stays where a Gaussian's would pass through 0.
    bounded = least >= 0 and (most <= _ABOVE_MAXIMUM * first or mostly < _GONE)
    return not gaussian and bounded


# Below this a KL divergence is rounding.
_NO_STEP = 1e-8


class PolicyMoves(Condition, frozen=True):
    """The policy is updated at all: neither the KL divergence nor the learning rate is 0 throughout.

    Whatever the return does in a run whose policy stays the same, the episodes have drawn it.
    """

    measures = "{metric}, learning_rate or policy_weight_change is not 0 throughout"

    def measure_all(self, stack: Stack) -> list[Found]:
        """Look at all metrics that show it."""
        found = [stack.part(name) for name in (self.metric, "learning_rate", "policy_weight_change")]
        logged = [curve for curve in found if curve is not None]
        if not logged:
            return stack.same(NotMeasured(f"{self.metric} is not in the logs", self.metric))
        largest = [curve.known("largest", _largest) for curve in logged]
        smallest = [min(sizes) for sizes in zip(*largest, strict=True)]
        return [Measured(float(size > _NO_STEP), size, "above 0", *logged[0].ends) for size in smallest]


def _largest(curve: Part) -> list[float]:
    return [max(abs(row[0]), abs(row[-1])) for row in curve.ordered]


class Compared(Condition, frozen=True):
    """The run is one of an environment that a reference was recorded on."""

    measures = "a reference of the environment fits"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        if stack.cases[0].reference is None:
            return stack.same(NotMeasured("no reference fits"))
        return stack.same(Measured(1.0, 1.0, "", *curve.ends))
