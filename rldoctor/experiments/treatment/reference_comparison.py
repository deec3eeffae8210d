"""A training compared with the healthy runs of its reference, and with the sick run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rldoctor.diagnosis.match import differences
from rldoctor.model import Band, Curve, Run
from rldoctor.recipe import Recipe
from rldoctor.references import Reference

# Metrics of the outcome; reports show the first one that was logged.
OUTCOMES = ("success_rate", "episode_return")
# Slack below the band, as a share of what healthy runs gain: outcomes are means over a hundred episodes
# (docs/accuracy.md).
SLACK = 0.1
# Nothing is decided before the band has gained this share of what it gains until the end. Ours.
_LEAST_GAIN = 0.3


@dataclass(frozen=True)
class Standing:
    """Where a training is at one step.

    Attributes:
        level: Every outcome is level with the healthy runs, or better.
        behind: One outcome is clearly worse than that of every healthy run.
        sick_behind: The sick run was behind at this step: to be level is to be better than it.
    """

    level: bool
    behind: bool
    sick_behind: bool


@dataclass(frozen=True)
class ReferenceComparison:
    """What trials are compared with.

    Attributes:
        bands: Outcome metric to the band of the reference's healthy runs; empty without a reference.
        sick: Outcome metric to the sick run's curve.
        total_steps: Environment steps of a whole training.
        recipe: Of the healthy runs; ``None`` without a reference.
    """

    bands: Mapping[str, Band]
    sick: Mapping[str, Curve]
    total_steps: int
    recipe: Recipe | None = None

    def is_of(self, recipe: Recipe) -> bool:
        """Return whether a recipe has the settings of the healthy runs: others may be slower, and no worse for it."""
        return self.recipe is not None and not differences(recipe, self.recipe)

    def standing(self, steps: int, numbers: Mapping[str, float]) -> Standing | None:
        """Return where a training with these latest ``numbers`` is; ``None`` if nothing can be compared."""
        known = [metric for metric in self.bands if math.isfinite(numbers.get(metric, math.nan))]
        if not known:
            return None
        return Standing(
            all(numbers[metric] >= self.least(metric, steps) for metric in known),
            any(self._is_behind(metric, steps, numbers[metric]) for metric in known),
            any(self._is_behind(metric, steps, self.sick_value(metric, steps)) for metric in known),
        )

    def least(self, metric: str, steps: int) -> float:
        """Return the smallest value that still counts as healthy at a step."""
        band = self.bands[metric]
        return float(np.interp(steps, band.steps, band.low)) - SLACK * abs(self._gained(metric, steps))

    def median(self, metric: str, steps: int) -> float:
        """Return the median of healthy runs at a step."""
        band = self.bands[metric]
        return float(np.interp(steps, band.steps, band.median))

    def sick_value(self, metric: str, steps: int) -> float:
        """Return the value of the sick run at a step; NaN if it does not log the metric."""
        curve = self.sick.get(metric)
        return float(np.interp(steps, curve.steps, curve.values)) if curve is not None else math.nan

    def recovered(self, steps: int, numbers: Mapping[str, float]) -> float | None:
        """Return how far a training is from the sick run (0) to the median of healthy runs (1).

        Without a reference it is the lead over the sick run, as a share of the training's own gain. ``None`` if neither
        is known.
        """
        for metric in OUTCOMES:
            value, sick = numbers.get(metric, math.nan), self.sick_value(metric, steps)
            if not (math.isfinite(value) and math.isfinite(sick)) or (self.bands and metric not in self.bands):
                continue
            first = float(self.sick[metric].values[0])
            whole = self.median(metric, steps) - sick if self.bands else abs(value - first)
            return (value - sick) / whole if whole > 0 else None
        return None

    def _gained(self, metric: str, steps: int) -> float:
        return self.median(metric, steps) - float(self.bands[metric].median[0])

    def _is_behind(self, metric: str, steps: int, value: float) -> bool:
        gained, whole = self._gained(metric, steps), self._gained(metric, self.total_steps)
        if gained < _LEAST_GAIN * whole:
            return False
        return value < self.least(metric, steps) - SLACK * abs(gained)


def compare_with(run: Run, reference: Reference | None, total_steps: int) -> ReferenceComparison:
    """Return what the trials of a sick run are compared with."""
    sick = {metric: run.curves[metric].finite() for metric in OUTCOMES if metric in run.curves}
    bands = {} if reference is None else {m: reference.bands[m] for m in OUTCOMES if m in reference.bands}
    of_sick = {metric: curve for metric, curve in sick.items() if len(curve)}
    return ReferenceComparison(bands, of_sick, total_steps, reference.recipe if reference is not None else None)
