"""The steps at which a training is examined: fixed by the plan, not by the clock, and so the same on every machine."""

from __future__ import annotations

import math
from bisect import bisect_right

from rldoctor.diagnosis.live.rules import LiveRules, live_rules


def shares(rules: LiveRules | None = None) -> tuple[float, ...]:
    """Return the shares of the planned steps after which a run is examined, in (0, 1]."""
    rules = rules or live_rules()
    early = round(rules.early_until / rules.early_every)
    # The last one is at the end, however far that is from the one before.
    late = math.ceil((1.0 - rules.early_until) / rules.late_every - 1e-9)
    first = [rules.early_every * (i + 1) for i in range(early)]
    return (*first, *(min(1.0, rules.early_until + rules.late_every * (i + 1)) for i in range(late)))


class Schedule:
    """Says at which points of a run it is examined.

    Args:
        planned: Steps that the training will have; ``None`` where that is unknown, and points are counted instead.
    """

    def __init__(self, planned: int | None, rules: LiveRules | None = None) -> None:
        self._rules = rules or live_rules()
        self._steps = [round(share * planned) for share in shares(self._rules)] if planned else []
        self._next_points = self._rules.fewest_points
        self._passed = 0

    def is_due(self, step: int, points: int) -> bool:
        """Return whether a run is examined that has come to ``step`` with so many points; ask once for each point."""
        if points < self._rules.fewest_points:
            return False
        if self._steps:
            passed = bisect_right(self._steps, step)
            # What was due before there were enough points is made up for at the first that is enough.
            due, self._passed = passed > self._passed, max(passed, self._passed)
            return due
        if points < self._next_points:
            return False
        self._next_points = max(points + 1, int(points * self._rules.points_growth))
        return True

    def may_be_due(self, step: float, points: int) -> bool:
        """Return whether :meth:`is_due` would say so, without asking it."""
        if points < self._rules.fewest_points:
            return False
        if self._steps:
            return bisect_right(self._steps, step) > self._passed
        return points >= self._next_points
