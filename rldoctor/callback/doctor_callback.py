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
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from rldoctor.callback.last_line import say_at_the_end
from rldoctor.callback.live import ScalarMemory
from rldoctor.callback.measuring import Measuring
from rldoctor.callback.metrics import Metrics
from rldoctor.callback.model_settings import model_settings
from rldoctor.callback.not_finite import NotFinite
from rldoctor.callback.off_policy import OffPolicyMeasuring
from rldoctor.diagnosis.live.session import LiveSession
from rldoctor.diagnosis.report import Report
from rldoctor.diagnosis.report_files import write_report
from rldoctor.errors import UsageError
from rldoctor.model import Json, RunDiagnosis, Verdict
from rldoctor.recipe import Recipe

_log = logging.getLogger("rldoctor")

# Rollouts that are measured over a whole training, evenly: each takes some 6 ms.
_MEASURED = 24
# What a training without a folder is called.
_NAMELESS = "this training"


class DoctorCallback(BaseCallback):
    """Measures rollouts, logs under ``doctor/``, and diagnoses the run while it trains.

    Made for PPO; on other on-policy algorithms it measures what applies. Of SAC, TD3, DDPG, TQC, DQN and QR-DQN it
    measures the critic against the returns really got, the target network, the policy and the replay buffer, evenly
    over the steps. RNG states, gradients and weights are never changed:
    the training has the same curves with the callback as without. What is measured and examined when follows from the
    planned steps alone, never from the clock: the same training is stopped at the same step on a busy machine. An error
    in here never ends the training: the measurement is skipped, with one warning on the logger ``rldoctor``. The
    verdict is said in one line when the training ends, also where an exception or Ctrl-C ends it.

    Args:
        stop_when: ``"sick"`` ends a training that is called sick while it runs
            (:class:`~rldoctor.diagnosis.live.course.Course`), and writes ``report.json`` and ``report.txt`` next to
            the event files; ``"never"`` only observes.
        warn: Say on the logger ``rldoctor`` when the verdict changes.
        every: Measure at every n-th of the rollouts that would be measured.
        reference: Reference to compare the run with, such as ``fetch_reach_dense/quick``; by default the one that the
            curves are recognised by, or general ranges.
        patience: Examinations in a row that must agree before a run is called sick, and is stopped; at least 2. By
            default as many as ``checks/live.toml`` says.
        budget: ``math.inf`` measures every rollout that SB3 logs; by default 24 of them are measured, evenly over the
            training, which bounds what it costs (``python -m benchmarks.watch callback``).
        recipe: What is trained, if known; remedies then name the old and the new value.
        last_line: Say the verdict when the training ends.

    Raises:
        UsageError: An argument is out of its range, or there is no such reference.
    """

    def __init__(
        self,
        stop_when: Literal["never", "sick"] = "never",
        warn: bool = True,
        every: int = 1,
        reference: str | None = None,
        patience: int | None = None,
        *,
        budget: float = 0.02,
        recipe: Recipe | None = None,
        last_line: bool = True,
    ) -> None:
        super().__init__()
        if stop_when not in ("never", "sick"):
            raise UsageError(f"stop_when = {stop_when!r} is not known.", 'Use "never" or "sick".')
        if every < 1 or (patience is not None and patience < 2) or not budget > 0:
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
        self._all = math.isinf(budget)
        self._reference = reference
        self._record: dict[str, Json] = {"recipe": recipe.to_json()} if recipe else {}
        self._patience = patience
        self._scalars = ScalarMemory()
        self._live = LiveSession(self._scalars.memory)
        self._failed: set[str] = set()
        self._measuring: Measuring | OffPolicyMeasuring | None = None
        self._restored: tuple[Metrics, int, NDArray[np.uint64]] | None = None
        self._measure_seconds = self._diagnose_seconds = 0.0
        self._on = False
        self._last_line = last_line
        self._say_verdict: Callable[[], object] = lambda: None
        self.stopped = False
        """Whether this callback ended the training."""

    @property
    def seconds(self) -> tuple[float, float]:
        """Wall time that the callback has taken so far: for measuring, for diagnosing."""
        return self._measure_seconds, self._diagnose_seconds

    @property
    def report(self) -> Report | None:
        """The report on the run so far; ``None`` before anything was logged."""
        result = self._result()
        return Report.of("diagnose", [result]) if result else None

    @property
    def verdict(self) -> Verdict:
        """How the training stands by the last examinations; ``unjudged`` while it is too young."""
        return self._live.standing.verdict

    @property
    def pending(self) -> dict[str, Json]:
        """What is pending for the next point of the curves, as a rollout begins: numbers for a checkpoint."""
        return self._measuring.pending if self._measuring else {"updated": {}, "rollouts": -1}

    @property
    def previous_rows(self) -> NDArray[np.uint64]:
        """A digest of each row of the previous rollout (see :class:`~rldoctor.callback.metrics.Repetition`)."""
        return self._measuring.previous_rows if self._measuring else np.empty(0, np.uint64)

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
        self._say_verdict()  # of a training with this callback that broke off
        memory = self._scalars.memory
        if self.model.num_timesteps == 0:
            memory.clear()
        planned = max(1, self.model._total_timesteps)
        # What a recipe states is known from the record.
        settings = None if self._record else model_settings(self.model, planned)
        self._live = LiveSession(memory, planned, self._reference, self._record, self._patience, settings)
        if self._scalars not in self.logger.output_formats:
            self.logger.output_formats.append(self._scalars)
        if self._last_line:
            logger = self.logger
            self._say_verdict = say_at_the_end(self, self._live, lambda: logger.get_dir() or _NAMELESS)
        self._on, self._measuring, self._not_finite = True, None, NotFinite(self.logger)
        marks = 0 if self._all else _MEASURED
        if getattr(self.model, "rollout_buffer", None) is not None:
            self._measuring = Measuring(self.model, planned, marks, self._every, self._guard)
        elif getattr(self.model, "replay_buffer", None) is not None:
            marks = _MEASURED * (4 if self._all else 1)
            self._measuring = OffPolicyMeasuring(self.model, planned, marks, self._every, self._guard)
        else:
            _log.warning(
                "DoctorCallback finds neither a rollout nor a replay buffer in %s. What it logs itself is diagnosed.",
                type(self.model).__name__,
            )
            return
        if self._restored is not None:
            self._measuring.restore(*self._restored)
        self._measure_seconds = self._diagnose_seconds = 0.0

    def _on_rollout_start(self) -> None:
        if not self._on:
            return
        clock = time.perf_counter()
        if self._live.is_due():
            self._guard("the live diagnosis", self._examine)
            self._diagnose_seconds += time.perf_counter() - clock
            clock = time.perf_counter()
        if self._measuring:
            self._measuring.begin(self.num_timesteps, self.locals.get("log_interval", 1))
        self._measure_seconds += time.perf_counter() - clock

    def _on_step(self) -> bool:
        if self._measuring and self._on and not self.stopped:
            try:
                self._measuring.step(self.locals)
                self._not_finite.look(self.num_timesteps, self.locals)
            except Exception as error:
                self._warn_once("the measurement of a step", error)
        return not self.stopped

    def _on_rollout_end(self) -> None:
        if not (self._on and self._measuring and self._measuring.is_due):
            return
        clock = time.perf_counter()
        self._guard("the measurement of a rollout", self._measure)
        self._measure_seconds += time.perf_counter() - clock

    def _on_training_end(self) -> None:
        self._say_verdict()
        if self._on and self._scalars in self.logger.output_formats:
            self.logger.output_formats.remove(self._scalars)

    def _measure(self) -> None:
        assert self._measuring is not None
        for name, value in self._measuring.measure(self.locals).items():
            if math.isfinite(value):
                # The table that SB3 prints is for people; forty more rows would bury it.
                self.logger.record(f"doctor/{name}", value, exclude="stdout")

    def _examine(self) -> None:
        if not (self._warn or self._stop_when == "sick"):
            return
        news = self._live.examine()
        if news and self._warn:
            self._guard("the warning", lambda: self._tell(news))
        if self._stop_when == "sick" and self._live.course.hopeless:
            self._stop()

    def _tell(self, news: str) -> None:
        name = self._live.standing.cause
        words = (news, self._live.remedy(self._result()), f"More: rldoctor explain {name}" if name else "")
        _log.warning("%s", " ".join(word for word in words if word))

    def _stop(self) -> None:
        self.stopped = True
        if self._warn:
            _log.warning("step %s: training stopped by DoctorCallback (stop_when='sick').", f"{self.num_timesteps:,}")
        result, directory = self._result(), self.logger.get_dir()
        if directory and result:
            write_report(Report.of("diagnose", [result]), Path(directory))

    def _result(self) -> RunDiagnosis | None:
        directory = self.logger.get_dir() if hasattr(self, "model") else None
        found: list[RunDiagnosis | None] = [None]
        self._guard("the diagnosis", lambda: found.insert(0, self._live.report(directory or _NAMELESS)))
        return found[0]

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
