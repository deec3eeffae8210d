"""A user's own reference, made from existing runs, whatever trained and logged them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from msgspec import structs

from rldoctor import references, run_directory
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import differences, same_settings
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.gate import judge_run
from rldoctor.hyperparameters import ALGORITHMS, AlgorithmName
from rldoctor.logs import discover, read_run
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Json, Run, Verdict
from rldoctor.recipe import Recipe, write_recipe
from rldoctor.recording.bands import FEWEST_SEEDS, write_curves
from rldoctor.references import RECIPE_FILE
from rldoctor.run_record import RunRecord

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
# Findings of the logs that do not make a curve doubtful: empty files, oversized records, resumed runs, other tags.
_HARMLESS = frozenset({"LOG103", "LOG105", "LOG202", "LOG301"})
# Settings that are logged, and how much a constant one may vary by rounding.
_LOGGED_SETTINGS = ("learning_rate", "clip_range")
_CONSTANT = 1e-3
_USUAL_FRAMEWORKS = ("", "sb3", "plain")


@dataclass(frozen=True)
class RecordingSpec:
    """What is recorded.

    Attributes:
        name: Of the reference, such as ``my_env/mine``.
        out: The folder that collects references.
        env: Of the runs; only for those without a ``run.json``.
        framework: What logged them, as :func:`rldoctor.logs.read_run` takes it.
        tag_mappings: The user's own.
    """

    name: str
    out: Path
    env: str | None = None
    framework: str | None = None
    tag_mappings: tuple[TagMapping, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """A reference that was recorded.

    Attributes:
        folder: Of the reference.
        recipe: Its recipe.
        runs: Number of runs in its bands.
        left_out: Runs whose evaluation does not pass their recipe's criteria.
        doubtful: Runs with the verdict sick, with the leading cause; they are part of the bands.
    """

    folder: Path
    recipe: Recipe
    runs: int
    left_out: tuple[str, ...]
    doubtful: Mapping[str, str]


def record_existing(paths: Sequence[Path], spec: RecordingSpec) -> Recorded:
    """Make a reference from the runs at or below ``paths``, which the user knows to be good.

    Raises:
        UsageError: The name or the environment is not valid, there are too few runs, they are not of one recipe, or
            another reference has this name.
        CannotJudge: The logs of a run are damaged, or are of another algorithm than rldoctor trains.
    """
    if not _NAME.fullmatch(spec.name) or spec.name in references.names():
        why = "is the name of a shipped reference" if spec.name in references.names() else "is not a valid name"
        raise UsageError(f"{spec.name!r} {why}.", "Name the reference like my_env/mine.")
    directories = discover(list(paths))
    failed = [directory for directory in directories if _fails(directory)]
    passed = [directory for directory in directories if directory not in failed]
    runs = [_usable(read_run(directory, spec.framework, spec.tag_mappings)) for directory in passed]
    if len(runs) < FEWEST_SEEDS:
        raise UsageError(f"{len(runs)} runs are too few for a band.", f"Give at least {FEWEST_SEEDS} of one recipe.")
    recipe = _recipe(runs, spec)
    folder = spec.out / spec.name
    _require_same(folder, recipe)
    run_directory.make_folder(folder, "--out")
    with run_directory.removed_if_empty(folder):
        names = ", ".join(Path(run.path).name for run in runs)
        write_curves(recipe, runs, folder, f"Runs {names}. Remade by: rldoctor record --from RUNS --name {recipe.name}")
        # The recipe makes it a reference, so it comes last; a recipe that people have added to stays.
        if not (folder / RECIPE_FILE).exists():
            write_recipe(recipe, folder / RECIPE_FILE)
    diagnosed = {run.path: diagnose_run(run) for run in runs}
    doubtful = {path: d.diagnoses[0].name for path, d in diagnosed.items() if d.verdict is Verdict.SICK and d.diagnoses}
    return Recorded(folder, recipe, len(runs), tuple(map(str, failed)), doubtful)


def _fails(directory: Path) -> bool:
    """Return whether the run has an evaluation that does not pass its own criteria."""
    try:
        return directory.is_dir() and judge_run(directory).verdict is Verdict.SICK
    except UsageError:  # The recipe of another program.
        return False


def _usable(run: Run) -> Run:
    """Return the run if bands can be made of it.

    Raises:
        CannotJudge: They cannot.
    """
    doubts = [finding.message for finding in run.findings if finding.code not in _HARMLESS]
    if doubts or not run.curves:
        raise CannotJudge(
            f"The logs of {run.path} cannot be used: {doubts[0] if doubts else 'they hold no known metric.'}",
            "Leave that run out, or name the framework that logged it with --framework.",
        )
    if run.algorithm and run.algorithm not in ALGORITHMS:
        known = ", ".join(name.upper() for name in ALGORITHMS)
        raise CannotJudge(
            f"{run.path} was trained with {run.algorithm}, and only {known} have references.", "Leave it out."
        )
    if not run.counts_steps:
        raise CannotJudge(
            f"The logs of {run.path} count {run.step_axis}, not environment steps: no run can be compared with them.",
            "Log the number of environment steps, and name its tag as steps_from in a tag mapping (--framework).",
        )
    return run


def _recipe(runs: Sequence[Run], spec: RecordingSpec) -> Recipe:
    """Return the one recipe of all runs: that of run.json, or what the logs show of it."""
    recipes = [RunRecord(run.record).recipe for run in runs]
    unknown = next((run.path for run, recipe in zip(runs, recipes, strict=True) if recipe is None), None)
    recipe = _logged(runs, spec, unknown) if unknown else _common([one for one in recipes if one], runs, spec)
    return structs.replace(
        recipe,
        name=spec.name,
        title=f"{recipe.algorithm.upper()} on {recipe.env}, recorded from {len(runs)} runs",
        source=f"Recorded from {', '.join(Path(run.path).name for run in runs)}",
        overrides={},
    )


def _common(recipes: Sequence[Recipe], runs: Sequence[Run], spec: RecordingSpec) -> Recipe:
    """Return the recipe that the runs share.

    Raises:
        UsageError: They do not share one, or it is of another environment than the one that was named.
    """
    first = recipes[0]
    for recipe, run in zip(recipes, runs, strict=True):
        if recipe.env != first.env or not same_settings(recipe, first):
            changed = {
                key: f"{getattr(first, key)} -> {getattr(recipe, key)}"
                for key in ("env", "algorithm")
                if getattr(recipe, key) != getattr(first, key)
            }
            changed |= differences(recipe, first)
            changed = changed or {"total_steps": f"{first.total_steps} -> {recipe.total_steps}"}
            what = ", ".join(f"{key} {value}" for key, value in changed.items())
            raise UsageError(
                f"{run.path} was trained with other settings than {runs[0].path}: {what}.",
                "A reference has one recipe: record the runs of each recipe separately.",
            )
    if spec.env not in (None, first.env):
        raise UsageError(f"The runs were trained on {first.env}, not on {spec.env}.", "Leave --env out.")
    framework = _framework(runs)
    return structs.replace(first, total_steps=min(recipe.total_steps for recipe in recipes), framework=framework)


def _logged(runs: Sequence[Run], spec: RecordingSpec, unknown: str) -> Recipe:
    """Return what the logs show of the recipe: the logged settings that are constant.

    Raises:
        UsageError: No environment was named.
    """
    if not spec.env:
        raise UsageError(
            f"{unknown} has no run.json with its recipe.", "Name the environment that it was trained on: --env ID."
        )
    settings: dict[str, Json] = {}
    for key in _LOGGED_SETTINGS:
        values = [run.curves[key].finite().values for run in runs if key in run.curves]
        logged = np.concatenate(values) if len(values) == len(runs) else np.zeros(0)
        if len(logged) and np.ptp(logged) <= _CONSTANT * abs(logged[0]):
            # Six digits: event files hold 32 bits.
            settings[key] = float(f"{float(logged[0]):.6g}")
            settings[f"{key}_schedule"] = "constant"
    last = min(run.last_step for run in runs)
    made = Recipe("", spec.env, max(last, 1), 1, settings, partial=True, framework=_framework(runs))
    return structs.replace(made, algorithm=_algorithm(runs))


def _algorithm(runs: Sequence[Run]) -> AlgorithmName:
    """Return what trained the runs; PPO where their logs do not say.

    Raises:
        UsageError: Several algorithms did.
    """
    found = sorted({run.algorithm or "ppo" for run in runs})
    if len(found) > 1:
        raise UsageError(
            f"The runs were trained with {', '.join(found)}.", "Record the runs of each algorithm separately."
        )
    return cast("AlgorithmName", found[0])


def _framework(runs: Sequence[Run]) -> str:
    """Return what logged the runs, empty for Stable-Baselines3.

    Raises:
        UsageError: Several frameworks did, whose numbers are not measured alike.
    """
    found = {"" if run.framework in _USUAL_FRAMEWORKS else run.framework for run in runs}
    if len(found) > 1:
        named = ", ".join(sorted(name or "sb3" for name in found))
        raise UsageError(f"The runs were logged by {named}.", "Record the runs of each framework separately.")
    return found.pop()


def _require_same(folder: Path, recipe: Recipe) -> None:
    """Refuse to overwrite a reference of another recipe; the same one may be recorded again.

    Raises:
        UsageError: There is one, or a recipe that is not valid.
    """
    if not (folder / RECIPE_FILE).exists():
        return
    there = references.load_recipe(str(folder))
    same = there.env == recipe.env and there.partial == recipe.partial and there.framework == recipe.framework
    if not same or not same_settings(recipe, there):
        raise UsageError(
            f"{folder} holds a reference of another recipe.", "Choose another --name, or move that one away."
        )
