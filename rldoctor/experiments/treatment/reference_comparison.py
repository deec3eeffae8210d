"""A training compared with the healthy runs of its reference, and with the sick run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from rldoctor.diagnosis.match import differences
from rldoctor.experiments.treatment import significance
from rldoctor.model import Band, Curve, Run
from rldoctor.recipe import Recipe
from rldoctor.recording.bands import FEWEST_SEEDS
from rldoctor.references import Reference

# Metrics of the outcome; reports show the first one that was logged.
OUTCOMES = ("success_rate", "episode_return")
# Slack below the band, as a share of what healthy runs gain: outcomes are means over a hundred episodes
# (docs/accuracy.md).
SLACK = 0.1
# A run is not behind before the band has gained this share of what it gains until the end. Ours.
_LEAST_GAIN = 0.3
# A run is no healthy seed at a step if one more of them would be as low with less than this probability. Ours.
_NO_SEED = 0.025
# Deviations are no larger: where healthy seeds do not differ at all, any other value would be infinitely far.
_FARTHEST = 100.0


@dataclass(frozen=True)
class Standing:
    """Where a training is at one step.

    Attributes:
        level: Every outcome is level with the healthy runs, or better.
        behind: One outcome is clearly worse than that of every healthy run.
        deviation: From the median of healthy seeds, as Student's t of one more of them; of the lowest outcome.
        may_be_healthy: One more healthy seed could be as low.
        telling: Outcomes in which the sick run is no healthy seed at this step: to match those is to be better than it.
    """

    level: bool
    behind: bool
    deviation: float
    may_be_healthy: bool
    telling: Set[str]


@dataclass(frozen=True)
class ReferenceComparison:
    """What trials are compared with.

    Attributes:
        bands: Outcome metric to the band of the reference's healthy runs; empty without a reference.
        sick: Outcome metric to the sick run's curve.
        total_steps: Environment steps of a whole training.
        recipe: Of the healthy runs; ``None`` without a reference.
        seeds: How many healthy runs the bands are made of.
    """

    bands: Mapping[str, Band]
    sick: Mapping[str, Curve]
    total_steps: int
    recipe: Recipe | None = None
    seeds: int = FEWEST_SEEDS

    def is_of(self, recipe: Recipe) -> bool:
        """Return whether a recipe has the settings of the healthy runs: others may be slower, and no worse for it."""
        return self.recipe is not None and not differences(recipe, self.recipe)

    def standing(self, steps: int, numbers: Mapping[str, float]) -> Standing | None:
        """Return where a training with these latest ``numbers`` is; ``None`` if nothing can be compared."""
        known = [metric for metric in self.bands if math.isfinite(numbers.get(metric, math.nan))]
        if not known:
            return None
        deviation = min(self._deviation(metric, steps, numbers[metric]) for metric in known)
        return Standing(
            all(numbers[metric] >= self.least(metric, steps) for metric in known),
            any(self._is_behind(metric, steps, numbers[metric]) for metric in known),
            deviation,
            self.chance(deviation) >= _NO_SEED,
            {metric for metric in known if self._is_telling(metric, steps)},
        )

    def chance(self, deviation: float) -> float:
        """Return the probability that one more healthy seed deviates from their median at least so far downwards."""
        return significance.student_tail(-deviation, self.seeds - 1)

    def least(self, metric: str, steps: int) -> float:
        """Return the smallest value that still counts as healthy at a step."""
        return self._low(metric, steps) - SLACK * abs(self.gained(metric, steps))

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

    def gained(self, metric: str, steps: int, since: int | None = None) -> float:
        """Return what the median of healthy runs has gained since a step, or since their first point."""
        first = float(self.bands[metric].median[0]) if since is None else self.median(metric, since)
        return self.median(metric, steps) - first

    def _low(self, metric: str, steps: int) -> float:
        band = self.bands[metric]
        return float(np.interp(steps, band.steps, band.low))

    def _deviation(self, metric: str, steps: int, value: float) -> float:
        """Return how far a value is from the median of healthy seeds, as Student's t of one more of them."""
        away = value - self.median(metric, steps)
        high = float(np.interp(steps, self.bands[metric].steps, self.bands[metric].high))
        spread = significance.standard_deviation(high - self._low(metric, steps), self.seeds)
        if spread <= 0:
            return math.copysign(_FARTHEST, away) if away else 0.0
        return max(-_FARTHEST, min(_FARTHEST, away / (spread * math.sqrt(1 + 1 / self.seeds))))

    def _is_telling(self, metric: str, steps: int) -> bool:
        """Return whether the sick run is below what one more healthy seed would have, beyond chance and the slack."""
        median, sick, gained = self.median(metric, steps), self.sick_value(metric, steps), self.gained(metric, steps)
        if not math.isfinite(sick) or gained <= 0 or sick >= median - SLACK * gained:
            return False
        return self.chance(self._deviation(metric, steps, sick)) < _NO_SEED

    def _is_behind(self, metric: str, steps: int, value: float) -> bool:
        gained, whole = self.gained(metric, steps), self.gained(metric, self.total_steps)
        if gained < _LEAST_GAIN * whole:
            return False
        return value < self.least(metric, steps) - SLACK * abs(gained)


def compare_with(run: Run, reference: Reference | None, total_steps: int) -> ReferenceComparison:
    """Return what the trials of a sick run are compared with."""
    sick = {metric: run.curves[metric].finite() for metric in OUTCOMES if metric in run.curves}
    of_sick = {metric: curve for metric, curve in sick.items() if len(curve)}
    if reference is None:
        return ReferenceComparison({}, of_sick, total_steps)
    bands = {metric: reference.bands[metric] for metric in OUTCOMES if metric in reference.bands}
    # 0 where the reference does not say.
    seeds = max(reference.healthy_seeds, FEWEST_SEEDS)
    return ReferenceComparison(bands, of_sick, total_steps, reference.recipe, seeds)
