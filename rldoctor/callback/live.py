"""The diagnosis of a training that is still running, from the scalars that it has logged so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.report import Report
from rldoctor.logs.curves import to_curves
from rldoctor.logs.frameworks import shipped_tag_mappings
from rldoctor.model import Json, RankedDiagnosis, Run, RunDiagnosis, Verdict

# Ours: below ten points a slow start and a sick one look alike. Nor is a run stopped in its first fifth, where healthy
# runs may still stand at the return that they began with, whatever the number of points.
FEWEST_POINTS = 10
LEAST_PROGRESS = 0.2
# The cause must be far more likely than all others and health together. At 0.5 a FetchReach run of 8,192 steps that
# was merely slow was called sick once (52 %); at 0.7 no recorded healthy run is, at any point (docs/accuracy.md).
LEAST_PROBABILITY = 0.7
# Diagnoses in a row that must agree before anybody is warned.
FEWEST_TO_WARN = 3
# A run whose success flag is broken may learn all the same.
NOT_DOOMED = frozenset({"success-signal-broken"})


class ScalarMemory(KVWriter):
    """An output of SB3's logger that keeps what TensorBoard gets, at the same steps."""

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[int, float]]] = {}

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Keep one dump of the logger."""
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
        mappings = [mapping for mapping in shipped_tag_mappings() if mapping.framework in ("sb3", "doctor")]
        points = {
            tag: (np.array([step for step, _ in dumped], np.int64), np.array([value for _, value in dumped]))
            for tag, dumped in self.points.items()
        }
        return Run(path, "sb3", to_curves(points, mappings)[0], record=record)


@dataclass(frozen=True)
class Patience:
    """When a sick training is stopped.

    All of these are required: the same leading cause in ``diagnoses`` diagnoses in a row, each with new points, the
    verdict sick and a probability of at least ``LEAST_PROBABILITY``; ``FEWEST_POINTS`` logged points;
    ``LEAST_PROGRESS`` of the planned steps done; and a cause that is not in ``NOT_DOOMED``. One diagnosis that differs
    resets the count. No recorded healthy run is stopped by this (docs/accuracy.md).
    """

    diagnoses: int = 5


class LiveDiagnosis:
    """Diagnoses a training repeatedly, and counts how many diagnoses in a row agree.

    Args:
        memory: What has been logged.
        reference: Name of the reference to compare with; recognised from the logs if ``None``.
        record: What ``run.json`` would say, if known.
        patience: When to stop a sick run.
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
        self._warned: set[str] = set()
        self.result: RunDiagnosis | None = None

    @property
    def points(self) -> int:
        """Points of the longest curve."""
        return max((len(points) for points in self._memory.points.values()), default=0)

    @property
    def has_news(self) -> bool:
        """Whether there are new points since the last diagnosis."""
        return self.points > self._seen_points

    def diagnose(self, path: str) -> RunDiagnosis:
        """Diagnose the run so far."""
        self._seen_points = self.points
        self.result = diagnose_run(self._memory.run(path, self._record), self._reference)
        leading = self.leading
        cause = leading.name if leading and self.result.verdict in (Verdict.SICK, Verdict.SUSPECT) else ""
        sick = self.result.verdict is Verdict.SICK and leading and leading.probability >= LEAST_PROBABILITY
        self._in_a_row = self._in_a_row + 1 if sick and cause == self._cause else int(bool(sick))
        self._cause = cause
        return self.result

    @property
    def leading(self) -> RankedDiagnosis | None:
        """The most likely cause by the last diagnosis."""
        causes = self.result.diagnoses if self.result else ()
        return next((cause for cause in causes if cause.name != "healthy"), None)

    @property
    def hopeless(self) -> bool:
        """Whether this run should be stopped once it is far enough."""
        long_enough = self._in_a_row >= self._patience.diagnoses and self.points >= FEWEST_POINTS
        return long_enough and self._cause not in NOT_DOOMED

    def news(self) -> str:
        """Return the warning to log, empty if there is none: each cause is named once."""
        leading = self.leading
        if self.result is None or leading is None or self._in_a_row < FEWEST_TO_WARN or leading.name in self._warned:
            return ""
        self._warned.add(leading.name)
        remedy = leading.remedy.strip()
        return (
            f"step {self.result.steps:,}: {self.result.verdict}, {leading.name} ({leading.probability:.0%}): "
            f"{leading.title.rstrip('.')}. {remedy}{' ' if remedy else ''}More: rldoctor explain {leading.name}"
        )


def report_of(result: RunDiagnosis) -> Report:
    """Return the report on a run that was diagnosed live."""
    return Report.of("diagnose", [result])
