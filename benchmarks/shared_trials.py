"""Trials that several treatments have in common, trained once.

Many faults of one recipe, in runs of one seed, are cured by the same recipe: their trials are the same training. Where the
watch of a treatment would end it as well after the same update, the trial is taken over from the treatment that trained
it, with its result.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rldoctor import run_directory
from rldoctor.experiments.treatment import pilot_run
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.plan import Plan
from rldoctor.experiments.treatment.trial import RESULT_FILE
from rldoctor.hyperparameters import DEFAULTS
from rldoctor.model import Treatment
from rldoctor.recipe import Recipe
from rldoctor.training.training_callback import Silent

Report = tuple[int, dict[str, float]]


class Progress:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def progressed(self, steps: int, numbers: Mapping[str, float]) -> None:
        self.reports.append((steps, dict(numbers)))


class SharedTrials:
    """The first trials of the treatments so far, one line of JSON each in ``file``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        self._kept: list[dict[str, Any]] = [json.loads(line) for line in lines]
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
        for trial in self._kept:
            if trial["key"] != _key(plan) or place.exists():
                continue
            end = _decided(plan, trial["reports"])
            if end is not None and _last_update(_recipe(plan), end) == trial["steps"]:
                shutil.copytree(trial["directory"], place)
                # The settings may be stated in another way: what the one recipe says the other leaves to its default.
                result = run_directory.load_object(place / RESULT_FILE)
                run_directory.write_json(place / RESULT_FILE, {**result, "recipe": _recipe(plan).to_json()})
                return True
        return False

    def keep(self, plan: Plan, treatment: Treatment) -> None:
        """Keep the first trial of a treatment for others, if its watch ended it as well."""
        first = next((trial for trial in treatment.trials if trial.role == "remedy"), None)
        if first is None or not self._trained or pilot_run.tie_of(plan) is not None:
            return
        reports = self._trained[0].reports
        end = _decided(plan, reports)
        if end is not None and _last_update(_recipe(plan), end) == first.steps:
            row = {"key": _key(plan), "directory": first.path, "steps": first.steps, "reports": reports}
            self._kept.append(row)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def _decided(plan: Plan, reports: Sequence[Report]) -> int | None:
    """Return the step at which the watch of a treatment's first trial would end it as well; ``None`` if it does not."""
    recipe = _recipe(plan)
    watch = TrialWatch(plan.comparison, Silent(), recipe.total_steps, stops_behind=plan.comparison.is_of(recipe))
    for steps, numbers in reports:
        watch.progressed(steps, numbers)
        if watch.decision:
            return steps if watch.decision == "well" else None
    return None


def _last_update(recipe: Recipe, decided: int) -> int:
    """Return the steps of a training that is asked to stop at a step, without the rollouts that it drops.

    It stops in the first rollout after a point of its curves: in this one, or after the next point.
    """
    rollout = recipe.rollout_steps or recipe.n_envs
    points = rollout * recipe.log_interval
    whole = (decided - 1) // rollout * rollout
    return -(-whole // points) * points


def _recipe(plan: Plan) -> Recipe:
    return plan.recipe_with(plan.remedies[0].changes)


def _key(plan: Plan) -> str:
    recipe = _recipe(plan)
    settings = {name: recipe.setting(name) for name in DEFAULTS[recipe.algorithm]}
    same = (recipe.env, recipe.algorithm, recipe.total_steps, recipe.n_envs, recipe.log_interval, settings)
    return json.dumps([*same, plan.sick.seed], sort_keys=True)
