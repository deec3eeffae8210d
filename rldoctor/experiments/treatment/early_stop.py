"""The watcher of a trial: ends it as soon as it is certain that the training is well, or that it is not."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping

from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison, Standing
from rldoctor.model import Run
from rldoctor.training.training_callback import Watcher

# Shares of a whole training. Nothing is decided in its first fifth, as by DoctorCallback.
EARLIEST, EARLIEST_WELL, EARLIEST_BEHIND = 0.2, 0.25, 0.3
# How long a trial must match healthy runs, where the sick run could not be one of them, to count as well, and be behind
# all of them to be stopped. Ours: no recorded healthy run of a reference's recipe is stopped by this, and harmed runs
# count as well more rarely than by any other rule tried (python -m benchmarks.early_stop).
WELL, BEHIND = 0.15, 0.1
# What a trial must itself have gained since its beginning, and while it matched, as a share of what healthy runs gained:
# one that is level because it stands where they pass by is not well. Ours.
_OWN_GAIN = 0.5


class TrialWatch:
    """A training's watcher that compares it with the reference and stops it.

    Args:
        comparison: With the reference and the sick run.
        watcher: Another watcher, which is notified of everything.
        most_steps: Where the training ends in any case, such as a control that need not be longer than its trial.
        stops_behind: Whether a training that is behind the healthy runs is stopped; with settings of its own it may be
            slower.
    """

    def __init__(
        self, comparison: ReferenceComparison, watcher: Watcher, most_steps: int, *, stops_behind: bool = True
    ) -> None:
        self._comparison = comparison
        self._stops_behind = stops_behind
        self._watcher = watcher
        self._most = most_steps
        self._first: dict[str, float] = {}
        self._then: dict[str, float] = {}
        self._level_since: int | None = None
        self._behind_since: int | None = None
        self.stop = threading.Event()
        self.numbers: dict[str, float] = {}
        self.decision = ""
        """``well``, ``behind`` or ``enough`` once the training has been asked to stop."""

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Take the progress of the training."""
        self._watcher.progressed(steps, numbers)
        self.numbers.update(numbers)
        if not self.decision:
            self.decision = self._decide(steps, numbers)
            if self.decision:
                self.stop.set()

    def recall(self, run: Run) -> None:
        """Take the points of a training that is resumed; none of them ends it."""
        curves = {metric: run.curves[metric].finite() for metric in OUTCOMES if metric in run.curves}
        for steps in sorted({int(step) for curve in curves.values() for step in curve.steps}):
            self._decide(steps, {m: float(c.values[c.steps == steps][-1]) for m, c in curves.items() if steps in c.steps})

    @property
    def level_since(self) -> int | None:
        """The step since which the training has matched healthy runs, of which the sick run could not be one."""
        return self._level_since

    def _decide(self, steps: int, numbers: Mapping[str, float]) -> str:
        total = self._comparison.total_steps
        self._first = {metric: value for metric, value in numbers.items() if math.isfinite(value)} | self._first
        standing = self._comparison.standing(steps, numbers)
        if standing is not None and steps >= EARLIEST * total:
            self._match(standing, steps, numbers)
            self._behind_since = _since(standing.behind, self._behind_since, steps)
            if _lasts(self._level_since, steps, WELL * total) and self._keeps_pace(standing, steps, numbers):
                return "well"
            behind_counts = self._stops_behind and steps >= EARLIEST_BEHIND * total
            if behind_counts and _lasts(self._behind_since, steps, BEHIND * total):
                return "behind"
        return "enough" if steps >= self._most else ""

    def _match(self, standing: Standing, steps: int, numbers: Mapping[str, float]) -> None:
        """Note since when the trial has matched healthy runs, and its numbers of then."""
        rises = any(self._has_gained(metric, steps, numbers, self._first) for metric in standing.telling)
        matches = standing.within and rises and steps >= EARLIEST_WELL * self._comparison.total_steps
        if matches and self._level_since is None:
            self._then = dict(numbers)
        self._level_since = _since(matches, self._level_since, steps)

    def _keeps_pace(self, standing: Standing, steps: int, numbers: Mapping[str, float]) -> bool:
        since = self._level_since
        return any(self._has_gained(metric, steps, numbers, self._then, since) for metric in standing.telling)

    def _has_gained(
        self, metric: str, steps: int, numbers: Mapping[str, float], before: Mapping[str, float], since: int | None = None
    ) -> bool:
        """Return whether the trial gained at least half of what healthy runs did."""
        own = numbers[metric] - before.get(metric, math.nan)
        return own >= _OWN_GAIN * self._comparison.gained(metric, steps, since)


def _since(true: bool, since: int | None, steps: int) -> int | None:
    return (steps if since is None else since) if true else None


def _lasts(since: int | None, steps: int, least: float) -> bool:
    return since is not None and steps - since >= least
