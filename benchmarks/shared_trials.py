"""Trials that several treatments have in common, trained once.

Many faults of one recipe, in runs of one seed, are cured by the same recipe: their trials are the same training. Where the
watch of a treatment would end it at the same step and with the same decision, the trial is taken over from the treatment
that trained it, with its result.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldoctor.experiments.treatment import pilot_run
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.plan import Plan
from rldoctor.model import Treatment
from rldoctor.training.training_callback import Silent

Report = tuple[int, dict[str, float]]


class Progress:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        self.reports.append((steps, dict(numbers)))


@dataclass(frozen=True)
class SharedTrial:
    """A trial that its watch ended as well, with what the watch was told until it decided so."""

    directory: Path
    reports: list[Report]


class SharedTrials:
    """The first trials of the treatments so far."""

    def __init__(self) -> None:
        self._kept: dict[str, list[SharedTrial]] = {}
        self._trained: list[Progress] = []

    def watch(self, title: str, total: int) -> Progress:
        self._trained.append(Progress())
        return self._trained[-1]

    def lend(self, plan: Plan) -> bool:
        """Put the first trial of a treatment in its place if it has been trained, and return whether it has."""
        self._trained = []
        if not plan.remedies or pilot_run.tie_of(plan) is not None:
            return False
        place = plan.place_of(plan.remedies[0].changes, plan.sick.seed)
        for trial in self._kept.get(_key(plan), []):
            if not place.exists() and _decided(plan, trial.reports) == len(trial.reports) - 1:
                shutil.copytree(trial.directory, place)
                return True
        return False

    def keep(self, plan: Plan, treatment: Treatment) -> None:
        """Keep the first trial of a treatment for others, if its watch ended it as well."""
        first = next((trial for trial in treatment.trials if trial.role == "remedy"), None)
        if first is None or not self._trained or pilot_run.tie_of(plan) is not None:
            return
        reports = self._trained[0].reports
        end = _decided(plan, reports)
        if end is not None:
            self._kept.setdefault(_key(plan), []).append(SharedTrial(Path(first.path), reports[: end + 1]))


def _decided(plan: Plan, reports: Sequence[Report]) -> int | None:
    """Return by which report the watch of a treatment's first trial would end it as well; ``None`` if by none."""
    recipe = plan.recipe_with(plan.remedies[0].changes)
    watch = TrialWatch(plan.comparison, Silent(), recipe.total_steps, stops_behind=plan.comparison.is_of(recipe))
    for place, (steps, numbers) in enumerate(reports):
        watch.progressed(steps, numbers)
        if watch.decision:
            return place if watch.decision == "well" else None
    return None


def _key(plan: Plan) -> str:
    recipe = plan.recipe_with(plan.remedies[0].changes).to_json()
    return json.dumps([recipe, plan.sick.seed], sort_keys=True, default=str)
