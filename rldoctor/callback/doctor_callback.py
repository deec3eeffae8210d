"""A callback for any Stable-Baselines3 training: it measures what SB3 does not log, warns, and can stop the training.

``model.learn(100_000, callback=rldoctor.DoctorCallback())`` is all it takes. Everything is logged under ``doctor/``
at the step at which SB3 dumps its own scalars: a point at step N describes the rollout that ended at N (observations,
rewards, actions, advantages, and the policy that collected them) and, where it speaks of an update
(``update_alignment``, ``critic_improvement``, ``*_weight_change``), the update on the rollout of the point before, as
SB3's ``train/`` tags do where it logs every rollout.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import TensorBoardOutputFormat

from rldoctor.callback.live import FEWEST_POINTS, LEAST_PROGRESS, LiveDiagnosis, Patience, ScalarMemory, report_of
from rldoctor.callback.metrics import MEASURES, Metrics, Repetition
from rldoctor.callback.policy_metrics import PolicyProbe, can_probe
from rldoctor.callback.rollout import Rollout, StepRecorder, distance_threshold, stored_rollout, unnormaliser
from rldoctor.diagnosis.report_files import write_report
from rldoctor.errors import UsageError
from rldoctor.model import Json, Report
from rldoctor.recipe import Recipe

_log = logging.getLogger("rldoctor")

# Share of the callback's time budget for measuring; the rest is for diagnosing.
_MEASURING = 0.65
# The first rollouts are measured whatever that costs, so that the shortest training has some points.
_ALWAYS_MEASURED = 6
# Seconds that the first diagnosis takes: it reads the rulebook.
_FIRST_DIAGNOSIS = 0.3


class DoctorCallback(BaseCallback):
    """Measures each rollout, logs under ``doctor/``, and diagnoses the run while it trains.

    Made for PPO; on other on-policy algorithms it measures what applies. An off-policy algorithm is not measured, and
    one line says so. RNG states, gradients and weights are never changed: the training has the same curves with the
    callback as without. An error in here never ends the training: the measurement is skipped, with one warning on the
    logger ``rldoctor``.

    Args:
        stop_when: ``"sick"`` ends a doomed training early, by the rule of
            :class:`~rldoctor.callback.live.Patience`, and writes ``report.json`` and ``report.txt`` next to
            the event files; ``"never"`` only observes.
        warn: Name each new leading cause once, as a warning on the logger ``rldoctor``.
        every: Measure at every n-th point of the curves (rollouts that SB3 logs).
        reference: Reference to compare the run with, such as ``fetch_reach_dense/quick``; by default the one that the
            curves are recognised by, or general ranges.
        patience: Diagnoses in a row that must agree before a sick run is stopped.
        budget: Largest share of the training time to take: rollouts are skipped rather than exceed it. Which ones
            depends on the clock; ``math.inf`` measures and diagnoses at every point.
        recipe: What is trained, if known; remedies then name the old and the new value.

    Raises:
        UsageError: An argument is out of its range, or there is no such reference.
    """

    def __init__(
        self,
        stop_when: Literal["never", "sick"] = "never",
        warn: bool = True,
        every: int = 1,
        reference: str | None = None,
        patience: int = 5,
        *,
        budget: float = 0.025,
        recipe: Recipe | None = None,
    ) -> None:
        super().__init__()
        if stop_when not in ("never", "sick"):
            raise UsageError(f"stop_when = {stop_when!r} is not known.", 'Use "never" or "sick".')
        if every < 1 or patience < 2 or not budget > 0:
            raise UsageError(
                f"every = {every}, patience = {patience}, budget = {budget}: out of range.",
                "every must be at least 1, patience at least 2, budget above 0.",
            )
        if reference is not None:
            from rldoctor import references

            references.load(reference)
        self._stop_when = stop_when
        self._warn = warn
        self._every = every
        self._budget = budget
        self._reference = reference
        self._record: dict[str, Json] = {"recipe": recipe.to_json()} if recipe else {}
        self._patience = Patience(patience)
        self._memory = ScalarMemory()
        self._live = LiveDiagnosis(self._memory, reference, self._record, self._patience)
        self._failed: set[str] = set()
        self._updated: Metrics = {}
        self._repetition, self._rollouts = Repetition(), 0
        self._restored: tuple[Metrics, int, NDArray[np.uint64]] | None = None
        self._measure_seconds = self._diagnose_seconds = 0.0
        self._on = self._due = False
        self.stopped = False
        """Whether this callback ended the training."""

    @property
    def seconds(self) -> tuple[float, float]:
        """Wall time that the callback has taken so far: for measuring, for diagnosing."""
        return self._measure_seconds, self._diagnose_seconds

    @property
    def report(self) -> Report | None:
        """The report on the run so far; ``None`` before anything was logged."""
        if self._live.has_news:
            self._guard("the diagnosis", lambda: self._live.diagnose(self._place()))
        return report_of(self._live.result) if self._live.result else None

    @property
    def pending(self) -> dict[str, Json]:
        """What is pending for the next point of the curves, as a rollout begins: numbers for a checkpoint."""
        # Hexadecimal keeps every bit; the resumed training counts the rollout that begins once more.
        updated = {name: float(value).hex() for name, value in self._updated.items()}
        return {"updated": updated, "rollouts": self._rollouts - 1}

    @property
    def previous_rows(self) -> NDArray[np.uint64]:
        """A digest of each row of the previous rollout (see :class:`Repetition`)."""
        return self._repetition.before

    def restore(self, pending: Mapping[str, Any], previous_rows: NDArray[np.uint64]) -> None:
        """Begin the next training with what a checkpoint kept of another process's callback.

        Raises:
            ValueError, KeyError, TypeError: ``pending`` is not what :attr:`pending` gives.
        """
        updated = {name: float.fromhex(value) for name, value in pending["updated"].items()}
        self._restored = updated, int(pending["rollouts"]), previous_rows

    def _on_training_start(self) -> None:
        self.stopped = self._on = False
        self._guard("all measurements", self._start)

    def _start(self) -> None:
        if getattr(self.model, "rollout_buffer", None) is None:
            _log.warning(
                "DoctorCallback measures on-policy algorithms only, not %s. "
                "rldoctor diagnose still reads its TensorBoard logs.",
                type(self.model).__name__,
            )
            return
        if self.model.num_timesteps == 0:
            self._memory.points.clear()
            self._live = LiveDiagnosis(self._memory, self._reference, self._record, self._patience)
        self._threshold = distance_threshold(self.model)
        self._probe = PolicyProbe(self.model) if can_probe(self.model) else None
        self._recorder = StepRecorder(unnormaliser(self.model))
        self._repetition, self._rollouts = Repetition(), 0
        self._measured = self._points = 0
        if self._restored is not None:
            self._updated, self._rollouts, self._repetition.before = self._restored
        self._measure_seconds = self._diagnose_seconds = self._last_measure = 0.0
        self._last_diagnose = _FIRST_DIAGNOSIS
        self._begun = time.perf_counter()
        if self._memory not in self.logger.output_formats:
            self.logger.output_formats.append(self._memory)
        self._on = True

    def _on_rollout_start(self) -> None:
        if not self._on:
            return
        clock = time.perf_counter()
        self._recorder.begin()
        self._rollouts += 1
        self._due = self._is_due()
        if probe := self._probe:
            self._guard("the measurement of an update", lambda: self._updated.update(probe.after_update()))
        self._measure_seconds += time.perf_counter() - clock
        if self._may_diagnose():
            self._guard("the live diagnosis", self._diagnose)

    def _on_step(self) -> bool:
        if self._on and not self.stopped:
            try:
                self._take_step()
            except Exception as error:
                self._warn_once("the measurement of a step", error)
        return not self.stopped

    def _take_step(self) -> None:
        if self._due:
            self._recorder.add(self.locals["rewards"], self.locals["dones"], self.locals["infos"])
        observed = self.locals["new_obs"]
        for value in observed.values() if isinstance(observed, dict) else (observed,):
            # A sum is the cheapest test of all entries: NaN and infinities survive it.
            if value.dtype.kind == "f" and not math.isfinite(value.sum()) and "nan" not in self._failed:
                self._report_nonfinite(observed)

    def _report_nonfinite(self, observed: Any) -> None:
        """Log it now: SB3 raises at the next step, before anything of this rollout is logged."""
        values = list(observed.values()) if isinstance(observed, dict) else [observed]
        count, size = sum(int((~np.isfinite(value)).sum()) for value in values), sum(value.size for value in values)
        if not count:  # the sum itself overflowed
            return
        self._failed.add("nan")
        _log.warning("step %d: %d of %d observation entries are NaN or infinite.", self.num_timesteps, count, size)
        share = {"doctor/observation_nonfinite": count / size}
        for output in self.logger.output_formats:
            if isinstance(output, (TensorBoardOutputFormat, ScalarMemory)):
                output.write(share, dict.fromkeys(share, ()), self.num_timesteps)

    def _on_rollout_end(self) -> None:
        if not (self._on and self._due):
            return
        clock = time.perf_counter()
        self._guard("the measurement of a rollout", self._measure)
        self._last_measure = time.perf_counter() - clock
        self._measure_seconds += self._last_measure

    def _on_training_end(self) -> None:
        if self._on and self._memory in self.logger.output_formats:
            self.logger.output_formats.remove(self._memory)

    def _is_due(self) -> bool:
        """Return whether to measure this rollout: SB3 logs after it, ``every`` selects it, the budget allows it."""
        interval = self.locals.get("log_interval", 1)
        if interval and self._rollouts % interval:
            return False
        self._points += 1
        if (self._points - 1) % self._every:
            return False
        allowed = self._budget * _MEASURING * (time.perf_counter() - self._begun)
        return self._measured < _ALWAYS_MEASURED or self._measure_seconds + self._last_measure <= allowed

    def _measure(self) -> None:
        rollout = stored_rollout(self.model, self.locals, self._recorder, self._threshold)
        metrics = dict(self._updated)
        self._updated = {}
        for measure in (*MEASURES, self._repetition.measure):
            self._guard(f"the measurement of {measure.__name__}", partial(_add, metrics, measure, rollout))
        if probe := self._probe:
            self._guard("the measurement of the policy", lambda: metrics.update(probe.before_update(rollout)))
        self._measured += 1
        for name, value in metrics.items():
            if math.isfinite(value):
                # The table that SB3 prints is for people; forty more rows would bury it.
                self.logger.record(f"doctor/{name}", value, exclude="stdout")

    def _may_diagnose(self) -> bool:
        if not (self._warn or self._stop_when == "sick") or not self._live.has_news:
            return False
        if self._live.points < FEWEST_POINTS:
            return False
        allowed = self._budget * (1.0 - _MEASURING) * (time.perf_counter() - self._begun)
        return self._diagnose_seconds + self._last_diagnose <= allowed

    def _diagnose(self) -> None:
        clock = time.perf_counter()
        result = self._live.diagnose(self._place())
        news = self._live.news()
        if news and self._warn:
            _log.warning(news)
        planned = max(1, self.model._total_timesteps)
        if self._stop_when == "sick" and self._live.hopeless and self.num_timesteps >= LEAST_PROGRESS * planned:
            self.stopped = True
            if self._warn:
                _log.warning(
                    "step %s: training stopped by DoctorCallback (stop_when='sick').", f"{self.num_timesteps:,}"
                )
            directory = self.logger.get_dir()
            if directory:
                write_report(report_of(result), Path(directory))
        self._last_diagnose = time.perf_counter() - clock
        self._diagnose_seconds += self._last_diagnose

    def _place(self) -> str:
        directory = self.logger.get_dir() if hasattr(self, "model") else None
        return directory or "this training"

    def _guard(self, what: str, act: Callable[[], object]) -> None:
        """Call ``act``; what it raises must not reach the user's training."""
        try:
            with np.errstate(all="ignore"):
                act()
        except Exception as error:
            self._warn_once(what, error)

    def _warn_once(self, what: str, error: Exception) -> None:
        if what not in self._failed:
            self._failed.add(what)
            _log.warning("DoctorCallback skips %s: %s: %s", what, type(error).__name__, error)


def _add(metrics: Metrics, measure: Callable[[Rollout], Metrics], rollout: Rollout) -> None:
    metrics |= measure(rollout)
