"""Detectors of families of metrics: the terms of a reward, one by one, and what goes with the level of a curriculum."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve, IntArray
from rldoctor.rulebook.case import FEWEST_POINTS, Case
from rldoctor.rulebook.detectors.detector import Found, Graded, Measured, NotMeasured, OneByOne
from rldoctor.rulebook.detectors.scatter import smoothed
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.families import NOTHING, TERM, kind_of, on_one_grid, task_terms, terms_of
from rldoctor.rulebook.parts import Part

# A float32 that is no number but rounding.
_ZERO = 1e-9
_NAMED = 4


class OfFamilies(OneByOne, frozen=True):
    """Base of the detectors that look at all members of a family; ``metric`` is not used."""

    def measure(self, case: Case) -> Measured | NotMeasured:
        """Look at the terms of the reward, as they were logged."""
        finite = {name: curve.finite() for name, curve in case.run.curves.items() if name.startswith(f"{TERM}/")}
        terms = terms_of(finite)
        if len(terms) < 2:
            return NotMeasured("terms of the reward are not in the logs")
        return self._of_terms(case, terms)

    def _of_terms(self, case: Case, terms: dict[str, Curve]) -> Measured | NotMeasured:
        raise NotImplementedError


class DeadTerms(OfFamilies, frozen=True, kw_only=True):
    """Terms of the reward that are 0 over the whole run.

    With ``which = "paying"`` those that should pay: the task where it pays a little from the start, gaits and the like,
    or all terms of the task together. With ``"other"`` costs and rare bonuses, which may well be 0.
    """

    which: Literal["paying", "other"] = "paying"

    measures = "{which} terms of the reward that are 0 throughout"

    def _of_terms(self, case: Case, terms: dict[str, Curve]) -> Measured | NotMeasured:
        steps, values = on_one_grid(terms)
        size = stats.median(np.asarray(sum(np.abs(value) for value in values.values())))
        if size <= _ZERO:
            return NotMeasured("all terms of the reward are 0")
        largest = {name: float(np.max(np.abs(curve.values))) for name, curve in terms.items()}
        task = task_terms(terms)
        # Next to nothing is nothing: a kernel is above 0 everywhere.
        unpaid = task and all(largest[name] <= NOTHING * size for name in task)
        paying: list[str] = []
        other: list[str] = []
        for name, most in largest.items():
            kind = kind_of(TERM, name)
            if name in task and (unpaid or (kind == "task" and most <= NOTHING * size)):
                paying.append(name)
            elif most <= _ZERO:
                (other if kind in ("penalty", "sparse") else paying).append(name)
        found = paying if self.which == "paying" else other
        tags = ", ".join(terms[name].tag for name in found[:_NAMED])
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        return Measured(float(bool(found)), float(len(found)), "0", *_ends(steps), subject=tags + more)


class PenaltyExplodes(OfFamilies, frozen=True, kw_only=True):
    """How many times its earlier size the largest cost of the last points is, where it outweighs all other terms.

    Attributes:
        times: From how many times its earlier size on it counts, and when fully.
    """

    times: tuple[float, float] = (10.0, 50.0)

    measures = "size of a cost in the last points over its median before"

    def _of_terms(self, case: Case, terms: dict[str, Curve]) -> Measured | NotMeasured:
        steps, values = on_one_grid(terms)
        last = max(2, len(steps) // 50)
        if len(steps) < 4 * FEWEST_POINTS:
            return NotMeasured("the terms of the reward have too few points")
        size = np.asarray(sum(np.abs(value) for value in values.values()))
        best = Measured(0.0, 1.0, f"below {self.times[0]:g}", *_ends(steps))
        for name, value in values.items():
            end, before = float(np.min(value[-last:])), -value[: -2 * last]
            usual = max(stats.median(np.abs(before)), _ZERO)
            times = -end / usual
            if end >= 0 or -end < 0.5 * float(np.max(size[-last:])) or times <= best.observed:
                continue
            low, high = np.log(self.times)
            strength = float(np.clip((np.log(times) - low) / (high - low), 0, 1))
            beyond = np.flatnonzero(np.abs(value) > self.times[0] * usual)
            first = int(steps[beyond[0]]) if len(beyond) else int(steps[-1])
            best = Measured(strength, times, best.expected, first, int(steps[-1]), subject=terms[name].tag)
        return best


class FallsAgainst(Graded, frozen=True, kw_only=True):
    """Rank correlation of the metric with another one, from the metric's peak to the end of the run.

    Attributes:
        other: The other metric.
    """

    other: str

    measures = "rank correlation of {metric} with {other} from the peak of {metric} on"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        beside = stack.part(self.other)
        if beside is None:
            return stack.same(NotMeasured(f"{self.other} is not in the logs", self.other))
        observed, steps = [], []
        for row, other, peak in zip(
            curve.values, beside.values, np.argmax(smoothed(curve), axis=1).tolist(), strict=True
        ):
            after, values = curve.steps[peak:], row[peak:]
            enough = len(after) >= 2 * FEWEST_POINTS
            there = np.interp(after, beside.steps, other)
            moves = enough and np.ptp(there) > 0
            observed.append(stats.rank_correlation(there, values) if moves else 0.0)
            steps.append(_ends(after) if enough else curve.ends)
        return self._found_at(observed, steps)


class PartOfRise(Graded, frozen=True, kw_only=True):
    """How far the metric has risen, as a part of how far another one has, from the first to the last fifth of the run.

    Attributes:
        other: The other metric, in the same unit.
    """

    other: str

    measures = "rise of {metric} from the first to the last fifth of the run, as a part of that of {other}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        beside = stack.part(self.other)
        if beside is None:
            return stack.same(NotMeasured(f"{self.other} is not in the logs", self.other))
        levels = [part.evenly(window).medians for part in (curve, beside) for window in ((0.8, 1.0), (0.0, 0.2))]
        rises = [(late - early, there - before) for late, early, there, before in zip(*levels, strict=True)]
        shares = self._found([here / other if other > 0 else 0.0 for here, other in rises], curve.ends)
        none = NotMeasured(f"{self.other} does not rise")
        return [share if other > 0 else none for share, (_, other) in zip(shares, rises, strict=True)]


def _ends(steps: IntArray) -> tuple[int, int]:
    return int(steps[0]), int(steps[-1])
