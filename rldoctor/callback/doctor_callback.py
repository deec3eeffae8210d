"""A callback that examines any Stable-Baselines3 training: it measures what SB3 does not log, warns, and may stop.

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

from rldoctor.callback.live import FEWEST_POINTS, LEAST_PROGRESS, LiveExamination, Patience, ScalarMemory, report_of
from rldoctor.callback.metrics import MEASURES, Metrics, Repetition
from rldoctor.callback.policy_metrics import PolicyProbe, can_probe
from rldoctor.callback.rollout import Rollout, StepRecorder, distance_threshold, stored_rollout, unnormaliser
from rldoctor.diagnosis.report_files import write_report
from rldoctor.errors import UsageError
from rldoctor.model import Json, Report
from rldoctor.recipe import Recipe

_log = logging.getLogger("rldoctor")

# Of the time that the callback may take, what goes into measuring; the rest is for diagnosing.
_MEASURING = 0.65
# So many rollouts are measured whatever they cost, that the shortest training has something to look at.
_ALWAYS_MEASURED = 6
# Seconds that the first diagnosis takes: it reads the rulebook.
_FIRST_EXAMINATION = 0.3


class DoctorCallback(BaseCallback):
    """Measures each rollout, logs under ``doctor/``, and examines the run while it trains.

    Made for PPO; what applies is measured on other on-policy algorithms too. An off-policy algorithm is left alone,
    with one line that says so. Random states, gradients and weights are never touched: a training has the same curves
    with it as without. Nothing that goes wrong in here ends a training: a measurement that fails is left out, with
    one warning on the logger ``rldoctor``.

    Args:
        stop_when: ``"sick"`` ends a doomed training early, by the rule of
            :class:`~rldoctor.callback.live.Patience`, and leaves ``report.json`` and ``report.txt`` beside
            the event files; ``"never"`` only looks on.
        warn: Name each new leading cause once, as a warning on the logger ``rldoctor``.
        every: Measure every so many points of the curves (rollouts that SB3 logs).
        reference: Reference to hold the run against, such as ``fetch_reach_dense/quick``; by default the one that is
            recognised from the curves, or general ranges.
        patience: Examinations in a row that must say the same before a sick run is stopped.
        budget: Largest share of the training time to take: rollouts are left out rather than exceed it. Which ones
            depends on the clock; ``math.inf`` measures and examines at every point.
        recipe: What is trained, where it is known; remedies then say from what to what.

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
            raise UsageError(f"stop_when = {stop_when!r} is not known.", 'Allowed: "never", "sick".')
        if every < 1 or patience < 2 or not budget > 0:
            raise UsageError(
                f"every = {every}, patience = {patience}, budget = {budget}: out of range.",
                "every is at least 1, patience at least 2, budget above 0.",
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
        self._live = LiveExamination(self._memory, reference, self._record, self._patience)
        self._failed: set[str] = set()
        self._updated: Metrics = {}
        self._repetition, self._rollouts = Repetition(), 0
        self._continued: tuple[Metrics, int, NDArray[np.uint64]] | None = None
        self._measure_seconds = self._examine_seconds = 0.0
        self._on = self._due = False
        self.stopped = False
        """Whether this callback ended the training."""

    @property
    def seconds(self) -> tuple[float, float]:
        """What the callback took of the training's wall time so far: for measuring, for diagnosing."""
        return self._measure_seconds, self._examine_seconds

    @property
    def report(self) -> Report | None:
        """The report on the run so far; ``None`` before anything was logged."""
        if self._live.has_news:
            self._guard("the diagnosis", lambda: self._live.examine(self._place()))
        return report_of(self._live.subject) if self._live.subject else None

    @property
    def noted(self) -> dict[str, Json]:
        """What is kept for the next point of the curves, as numbers; asked as a rollout begins."""
        # Hexadecimal keeps every bit; the rollout that begins is counted once more by the training that goes on.
        updated = {name: float(value).hex() for name, value in self._updated.items()}
        return {"updated": updated, "rollouts": self._rollouts - 1}

    @property
    def rows_before(self) -> NDArray[np.uint64]:
        """A digest of each row of the rollout before (see :class:`Repetition`)."""
        return self._repetition.before

    def goes_on(self, noted: Mapping[str, Any], rows_before: NDArray[np.uint64]) -> None:
        """Begin the next training with what another process's callback had ``noted`` as its rollout began.

        Raises:
            ValueError, KeyError, TypeError: That is not what :attr:`noted` gives.
        """
        updated = {name: float.fromhex(value) for name, value in noted["updated"].items()}
        self._continued = updated, int(noted["rollouts"]), rows_before

    def _on_training_start(self) -> None:
        self.stopped = self._on = False
        self._guard("everything", self._start)

    def _start(self) -> None:
        if getattr(self.model, "rollout_buffer", None) is None:
            _log.warning(
                "DoctorCallback looks into on-policy algorithms; %s is left alone. "
                "rldoctor diagnose reads its TensorBoard logs all the same.",
                type(self.model).__name__,
            )
            return
        if self.model.num_timesteps == 0:
            self._memory.points.clear()
            self._live = LiveExamination(self._memory, self._reference, self._record, self._patience)
        self._threshold = distance_threshold(self.model)
        self._probe = PolicyProbe(self.model) if can_probe(self.model) else None
        self._recorder = StepRecorder(unnormaliser(self.model))
        self._repetition, self._rollouts = Repetition(), 0
        self._measured = self._points = 0
        if self._continued is not None:
            self._updated, self._rollouts, self._repetition.before = self._continued
        self._measure_seconds = self._examine_seconds = self._last_measure = 0.0
        self._last_examine = _FIRST_EXAMINATION
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
        if self._probe is not None and (probe := self._probe):
            self._guard("the look after an update", lambda: self._updated.update(probe.after_update()))
        self._measure_seconds += time.perf_counter() - clock
        if self._may_examine():
            self._guard("the live examination", self._examine)

    def _on_step(self) -> bool:
        if self._on and not self.stopped:
            try:
                self._take_step()
            except Exception as error:
                self._say_once("the look at a step", error)
        return not self.stopped

    def _take_step(self) -> None:
        if self._due:
            self._recorder.add(self.locals["rewards"], self.locals["dones"], self.locals["infos"])
        seen = self.locals["new_obs"]
        for value in seen.values() if isinstance(seen, dict) else (seen,):
            # A sum is the cheapest look at all entries: NaN and infinities survive it.
            if value.dtype.kind == "f" and not math.isfinite(value.sum()) and "nan" not in self._failed:
                self._observations_broke(seen)

    def _observations_broke(self, seen: Any) -> None:
        """Say it now: SB3 raises at the next step, before anything of this rollout is logged."""
        values = list(seen.values()) if isinstance(seen, dict) else [seen]
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
        """Tell whether this rollout is to be measured: SB3 will log after it, it is our turn, and there is time."""
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
        if self._probe is not None and (probe := self._probe):
            self._guard("the look at the policy", lambda: metrics.update(probe.before_update(rollout)))
        self._measured += 1
        for name, value in metrics.items():
            if math.isfinite(value):
                # The table that SB3 prints is for people; forty more rows would bury it.
                self.logger.record(f"doctor/{name}", value, exclude="stdout")

    def _may_examine(self) -> bool:
        if not (self._warn or self._stop_when == "sick") or not self._live.has_news:
            return False
        if self._live.points < FEWEST_POINTS:
            return False
        allowed = self._budget * (1.0 - _MEASURING) * (time.perf_counter() - self._begun)
        return self._examine_seconds + self._last_examine <= allowed

    def _examine(self) -> None:
        clock = time.perf_counter()
        subject = self._live.examine(self._place())
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
                write_report(report_of(subject), Path(directory))
        self._last_examine = time.perf_counter() - clock
        self._examine_seconds += self._last_examine

    def _place(self) -> str:
        directory = self.logger.get_dir() if hasattr(self, "model") else None
        return directory or "this training"

    def _guard(self, what: str, act: Callable[[], object]) -> None:
        """Do ``act``; whatever it raises must not reach the user's training."""
        try:
            with np.errstate(all="ignore"):
                act()
        except Exception as error:
            self._say_once(what, error)

    def _say_once(self, what: str, error: Exception) -> None:
        if what not in self._failed:
            self._failed.add(what)
            _log.warning("DoctorCallback leaves out %s: %s: %s", what, type(error).__name__, error)


def _add(metrics: Metrics, measure: Callable[[Rollout], Metrics], rollout: Rollout) -> None:
    metrics |= measure(rollout)
