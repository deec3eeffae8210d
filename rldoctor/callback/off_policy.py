"""Which moments of an off-policy training are measured, and what of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.callback.measuring import Guard
from rldoctor.callback.metrics import Metrics, actions, episodes, goals, observations, rewards
from rldoctor.callback.q_metrics import QProbe, finite, goal_batch
from rldoctor.callback.replay import Storing, age, recent
from rldoctor.callback.rollout import StepRecorder, distance_threshold, unnormaliser
from rldoctor.model import Json

# Vector steps before a mark that are recorded as the environments returned them.
_RECORDED = 1024
# Measurements of a rollout that hold for replayed steps too.
_OF_STEPS = (observations, goals, rewards, episodes, actions)


class OffPolicyMeasuring:
    """Measures an off-policy training on fixed marks of its plan: what :class:`Measuring` is for rollouts.

    Args:
        model: An off-policy SB3 algorithm that begins to learn.
        planned: Steps that it will have.
        marks: How often it is measured, evenly over these; 0 for four times as often as by default.
        every: Of those, every n-th.
        guard: Keeps failures from the training.
        probe: What measures the networks; made for the model by default.
    """

    def __init__(
        self, model: Any, planned: int, marks: int, every: int, guard: Guard, probe: QProbe | None = None
    ) -> None:
        self._model, self._guard = model, guard
        self._interval = max(1.0, planned / marks * every)
        self._next = model.num_timesteps + self._interval
        self._storing = Storing(model)
        self._recorder = StepRecorder(unnormaliser(model))
        self._threshold = distance_threshold(model)
        self._probe = probe
        if probe is None:
            guard("the measurement of the critic", self._find_networks)
        self.is_due = False
        """Whether what was collected last is measured."""

    def _find_networks(self) -> None:
        self._probe = QProbe(self._model)

    @property
    def pending(self) -> dict[str, Json]:
        """What a checkpoint keeps: nothing, each measurement stands by itself."""
        return {"updated": {}, "rollouts": -1}

    @property
    def previous_rows(self) -> NDArray[np.uint64]:
        """Digests of the previous rollout: there is none."""
        return np.empty(0, np.uint64)

    def restore(self, updated: Metrics, rollouts: int, previous_rows: NDArray[np.uint64]) -> None:
        """Go on from what a checkpoint kept: nothing."""

    def begin(self, steps: int, _log_interval: int | None) -> None:
        """Begin the next steps; SB3's interval of logging counts episodes here, and plays no part."""
        self.is_due = steps >= self._next

    def step(self, locals_: Mapping[str, Any]) -> None:
        """Take a vector step into account."""
        left = self._next - self._model.num_timesteps
        near = left <= _RECORDED * self._model.n_envs
        self._storing.step(locals_, remember=near)
        if near:
            self._recorder.add(locals_["rewards"], locals_["dones"], locals_["infos"])

    def measure(self, _locals: Mapping[str, Any]) -> Metrics:
        """Return what is measured now: the steps since the last mark are stored, the update is to come."""
        self._next = (self._model.num_timesteps // self._interval + 1) * self._interval
        metrics: Metrics = {}
        part = recent(self._model)
        if part is None:
            return metrics
        rollout = part.rollout(self._recorder, self._threshold)
        for measure in _OF_STEPS:
            self._add(metrics, measure.__name__, partial(measure, rollout))
        self._add(metrics, "the replay buffer", self._storing.measure)
        self._add(metrics, "the buffer's age", partial(age, self._model))
        if (probe := self._probe) is not None:
            self._add(metrics, "the critic", lambda: probe.measure(part))
            self._add(metrics, "what actions do", lambda: probe.effect(rollout))
        self._add(metrics, "a batch with goals", partial(goal_batch, self._model))
        self._recorder.begin()
        return finite(metrics)

    def _add(self, metrics: Metrics, what: str, measure: Callable[[], Metrics]) -> None:
        self._guard(f"the measurement of {what}", lambda: metrics.update(measure()))
