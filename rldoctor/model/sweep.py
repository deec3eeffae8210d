"""The settings of a sweep compared: what their runs reached, and how certain that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rldoctor.model.enums import Json


@dataclass(frozen=True)
class Sample:
    """One number of each run of a setting, and their statistics.

    Attributes:
        metric: Canonical name, such as ``success_rate``.
        title: In words.
        unit: ``m`` for metres, ``s`` for seconds; empty for plain numbers.
        values: A run each; runs that have no such number are left out.
        mean: Arithmetic mean; NaN, like the others, where there is no value.
        std: Sample standard deviation (divided by n - 1); NaN for fewer than two values.
        iqm: Interquartile mean.
        low: Lower end of the 95 % bootstrap interval of ``iqm``.
        high: Its upper end.
        improvement: Probability that a run of this setting is better than one of the baseline setting, ties counted
            half; NaN for the baseline itself and for numbers of which none is better.
        improvement_low: Lower end of its 95 % bootstrap interval.
        improvement_high: Its upper end.
    """

    metric: str
    title: str
    unit: str
    values: tuple[float, ...]
    mean: float
    std: float
    iqm: float
    low: float
    high: float
    improvement: float
    improvement_low: float
    improvement_high: float


@dataclass(frozen=True)
class Trend:
    """A curve over the runs of a setting: interquartile mean and its 95 % bootstrap interval at each step."""

    metric: str
    steps: tuple[int, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class SettingResult:
    """What the runs of one setting reached.

    Attributes:
        name: The varied settings, such as ``clip_range=0.1``.
        baseline: Whether the other settings are compared with this one.
        changes: The varied settings and their values.
        planned: Runs that were planned.
        finished: Runs that were trained and evaluated.
        stable: Whether the success rate's standard deviation over seeds is below 5 %; ``None`` where that is unknown.
        verdicts: Number of runs by verdict.
        samples: The numbers, success first.
        trends: The curves.
    """

    name: str
    baseline: bool
    changes: Mapping[str, Json]
    planned: int
    finished: int
    stable: bool | None
    verdicts: Mapping[str, Json] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()
    trends: tuple[Trend, ...] = ()

    def sample(self, metric: str) -> Sample | None:
        """Return the numbers of a metric, ``None`` where no run has any."""
        return next((sample for sample in self.samples if sample.metric == metric), None)


@dataclass(frozen=True)
class TrialResult:
    """One run of a sweep: where it is, how it ended, and its numbers by metric."""

    setting: str
    seed: int
    path: str
    status: str
    verdict: str
    diagnosis: str
    numbers: Mapping[str, Json] = field(default_factory=dict)
