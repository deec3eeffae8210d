"""The watcher of a trial: ends it as soon as it is certain that the training is well, or that it is not."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from rldoctor.experiments.treatment.reference_comparison import ReferenceComparison
from rldoctor.training.training_callback import Watcher

# Shares of a whole training. Nothing is decided in its first fifth, as by DoctorCallback.
EARLIEST, EARLIEST_BEHIND = 0.2, 0.3
# How long a trial must be level with healthy runs, while the sick run was not, to count as well, and behind all of them
# to be stopped. Ours: no recorded healthy run of a reference's recipe is stopped by this.
WELL, BEHIND = 0.2, 0.1


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

    @property
    def level_since(self) -> int | None:
        """The step since which the training has been level with healthy runs while the sick run was not."""
        return self._level_since

    def _decide(self, steps: int, numbers: Mapping[str, float]) -> str:
        total = self._comparison.total_steps
        standing = self._comparison.standing(steps, numbers)
        if standing is not None and steps >= EARLIEST * total:
            self._level_since = _since(standing.level and standing.sick_behind, self._level_since, steps)
            self._behind_since = _since(standing.behind, self._behind_since, steps)
            if _lasts(self._level_since, steps, WELL * total):
                return "well"
            behind_counts = self._stops_behind and steps >= EARLIEST_BEHIND * total
            if behind_counts and _lasts(self._behind_since, steps, BEHIND * total):
                return "behind"
        return "enough" if steps >= self._most else ""


def _since(true: bool, since: int | None, steps: int) -> int | None:
    return (steps if since is None else since) if true else None


def _lasts(since: int | None, steps: int, least: float) -> bool:
    return since is not None and steps - since >= least
