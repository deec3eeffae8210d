"""The run to be treated: its curves, its diagnosis, and the recipe that it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import structs

from rldoctor import references
from rldoctor.diagnosis.context import DiagnosisContext, shipped_context
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import differences, match
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.experiments.treatment.stated_recipe import LOGGED, not_taken_over, recipe_from_logs
from rldoctor.hyperparameters import ALGORITHMS, DEFAULTS
from rldoctor.logs import discover, read_run
from rldoctor.model import Run, RunDiagnosis, Statement, Verdict
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook.advice import show
from rldoctor.run_record import RunRecord

_MIXED = "mixed-runs"


@dataclass(frozen=True)
class SickRun:
    """A run that is to be treated.

    Attributes:
        directory: Where its logs are.
        run: Its curves.
        diagnosis: Of the run.
        recipe: What it was trained with; without passing criteria of its own it has the reference's.
        seed: Of its training; 0 if unknown.
        reference: The reference of its environment; ``None`` if there is none.
        context: What the run and its trials are diagnosed with.
        notes: What was assumed, a sentence each.
        statements: What other witnesses say of it, such as its environment.
    """

    directory: Path
    run: Run
    diagnosis: RunDiagnosis
    recipe: Recipe
    seed: int
    reference: Reference | None
    context: DiagnosisContext
    notes: tuple[str, ...] = ()
    statements: tuple[Statement, ...] = ()

    @property
    def is_examined(self) -> bool:
        """Whether its environment has been examined."""
        return any(statement.witness == "environment" for statement in self.statements)

    @property
    def has_reference_settings(self) -> bool:
        """Whether the recipe's settings are those of the reference, for any number of steps."""
        return self.reference is not None and not differences(self.recipe, self.reference.recipe)


def read_sick_run(
    directory: Path,
    *,
    env: str | None = None,
    settings: Sequence[str] = (),
    steps: int | None = None,
    reference: str | None = None,
    context: DiagnosisContext | None = None,
    statements: Sequence[Statement] = (),
) -> SickRun:
    """Read a run, diagnose it, and find out with which recipe it was trained.

    Args:
        directory: Of the run.
        env: Its environment, for logs that do not say.
        settings: ``key=value`` pairs that differ from the logs, or from SB3's defaults.
        steps: Environment steps of a trial; those of the run by default.
        reference: Name of the reference to compare with; the one that fits by default.
        context: What to diagnose with; the shipped rules and references by default.
        statements: What other witnesses say of it.

    Raises:
        UsageError: It is not a single run, rldoctor does not train its algorithm, or its environment is not known.
        CannotJudge: The curves are too short, mixed or missing.
    """
    context = context or shipped_context()
    found = discover([directory])
    if len(found) != 1:
        many = f"are {len(found)} runs" if found else "is no run"
        raise UsageError(f"There {many} below {directory}; treat takes one run.", "Name the run's own directory.")
    run = read_run(found[0], own=context.tag_mappings)
    floor = next((item.baseline_return for item in statements if item.baseline_return is not None), None)
    run = run if floor is None else replace(run, baseline_return=floor)
    if run.algorithm and run.algorithm not in ALGORITHMS:
        title = context.book.algorithms[run.algorithm].title
        treated = ", ".join(name.upper() for name in ALGORITHMS)
        raise UsageError(
            f"{directory} was trained with {title}; only {treated} can be treated.",
            "rldoctor diagnose names the cause.",
        )
    matched = match(run, reference, context.references)
    recipe, notes = (matched.recipe, ()) if matched.recipe is not None else _assumed(run, env)
    if env is not None and env != recipe.env:
        raise UsageError(
            f"According to run.json, {directory} was trained on {recipe.env}, not on {env}.", "Leave --env out."
        )
    recipe = recipe.with_overrides((*settings, *((f"total_steps={steps}",) if steps is not None else ())))
    known = _reference(matched.reference, recipe, reference)
    if known is not None and not recipe.criteria:
        recipe = structs.replace(recipe, criteria=known.recipe.criteria)
    if known is not None and matched.reference is None:
        notes = (*notes, f"Trials are compared with the healthy runs of {known.recipe.name}.")
    diagnosis = diagnose_run(run, reference, context=context, statements=statements)
    _require_judged(diagnosis)
    return SickRun(
        found[0], run, diagnosis, recipe, RunRecord(run.record).seed or 0, known, context, notes, tuple(statements)
    )


def _assumed(run: Run, env: str | None) -> tuple[Recipe, tuple[str, ...]]:
    """Return the recipe of a run without run.json, and a note on what is assumed."""
    if env is None:
        raise UsageError(
            f"The logs of {run.path} do not say on which environment it was trained.",
            "Name it with --env ID, and settings that differ from Stable-Baselines3's defaults with --set key=value.",
        )
    recipe = recipe_from_logs(run, env)
    own = {
        key: value
        for key, value in recipe.hyperparameters.items()
        if value != DEFAULTS[recipe.algorithm].get(key) or key in LOGGED
    }
    stated = ", ".join(f"{key} {show(value)}" for key, value in own.items()) or "none"
    note = (
        f"Settings found in the logs or beside them: {stated}; Stable-Baselines3's defaults are assumed for the rest. "
        "Name those that differed with --set key=value."
    )
    lost = ", ".join(not_taken_over(run))
    return recipe, (note, f"Trials are trained without what recipes have no setting for: {lost}.") if lost else (note,)


def _reference(found: Reference | None, recipe: Recipe, wanted: str | None) -> Reference | None:
    """Return the reference that trials are compared with: recorded, and of the recipe's environment."""
    if found is None and wanted is None:
        names = [name for name in references.names() if references.is_recorded(name)]
        known = {name: references.load_recipe(name) for name in names}
        same = [name for name, own in known.items() if (own.env, own.algorithm) == (recipe.env, recipe.algorithm)]
        # As in a diagnosis: a recipe of unknown origin is compared with the slowest reference of its environment.
        if same:
            found = references.load(max(same, key=lambda name: known[name].total_steps))
    if found is None or not found.bands or found.recipe.env != recipe.env or found.recipe.algorithm != recipe.algorithm:
        return None
    return found


def _require_judged(diagnosis: RunDiagnosis) -> None:
    if diagnosis.verdict is Verdict.UNJUDGED:
        raise CannotJudge(
            f"{diagnosis.path} cannot be judged, so it cannot be treated: {diagnosis.summary}", "Train it longer first."
        )
    leading = next((cause.name for cause in diagnosis.diagnoses), "")
    if leading == _MIXED:
        raise CannotJudge(
            f"{diagnosis.path} holds several runs: it is not known which of them is sick.",
            "Move each run into a directory of its own first.",
        )
