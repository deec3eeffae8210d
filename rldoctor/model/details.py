"""What charts and explanations show beyond a report itself: looked up only when a renderer asks for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rldoctor.model.enums import FloatArray, IntArray, Json
from rldoctor.model.results import RunDiagnosis
from rldoctor.model.run import Curve


@dataclass(frozen=True)
class Band:
    """The range of a metric over healthy runs: 5th, 50th, 95th percentile at each step, shape ``(n,)`` each."""

    metric: str
    steps: IntArray
    low: FloatArray
    median: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class EpisodePath:
    """One evaluation episode in space.

    Attributes:
        success: Whether it reached its goal; true where the environment does not say.
        steps: The steps that were kept.
        distances: To the goal at each of these steps, in the environment's unit.
        path: The position at each of these steps.
        goal: The position to reach.
    """

    success: bool
    steps: Sequence[int]
    distances: Sequence[float]
    path: Sequence[Sequence[float]]
    goal: Sequence[float]


class Details:
    """The source of what a report does not hold. This one knows nothing, which every renderer can live with.

    A report of thousands of runs stays small because curves are read here, one run at a time.
    """

    def curves(self, run: RunDiagnosis, points: int) -> Mapping[str, Curve]:
        """Return a run's curves by metric, each thinned to ``points`` points; none where its logs are gone."""
        return {}

    def bands(self, run: RunDiagnosis) -> Mapping[str, Band]:
        """Return, by metric, the bands of the reference that the run was compared with."""
        return {}

    def episodes(self, run: RunDiagnosis) -> Mapping[str, Sequence[Json]]:
        """Return ``distance``, ``return`` and ``success`` of each evaluation episode; nothing without an evaluation."""
        return {}

    def paths(self, run: RunDiagnosis) -> Sequence[EpisodePath]:
        """Return the evaluation episodes in space; none where the environment has no goals."""
        return ()

    def record(self, run: RunDiagnosis) -> Mapping[str, Json]:
        """Return the content of ``run.json``: recipe, versions, machine. Empty where there is none."""
        return {}

    def metric(self, name: str) -> tuple[str, str]:
        """Return a metric's title and unit."""
        return name, ""

    def rule(self, code: str) -> tuple[str, str]:
        """Return what a sign or diagnosis says and why it matters; empty where it is not known."""
        return "", ""
