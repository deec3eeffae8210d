"""Which rollouts of a training are measured, and what of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.callback.metrics import MEASURES, Metrics, Repetition
from rldoctor.callback.policy_metrics import PolicyProbe, can_probe
from rldoctor.callback.rollout import Rollout, StepRecorder, distance_threshold, stored_rollout, unnormaliser
from rldoctor.model import Json

Guard = Callable[[str, Callable[[], object]], None]
"""``guard(what, act)`` calls ``act``; what it raises is reported as a failure of ``what`` and goes no further."""


class Measuring:
    """Measures rollouts of one training on fixed marks of its plan.

    Args:
        model: An on-policy SB3 algorithm that begins to learn.
        planned: Steps that it will have.
        marks: How many rollouts are measured, evenly over these; 0 for every one that SB3 logs.
        every: Of those, every n-th.
        guard: Keeps failures from the training.
    """

    def __init__(self, model: Any, planned: int, marks: int, every: int, guard: Guard) -> None:
        self._model, self._every, self._guard = model, every, guard
        self._interval, self._next, self._points = planned / marks if marks else 0.0, 0.0, 0
        self._threshold = distance_threshold(model)
        self._probe = PolicyProbe(model) if can_probe(model) else None
        self._recorder = StepRecorder(unnormaliser(model))
        self._repetition = Repetition()
        self.updated: Metrics = {}
        """What is measured of updates since the last point."""
        self.rollouts = 0
        """Rollouts that have begun."""
        self.is_due = False
        """Whether the rollout that is under way is measured."""

    @property
    def pending(self) -> dict[str, Json]:
        """What is pending for the next point of the curves, as a rollout begins: numbers for a checkpoint."""
        # Hexadecimal keeps every bit; the resumed training counts the rollout that begins once more.
        updated = {name: float(value).hex() for name, value in self.updated.items()}
        return {"updated": updated, "rollouts": self.rollouts - 1}

    @property
    def previous_rows(self) -> NDArray[np.uint64]:
        """A digest of each row of the previous rollout (see :class:`Repetition`)."""
        return self._repetition.before

    def restore(self, updated: Metrics, rollouts: int, previous_rows: NDArray[np.uint64]) -> None:
        """Go on from what a checkpoint kept."""
        self.updated, self.rollouts, self._repetition.before = dict(updated), rollouts, previous_rows

    def begin(self, steps: int, log_interval: int | None) -> None:
        """Begin the next rollout, and measure the update that led to it.

        Args:
            steps: Environment steps so far.
            log_interval: Rollouts between two points of the curves; ``None`` where SB3 logs nothing.
        """
        self._recorder.begin()
        self.rollouts += 1
        self.is_due = self._falls_on_a_mark(steps, log_interval)
        if probe := self._probe:
            self._guard("the measurement of an update", lambda: self.updated.update(probe.after_update()))

    def _falls_on_a_mark(self, steps: int, log_interval: int | None) -> bool:
        """Return whether to measure this rollout: SB3 logs after it, and it is the first behind one of the marks."""
        if log_interval and self.rollouts % log_interval:
            return False
        if self._interval:
            if steps < self._next:
                return False
            self._next = (steps // self._interval + 1) * self._interval
        self._points += 1
        return (self._points - 1) % self._every == 0

    def step(self, locals_: Mapping[str, Any]) -> None:
        """Take a vector step of the rollout into account."""
        if self.is_due:
            self._recorder.add(locals_["rewards"], locals_["dones"], locals_["infos"])

    def measure(self, locals_: Mapping[str, Any]) -> Metrics:
        """Return what is measured of the rollout that ended."""
        rollout = stored_rollout(self._model, locals_, self._recorder, self._threshold)
        metrics, self.updated = dict(self.updated), {}
        for measure in (*MEASURES, self._repetition.measure):
            self._guard(f"the measurement of {measure.__name__}", partial(_add, metrics, measure, rollout))
        if probe := self._probe:
            self._guard("the measurement of the policy", lambda: metrics.update(probe.before_update(rollout)))
        return metrics


def _add(metrics: Metrics, measure: Callable[[Rollout], Metrics], rollout: Rollout) -> None:
    metrics |= measure(rollout)
