"""The watcher of a trial: ends it as soon as it is sure that the patient is well, or that it is not."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from rldoctor.experiments.treatment.reference_comparison import ReferenceComparison
from rldoctor.training.training_callback import Watcher

# Shares of a whole training. Nothing is judged in its first fifth, as by DoctorCallback.
EARLIEST, EARLIEST_BEHIND = 0.2, 0.3
# How long a trial must be level with healthy runs, while the sick run was not, until it is well, and behind them all
# until it is given up. Ours: no recorded healthy run of a reference's recipe is given up by this.
WELL, BEHIND = 0.2, 0.1


class TrialWatch:
    """A training's watcher that holds it against a yardstick and stops it.

    Args:
        yardstick: What it is held against.
        onlooker: Another watcher, who is told everything.
        most_steps: Where it ends in any case, such as a control that need not go on longer than what it controls.
    """

    def __init__(self, yardstick: ReferenceComparison, onlooker: Watcher, most_steps: int) -> None:
        self._yardstick = yardstick
        self._onlooker = onlooker
        self._most = most_steps
        self._inside_since: int | None = None
        self._behind_since: int | None = None
        self.stop = threading.Event()
        self.numbers: dict[str, float] = {}
        self.decision = ""
        """``well``, ``behind`` or ``enough`` once the training was told to stop."""

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        """Take the progress of the training."""
        self._onlooker.progressed(steps, numbers)
        self.numbers.update(numbers)
        if not self.decision:
            self.decision = self._decide(steps, numbers)
            if self.decision:
                self.stop.set()

    @property
    def level_since(self) -> int | None:
        """The step from which on the training has been level with healthy runs while the sick run was not."""
        return self._inside_since

    def _decide(self, steps: int, numbers: Mapping[str, float]) -> str:
        total = self._yardstick.total_steps
        stands = self._yardstick.stands(steps, numbers)
        if stands is not None and steps >= EARLIEST * total:
            self._inside_since = _since(stands.inside and stands.telling, self._inside_since, steps)
            self._behind_since = _since(stands.behind, self._behind_since, steps)
            if _lasts(self._inside_since, steps, WELL * total):
                return "well"
            if steps >= EARLIEST_BEHIND * total and _lasts(self._behind_since, steps, BEHIND * total):
                return "behind"
        return "enough" if steps >= self._most else ""


def _since(holds: bool, since: int | None, steps: int) -> int | None:
    return (steps if since is None else since) if holds else None


def _lasts(since: int | None, steps: int, least: float) -> bool:
    return since is not None and steps - since >= least
