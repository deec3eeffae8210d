"""The examination of a training that is still running, from the scalars that it has logged so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter

from rldoctor.diagnosis import diagnose_run
from rldoctor.diagnosis.report import Report
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.model import Curve, Json, RankedDiagnosis, Run, RunDiagnosis, Verdict

# Ours: below ten points a slow start and a sick one look alike. Nor is a run stopped in its first fifth, where healthy
# runs may still stand at the return that they began with, whatever the number of points.
FEWEST_POINTS = 10
LEAST_PROGRESS = 0.2
# The cause must be far more likely than all others and health together. At 0.5 a FetchReach run of 8,192 steps that
# was merely slow was named sick once (52 %); at 0.7 no recorded healthy run is, at any point (docs/accuracy.md).
LEAST_PROBABILITY = 0.7
# So many examinations in a row must agree before anybody is warned.
FEWEST_TO_WARN = 3
# A run whose success flag is broken may learn all the same.
NOT_DOOMED = frozenset({"success-signal-broken"})


class ScalarMemory(KVWriter):
    """One of SB3's outputs: keeps what TensorBoard is given, at the same steps."""

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[int, float]]] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Take one dump of the logger."""
        for tag, value in key_values.items():
            if "tensorboard" in key_excluded.get(tag, ()) or not isinstance(value, (int, float, np.number)):
                continue
            points = self.points.setdefault(tag, [])
            if points and step < points[-1][0]:
                points.clear()
            points.append((step, float(value)))

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    def run(self, path: str, record: Mapping[str, Json]) -> Run:
        """Return the run so far, as reading its event files would."""
        speaking = [names for names in shipped_tag_mappings() if names.framework in ("sb3", "doctor")]
        curves: dict[str, Curve] = {}
        for names in sorted(speaking, key=lambda names: names.supplement):
            for tag, points in self.points.items():
                meaning = names.meaning(tag)
                if meaning is None or meaning.metric in curves:
                    continue
                steps, values = np.array([p[0] for p in points], np.int64), np.array([p[1] for p in points])
                curves[meaning.metric] = Curve(
                    meaning.metric, steps, values * meaning.factor + 0.0, tag, meaning.aggregation
                )
        return Run(path, "sb3", curves, record=record)


@dataclass(frozen=True)
class Patience:
    """When a sick training is given up.

    All must hold: the same leading cause in ``examinations`` examinations in a row, each with new points, each with
    the verdict sick and a probability of at least ``LEAST_PROBABILITY``; ``FEWEST_POINTS`` logged points; and
    ``LEAST_PROGRESS`` of the planned steps done; and the cause is none of ``NOT_DOOMED``. One examination that sees it
    differently starts the count anew. No recorded healthy run is stopped by this (docs/accuracy.md).
    """

    examinations: int = 5


class LiveExamination:
    """Diagnoses a training again and again, and remembers how often in a row it said the same.

    Args:
        memory: What has been logged.
        reference: Name of the reference to hold the run against; recognised from the logs where ``None``.
        record: What ``run.json`` would say, where it is known.
        patience: When to give a sick run up.
    """

    def __init__(
        self, memory: ScalarMemory, reference: str | None, record: Mapping[str, Json], patience: Patience
    ) -> None:
        self._memory = memory
        self._reference = reference
        self._record = record
        self._patience = patience
        self._seen_points = 0
        self._in_a_row = 0
        self._cause = ""
        self._told: set[str] = set()
        self.subject: RunDiagnosis | None = None

    @property
    def points(self) -> int:
        """Points of the longest curve."""
        return max((len(points) for points in self._memory.points.values()), default=0)

    @property
    def has_news(self) -> bool:
        """Whether points have come since the last examination."""
        return self.points > self._seen_points

    def examine(self, path: str) -> RunDiagnosis:
        """Diagnose the run so far."""
        self._seen_points = self.points
        self.subject = diagnose_run(self._memory.run(path, self._record), self._reference)
        leading = self.leading
        cause = leading.name if leading and self.subject.verdict in (Verdict.SICK, Verdict.SUSPECT) else ""
        sick = self.subject.verdict is Verdict.SICK and leading and leading.probability >= LEAST_PROBABILITY
        self._in_a_row = self._in_a_row + 1 if sick and cause == self._cause else int(bool(sick))
        self._cause = cause
        return self.subject

    @property
    def leading(self) -> RankedDiagnosis | None:
        """The cause that the last examination held most likely."""
        causes = self.subject.diagnoses if self.subject else ()
        return next((cause for cause in causes if cause.name != "healthy"), None)

    @property
    def hopeless(self) -> bool:
        """Whether patience with this run is at an end, its progress aside."""
        long_enough = self._in_a_row >= self._patience.examinations and self.points >= FEWEST_POINTS
        return long_enough and self._cause not in NOT_DOOMED

    def news(self) -> str:
        """Return the line to warn with, empty where nothing new is to be said: each cause is named once."""
        leading = self.leading
        if self.subject is None or leading is None or self._in_a_row < FEWEST_TO_WARN or leading.name in self._told:
            return ""
        self._told.add(leading.name)
        remedy = leading.remedy.strip()
        return (
            f"step {self.subject.steps:,}: {self.subject.verdict}, {leading.name} ({leading.probability:.0%}): "
            f"{leading.title.rstrip('.')}. {remedy}{' ' if remedy else ''}More: rldoctor explain {leading.name}"
        )


def report_of(subject: RunDiagnosis) -> Report:
    """Return the report on a run that was examined live."""
    return Report.of("diagnose", [subject])
