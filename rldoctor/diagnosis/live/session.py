"""One training followed from its own process: what it logs, when it is examined, and how it stands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.live.advice import remedy_of
from rldoctor.diagnosis.live.course import Course, Standing
from rldoctor.diagnosis.live.glance import glance
from rldoctor.diagnosis.live.memory import Memory
from rldoctor.diagnosis.live.schedule import Schedule
from rldoctor.model import Json, RankedDiagnosis, RunDiagnosis, Verdict
from rldoctor.model.settings import Settings


class LiveSession:
    """Examines a training at the fixed points of its plan.

    Args:
        memory: What has been logged.
        planned: Steps that the training will have; ``None`` where that is unknown.
        reference: Name of the reference to compare with; recognised from the logs if ``None``.
        record: What ``run.json`` would say, if known.
        patience: See :class:`~rldoctor.diagnosis.live.course.Course`.
        settings: Of the training, if known.
    """

    def __init__(
        self,
        memory: Memory,
        planned: int | None = None,
        reference: str | None = None,
        record: Mapping[str, Json] | None = None,
        patience: int | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.memory = memory
        self.course = Course(patience)
        self._planned = planned
        self._schedule = Schedule(planned)
        self._reference = reference
        self._record = record or {}
        self._settings = settings
        self._added, self._seen = 0, (0, 0)
        self._reported: tuple[int, int] | None = None
        self._report: RunDiagnosis | None = None

    @property
    def standing(self) -> Standing:
        """How the training stands."""
        return self.course.standing

    def is_due(self) -> bool:
        """Return whether new points came and an examination is due at them."""
        added, self._added = self._added, self.memory.added
        if added == self._added:
            return False
        now = self.memory.step, self.memory.points
        if now == self._seen:
            return False
        self._seen = now
        return self._schedule.is_due(*now)

    def examine(self) -> str:
        """Examine the training now, and return what that changed, as a sentence; empty where it changed nothing."""
        self.course.add(glance(self.memory.run("", self._record, self._settings), self._planned, self._reference))
        return self.course.news

    def remedy(self, result: RunDiagnosis | None) -> str:
        """Return what to change about the cause that the training is warned of; empty where there is none.

        Args:
            result: The whole diagnosis of the run so far.
        """
        run = self.memory.run("", self._record, self._settings)
        return remedy_of(run, self.standing.cause, result, self._reference) if self.standing.cause else ""

    def report(self, path: str) -> RunDiagnosis | None:
        """Return the whole diagnosis of the run so far; ``None`` before anything was logged."""
        now = self.memory.step, self.memory.points
        if not now[1]:
            return None
        if self._reported != now or self._report is None:
            self._reported = now
            self._report = diagnose_run(self.memory.run(path, self._record, self._settings), self._reference)
        return self._report


def leading(result: RunDiagnosis) -> RankedDiagnosis | None:
    """Return the most likely cause of a diagnosis, ``None`` where it names none."""
    if result.verdict not in (Verdict.SICK, Verdict.SUSPECT):
        return None
    return next((cause for cause in result.diagnoses if cause.name != "healthy"), None)


_FAULTS = frozenset({Verdict.SICK, Verdict.SUSPECT})


def say_last_line(result: RunDiagnosis | None, live: LiveSession, log: logging.Logger) -> None:
    """Say how a training ended: as a warning, or where all is well as information that is always seen.

    Args:
        result: As for :func:`last_line`.
        live: The training.
        log: The logger for warnings.
    """
    standing = live.standing
    seen_live = result is not None and _seen_live(result, standing) is not None
    line = last_line(result, standing, live.remedy(result) if seen_live else "")
    if result is not None and _FAULTS.intersection((result.verdict, _seen_live(result, standing))):
        log.warning("%s", line)
    elif log.isEnabledFor(logging.INFO):
        log.info("%s", line)
    else:
        print(line, file=sys.stderr)  # noqa: T201  # a healthy training ends with a word too


def last_line(result: RunDiagnosis | None, standing: Standing, remedy: str = "") -> str:
    """Return how a training ended, in one line.

    Args:
        result: The diagnosis of all of it; ``None`` where nothing was logged.
        standing: How it stood at the last examination.
        remedy: What to change about the cause of that.
    """
    if result is None:
        return "rldoctor: unjudged. Nothing was logged."
    if (live := _seen_live(result, standing)) is not None:
        found = f"Since step {standing.since:,}: {standing.cause}. {remedy}".strip()
        return f"rldoctor: {live} after {result.steps:,} steps. {found} More: rldoctor explain {standing.cause}"
    cause = leading(result)
    words = [f"rldoctor: {result.verdict} after {result.steps:,} steps.", result.summary.strip()]
    if cause is not None:
        words += [cause.remedy.strip(), f"More: rldoctor explain {cause.name}"]
    return " ".join(word for word in words if word)


def _seen_live(result: RunDiagnosis, standing: Standing) -> Verdict | None:
    """Return what was found live in a training too short to be judged as a whole; ``None`` where nothing was."""
    return standing.verdict if result.verdict is Verdict.UNJUDGED and standing.verdict in _FAULTS else None
