"""Which criteria an evaluation must pass: the recipe's, or for another environment those that its baselines give."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rldoctor.gate.evaluation import Evaluation
from rldoctor.model import Json
from rldoctor.recipe import Criterion, Recipe, changed_criteria
from rldoctor.run_record import as_number, json_table

STANDARD_ERRORS = 3.0
"""How many standard errors a mean return must be above a baseline's: chance does it once in 700 evaluations."""
STANDARD_DEVIATIONS = 0.5
"""How many standard deviations of the baseline's episodes it must be above at least, however many episodes there are.

A medium effect (Cohen 1988, "Statistical power analysis", d = 0.5): less is real at best, and too little to be trained.
"""
BASELINES = ("zero_action", "random")


def stated_criteria(runs: Sequence[Evaluation], recipe: Recipe | None) -> Mapping[str, Criterion]:
    """Return the criteria for one run, or for several that are judged together.

    They are those of ``recipe``, if one was asked for, or of the recipe that was trained, if its environment is the one
    that it was made for. A model, or a recipe on another environment, must be better than the zero-action and the
    random policy by a margin: three standard errors of the difference, and at least half a standard deviation of that
    policy's returns.
    """
    if recipe is not None:
        return recipe.criteria
    trained = runs[0].recipe
    if trained is not None and trained.criteria and "env" not in trained.overrides:
        return trained.criteria
    found = {}
    for name in BASELINES:
        margins = [margin for run in runs if (margin := _margin(run, name)) is not None]
        if margins:
            found[f"return_over_{name}"] = Criterion(above=float(f"{max(margins):.3g}"))
    return found


def required_criteria(
    stated: Mapping[str, Criterion], own: Mapping[str, Criterion], require: Sequence[str], whose: str
) -> Mapping[str, Criterion]:
    """Return the criteria with those of the configuration and of the command line, which come last.

    Raises:
        UsageError: ``require`` names an unknown criterion, or gives no valid threshold.
    """
    return changed_criteria({**stated, **own}, require, whose)


def _margin(run: Evaluation, name: str) -> float | None:
    """Return by how much the mean return must be above a baseline's; ``None`` where that was not measured."""
    baseline = json_table(run.baselines, name)
    count, mine, theirs = len(run.episodes), _std(run.numbers), _std(baseline)
    if as_number(baseline.get("return_mean")) is None or mine is None or theirs is None or not count:
        return None
    return max(STANDARD_ERRORS * math.sqrt((mine**2 + theirs**2) / count), STANDARD_DEVIATIONS * theirs)


def _std(numbers: Mapping[str, Json]) -> float | None:
    return as_number(numbers.get("return_std"))
