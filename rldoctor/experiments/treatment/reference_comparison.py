"""Where a training stands: beside the healthy runs of its reference, and beside the sick run that it is to beat."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rldoctor.model import Band, Curve, Run
from rldoctor.references import Reference

# What tells how a training turns out; the first that is there is the one that is told.
OUTCOMES = ("success_rate", "episode_return")
# Of what healthy runs gain, as slack below the band: outcomes are means over a hundred episodes (docs/accuracy.md).
SLACK = 0.1
# Nothing is told before a band has left its beginning by this share of what it gains until the end. Ours.
_LEAST_GAIN = 0.3


@dataclass(frozen=True)
class Standing:
    """How a training does at one step.

    Attributes:
        inside: Every outcome is level with the healthy runs, or better.
        behind: One outcome is clearly worse than that of every healthy run.
        telling: The sick run was clearly worse at this step: to be inside is to be better than it.
    """

    inside: bool
    behind: bool
    telling: bool


@dataclass(frozen=True)
class ReferenceComparison:
    """What trials are held against.

    Attributes:
        bands: Outcome metric to the band of the reference's healthy runs; none without a reference.
        sick: Outcome metric to the sick run's curve.
        total_steps: Environment steps of a whole training.
    """

    bands: Mapping[str, Band]
    sick: Mapping[str, Curve]
    total_steps: int

    def stands(self, steps: int, numbers: Mapping[str, float]) -> Standing | None:
        """Return how a training with these latest ``numbers`` does; ``None`` where nothing can be held against it."""
        known = [metric for metric in self.bands if math.isfinite(numbers.get(metric, math.nan))]
        if not known:
            return None
        return Standing(
            all(numbers[metric] >= self.floor(metric, steps) for metric in known),
            any(self._is_behind(metric, steps, numbers[metric]) for metric in known),
            any(self._is_behind(metric, steps, self.before(metric, steps)) for metric in known),
        )

    def floor(self, metric: str, steps: int) -> float:
        """Return the least that still counts as healthy at a step."""
        band = self.bands[metric]
        return float(np.interp(steps, band.steps, band.low)) - SLACK * abs(self._gained(metric, steps))

    def median(self, metric: str, steps: int) -> float:
        """Return what healthy runs reach by a step."""
        band = self.bands[metric]
        return float(np.interp(steps, band.steps, band.median))

    def before(self, metric: str, steps: int) -> float:
        """Return what the sick run had reached by a step; NaN where it does not log that."""
        curve = self.sick.get(metric)
        return float(np.interp(steps, curve.steps, curve.values)) if curve is not None else math.nan

    def way(self, steps: int, numbers: Mapping[str, float]) -> float | None:
        """Return how much of the way from the sick run to the healthy runs' median has been made, 1 for all of it.

        Where no healthy runs are known, it is the share of the training's own gain by which it leads the sick run.
        ``None`` where neither can be told.
        """
        for metric in OUTCOMES:
            value, before = numbers.get(metric, math.nan), self.before(metric, steps)
            if not (math.isfinite(value) and math.isfinite(before)) or (self.bands and metric not in self.bands):
                continue
            whole = (
                self.median(metric, steps) - before if self.bands else abs(value - float(self.sick[metric].values[0]))
            )
            return (value - before) / whole if whole > 0 else None
        return None

    def _gained(self, metric: str, steps: int) -> float:
        return self.median(metric, steps) - float(self.bands[metric].median[0])

    def _is_behind(self, metric: str, steps: int, value: float) -> bool:
        gained, whole = self._gained(metric, steps), self._gained(metric, self.total_steps)
        if gained < _LEAST_GAIN * whole:
            return False
        return value < self.floor(metric, steps) - SLACK * abs(gained)


def yardstick(run: Run, reference: Reference | None, total_steps: int) -> ReferenceComparison:
    """Return what the trials of a sick run are held against."""
    sick = {metric: run.curves[metric].finite() for metric in OUTCOMES if metric in run.curves}
    bands = {} if reference is None else {m: reference.bands[m] for m in OUTCOMES if m in reference.bands}
    return ReferenceComparison(bands, {metric: curve for metric, curve in sick.items() if len(curve)}, total_steps)
