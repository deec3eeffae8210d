"""A reference of one's own, made from runs that exist already: whatever trained them, whatever logged them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from msgspec import structs

from rldoctor import references, run_directory
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import differences, same_settings
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.gate import judge_run
from rldoctor.logs import discover, read_run
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Json, Run, Verdict
from rldoctor.recipe import Recipe, recipe_from_mapping, write_recipe
from rldoctor.recording.bands import FEWEST_SEEDS, write_curves
from rldoctor.references import RECIPE_FILE

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
# What reading logs may show without a curve being doubtful: empty files, oversized records, resumed runs, other tags.
_HARMLESS = frozenset({"LOG103", "LOG105", "LOG202", "LOG301"})
# Settings that are logged, and how far a logged one may move and still be called constant: rounding.
_LOGGED_SETTINGS = ("learning_rate", "clip_range")
_CONSTANT = 1e-3
_USUAL_FRAMEWORKS = ("", "sb3", "plain")


@dataclass(frozen=True)
class RecordingSpec:
    """What is asked for.

    Attributes:
        name: Of the reference, such as ``my_env/mine``.
        out: The folder that collects references.
        env: Of the runs; only where no ``run.json`` tells it.
        framework: What logged them, as :func:`rldoctor.logs.read_run` takes it.
        own_names: Dictionaries of tags of the user's.
    """

    name: str
    out: Path
    env: str | None = None
    framework: str | None = None
    own_names: tuple[TagMapping, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """What was made.

    Attributes:
        folder: Of the reference.
        recipe: Its recipe.
        runs: How many runs its bands are of.
        left_out: Runs whose evaluation does not pass their recipe's criteria.
        doubtful: Runs that a diagnosis calls sick, with the leading cause; they are part of the bands.
    """

    folder: Path
    recipe: Recipe
    runs: int
    left_out: tuple[str, ...]
    doubtful: Mapping[str, str]


def record_existing(paths: Sequence[Path], wish: RecordingSpec) -> Recorded:
    """Make a reference from the runs at or below ``paths``, which the user knows to be good.

    Raises:
        UsageError: The name or the environment will not do, there are too few runs, they are not of one recipe, or
            another reference is in the way.
        CannotJudge: The logs of a run are damaged, or are not of PPO at environment steps.
    """
    if not _NAME.fullmatch(wish.name) or wish.name in references.names():
        why = "is that of a shipped reference" if wish.name in references.names() else "is no name of a reference"
        raise UsageError(f"{wish.name!r} {why}.", "Give it one such as my_env/mine.")
    directories = discover(list(paths))
    failed = [directory for directory in directories if _fails(directory)]
    runs = [
        _usable(read_run(directory, wish.framework, wish.own_names))
        for directory in directories
        if directory not in failed
    ]
    if len(runs) < FEWEST_SEEDS:
        raise UsageError(
            f"{len(runs)} good run{'s' * (len(runs) != 1)} make no band.",
            f"Give at least {FEWEST_SEEDS} of one recipe.",
        )
    recipe = _recipe(runs, wish)
    folder = wish.out / wish.name
    _require_free(folder, recipe)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}.", "Name a writable place with --out.") from None
    with run_directory.removed_if_empty(folder):
        write_curves(runs, folder, _provenance(recipe, runs))
        # The recipe makes it a reference, so it comes last; what people have added to theirs stays.
        if not (folder / RECIPE_FILE).exists():
            write_recipe(recipe, folder / RECIPE_FILE)
    diagnosed = {run.path: diagnose_run(run) for run in runs}
    doubtful = {path: s.diagnoses[0].name for path, s in diagnosed.items() if s.verdict is Verdict.SICK and s.diagnoses}
    return Recorded(folder, recipe, len(runs), tuple(map(str, failed)), doubtful)


def _fails(directory: Path) -> bool:
    """Tell whether an evaluation of the run says that it does not pass its own criteria."""
    try:
        return directory.is_dir() and judge_run(directory).verdict is Verdict.SICK
    except UsageError:  # A recipe of another program's, which states no criteria of ours.
        return False


def _usable(run: Run) -> Run:
    """Return the run if bands can be made of it.

    Raises:
        CannotJudge: They cannot.
    """
    doubts = [finding.message for finding in run.findings if finding.code not in _HARMLESS]
    if doubts or not run.curves:
        raise CannotJudge(
            f"The logs of {run.path} make no band: {doubts[0] if doubts else 'they hold no known metric.'}",
            "Leave that run out, or name the framework that logged it with --framework.",
        )
    if run.algorithm not in ("", "ppo"):
        raise CannotJudge(f"{run.path} was trained with {run.algorithm}, and references are of PPO.", "Leave it out.")
    if not run.counts_steps:
        raise CannotJudge(
            f"The logs of {run.path} count {run.step_axis}, not environment steps: no run can be held against them.",
            "Log the number of environment steps, and name its tag as steps_from in a tag mapping (--framework).",
        )
    return run


def _recipe(runs: Sequence[Run], wish: RecordingSpec) -> Recipe:
    """Return the one recipe of all runs: as run.json tells it, or as far as the logs do."""
    told = [_told(run) for run in runs]
    untold = next((run.path for run, recipe in zip(runs, told, strict=True) if recipe is None), None)
    recipe = _as_logged(runs, wish, untold) if untold else _common([recipe for recipe in told if recipe], runs, wish)
    names = ", ".join(Path(run.path).name for run in runs)
    return structs.replace(
        recipe,
        name=wish.name,
        title=f"PPO on {recipe.env}, {len(runs)} good runs of ours",
        source=f"Ours: recorded from {names}",
        overrides={},
    )


def _told(run: Run) -> Recipe | None:
    recipe = run.record.get("recipe")
    try:
        return recipe_from_mapping(recipe, run.path) if isinstance(recipe, Mapping) else None
    except UsageError:
        return None


def _common(recipes: Sequence[Recipe], runs: Sequence[Run], wish: RecordingSpec) -> Recipe:
    """Return the recipe that the runs share.

    Raises:
        UsageError: They do not share one, or it is of another environment than the one that was named.
    """
    first = recipes[0]
    for recipe, run in zip(recipes, runs, strict=True):
        if recipe.env != first.env or not same_settings(recipe, first):
            changed = {**({"env": f"{first.env} -> {recipe.env}"} if recipe.env != first.env else {})}
            changed |= differences(recipe, first)
            changed = changed or {"total_steps": f"{first.total_steps} -> {recipe.total_steps}"}
            what = ", ".join(f"{key} {value}" for key, value in changed.items())
            raise UsageError(
                f"{run.path} was trained otherwise than {runs[0].path}: {what}.",
                "A reference is of one recipe: record the runs of each by themselves.",
            )
    if wish.env not in (None, first.env):
        raise UsageError(f"The runs were trained on {first.env}, not on {wish.env}.", "Leave --env out.")
    framework = _framework(runs)
    return structs.replace(first, total_steps=min(recipe.total_steps for recipe in recipes), framework=framework)


def _as_logged(runs: Sequence[Run], wish: RecordingSpec, untold: str) -> Recipe:
    """Return what the logs tell of the recipe: the settings that they hold and that never move.

    Raises:
        UsageError: No environment was named.
    """
    if not wish.env:
        raise UsageError(
            f"{untold} has no run.json that tells its recipe.", "Say which environment it was trained on: --env ID."
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
    return Recipe("", wish.env, max(last, 1), 1, settings, partial=True, framework=_framework(runs))


def _framework(runs: Sequence[Run]) -> str:
    """Return what logged the runs, empty for Stable-Baselines3.

    Raises:
        UsageError: Several frameworks did, whose numbers are not measured alike.
    """
    found = {"" if run.framework in _USUAL_FRAMEWORKS else run.framework for run in runs}
    if len(found) > 1:
        named = ", ".join(sorted(name or "sb3" for name in found))
        raise UsageError(f"The runs were logged by {named}.", "Record those of each framework by themselves.")
    return found.pop()


def _require_free(folder: Path, recipe: Recipe) -> None:
    """Refuse to write over a reference of another recipe; the same one may be recorded again.

    Raises:
        UsageError: There is one, or what is there is no valid recipe.
    """
    if not (folder / RECIPE_FILE).exists():
        return
    there = references.load_recipe(str(folder))
    same = there.env == recipe.env and there.partial == recipe.partial and there.framework == recipe.framework
    if not same or not same_settings(recipe, there):
        raise UsageError(
            f"{folder} holds a reference of another recipe.", "Give this one another --name, or move that away."
        )


def _provenance(recipe: Recipe, runs: Sequence[Run]) -> list[str]:
    names = ", ".join(Path(run.path).name for run in runs)
    return [
        f"{recipe.name}: 5th percentile, median and 95th percentile of {len(runs)} healthy runs at each step.",
        f"Runs {names}. Remade by: rldoctor record --from RUNS --name {recipe.name}",
        f"Recorded {datetime.now(UTC).date()}.",
    ]
