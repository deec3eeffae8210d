"""The watcher of a trial: ends it as soon as it is certain that the training is well, or that it is not."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from statistics import fmean

from rldoctor.experiments.treatment.reference_comparison import OUTCOMES, ReferenceComparison, Standing
from rldoctor.model import Run
from rldoctor.training.training_callback import Watcher

# Shares of a whole training. Nothing is decided in its first fifth, as by DoctorCallback.
EARLIEST, EARLIEST_WELL, EARLIEST_BEHIND = 0.2, 0.25, 0.3
# How long a trial must match healthy runs, where the sick run could not be one of them, to count as well, and be behind
# all of them to be stopped. Ours: no recorded healthy run of a reference's recipe is stopped by this.
WELL, BEHIND = 0.15, 0.1
# While it matches, the trial must on average be where at least this share of further healthy seeds would be lower: a
# dip is nothing, but to lag is. Ours, found with the two below by python -m benchmarks.early_stop.
_USUAL = 0.15
# What the trial must itself have gained since its beginning, and while it matches, as shares of what healthy runs
# gained: one that is level because it stands where they pass by is not well.
_RISES, _KEEPS_PACE = 0.5, 0.75


class TrialWatch:
    """A training's watcher that compares it with the reference and stops it.

    Args:
        comparison: With the reference and the sick run.
        watcher: Another watcher, which is notified of everything.
        most_steps: Where the training ends in any case, such as a pilot run.
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
        self._deviations: list[float] = []
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
            self._decide(
                steps, {m: float(c.values[c.steps == steps][-1]) for m, c in curves.items() if steps in c.steps}
            )

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
            if _lasts(self._level_since, steps, WELL * total) and self._is_convincing(standing, steps, numbers):
                return "well"
            behind_counts = self._stops_behind and steps >= EARLIEST_BEHIND * total
            if behind_counts and _lasts(self._behind_since, steps, BEHIND * total):
                return "behind"
        return "enough" if steps >= self._most else ""

    def _match(self, standing: Standing, steps: int, numbers: Mapping[str, float]) -> None:
        """Note since when the trial has matched healthy runs, its numbers of then, and its deviations since."""
        rises = any(self._gain(metric, steps, numbers, self._first) >= _RISES for metric in standing.telling)
        matches = standing.may_be_healthy and rises and steps >= EARLIEST_WELL * self._comparison.total_steps
        if matches and self._level_since is None:
            self._then, self._deviations = dict(numbers), []
        self._deviations.append(standing.deviation)
        self._level_since = _since(matches, self._level_since, steps)

    def _is_convincing(self, standing: Standing, steps: int, numbers: Mapping[str, float]) -> bool:
        """Return whether the trial, having matched for long enough, is neither lagging nor standing still."""
        since = self._level_since
        paces = (self._gain(metric, steps, numbers, self._then, since) for metric in standing.telling)
        return self._comparison.chance(fmean(self._deviations)) >= _USUAL and any(one >= _KEEPS_PACE for one in paces)

    def _gain(
        self, metric: str, steps: int, now: Mapping[str, float], before: Mapping[str, float], since: int | None = None
    ) -> float:
        """Return what the trial gained, as a share of what healthy runs did; infinite where they gained nothing."""
        own, healthy = now[metric] - before.get(metric, math.nan), self._comparison.gained(metric, steps, since)
        return own / healthy if healthy > 0 else math.inf if own >= healthy else -math.inf


def _since(true: bool, since: int | None, steps: int) -> int | None:
    return (steps if since is None else since) if true else None


def _lasts(since: int | None, steps: int, least: float) -> bool:
    return since is not None and steps - since >= least
