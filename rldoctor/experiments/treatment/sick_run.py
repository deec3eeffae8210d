"""The patient as it comes in: its curves, its diagnosis, and the recipe that it was trained by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rldoctor import references
from rldoctor.diagnosis import diagnose_run
from rldoctor.diagnosis.match import differences, match
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import discover, read_run
from rldoctor.model import Run, RunDiagnosis, Verdict
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook import Rulebook, load_rulebook

# The only algorithm that this version trains.
_TRAINED = "ppo"
_MIXED = "mixed-runs"
# Settings whose value a log tells; the others are SB3's defaults unless they are given.
_LOGGED = ("learning_rate", "clip_range")


@dataclass(frozen=True)
class Admission:
    """A run that is to be treated.

    Attributes:
        directory: Where its logs are.
        run: Its curves.
        subject: What the doctor says of it.
        recipe: What it was trained by; its passing criteria are the reference's where it has none.
        seed: Of its training; 0 where that is not known.
        reference: The known-good patient of its environment; ``None`` where there is none.
        notes: What was assumed, a sentence each.
    """

    directory: Path
    run: Run
    subject: RunDiagnosis
    recipe: Recipe
    seed: int
    reference: Reference | None
    notes: tuple[str, ...] = ()

    @property
    def is_the_references(self) -> bool:
        """Whether the recipe's settings are those of the reference, for however many steps."""
        return self.reference is not None and not differences(self.recipe, self.reference.recipe)


def admit(
    directory: Path,
    *,
    env: str | None = None,
    settings: Sequence[str] = (),
    steps: int | None = None,
    reference: str | None = None,
    book: Rulebook | None = None,
) -> Admission:
    """Read a run, diagnose it, and find out by which recipe it was trained.

    Args:
        directory: Of the run.
        env: Its environment, for logs that do not tell.
        settings: ``key=value`` pairs that were other than the logs, or SB3's defaults, say.
        steps: Environment steps of a trial; those of the run by default.
        reference: Name of the reference to hold it against; the one that fits by default.
        book: The rulebook; the shipped one by default.

    Raises:
        UsageError: It is no single run, was not trained with PPO, or its environment is not told.
        CannotJudge: The curves are too short, mixed or missing.
    """
    found = discover([directory])
    if len(found) != 1:
        many = f"are {len(found)} runs" if found else "is no run"
        raise UsageError(f"There {many} below {directory}; one is treated at a time.", "Name the run's own directory.")
    run = read_run(found[0])
    if run.algorithm not in ("", _TRAINED):
        title = load_rulebook().algorithms[run.algorithm].title
        raise UsageError(
            f"{directory} was trained with {title}; only PPO can be treated.", "rldoctor diagnose names its cause."
        )
    matched = match(run, reference)
    recipe, notes = (matched.recipe, ()) if matched.recipe is not None else _from_logs(run, env)
    if env is not None and env != recipe.env:
        raise UsageError(
            f"run.json says that {directory} was trained on {recipe.env}, not on {env}.", "Leave --env out."
        )
    recipe = recipe.with_overrides((*settings, *((f"total_steps={steps}",) if steps is not None else ())))
    known = _reference(matched.reference, recipe, reference)
    if known is not None and not recipe.criteria:
        recipe = replace(recipe, criteria=known.recipe.criteria)
    subject = diagnose_run(run, reference, book)
    _require_judged(subject)
    seed = run.record.get("seed")
    return Admission(found[0], run, subject, recipe, seed if type(seed) is int else 0, known, notes)


def _from_logs(run: Run, env: str | None) -> tuple[Recipe, tuple[str, ...]]:
    """Return the recipe of a run without run.json: what its curves tell, SB3's defaults for the rest."""
    if env is None:
        raise UsageError(
            f"The logs of {run.path} do not say on which environment it was trained.",
            "Name it with --env ID, and what differs from Stable-Baselines3's defaults with --set key=value.",
        )
    settings = {}
    for key in _LOGGED:
        curve = run.curves.get(key)
        if curve is not None and len(curve):
            settings[key] = float(f"{float(curve.values[0]):.4g}")
    told = ", ".join(f"{key} {value:g}" for key, value in settings.items()) or "none"
    note = (
        f"The logs tell some settings ({told}); Stable-Baselines3's defaults stand for the others: "
        "name with --set key=value what was different."
    )
    return Recipe(env, env, max(run.last_step, 1), 1, settings), (note,)


def _reference(found: Reference | None, recipe: Recipe, wanted: str | None) -> Reference | None:
    """Return the reference by which the trials are judged: recorded, and of the recipe's environment."""
    if found is None and wanted is None:
        names = [name for name in references.names() if references.is_recorded(name)]
        twins = [name for name in names if references.load_recipe(name).env == recipe.env]
        # A stranger's recipe is held against the slowest reference of the environment, as a diagnosis does.
        if twins:
            found = references.load(max(twins, key=lambda name: references.load_recipe(name).total_steps))
    if found is None or not found.bands or found.recipe.env != recipe.env:
        return None
    return found


def _require_judged(subject: RunDiagnosis) -> None:
    if subject.verdict is Verdict.UNJUDGED:
        raise CannotJudge(
            f"{subject.path} cannot be judged, let alone treated: {subject.summary}", "Let it run longer first."
        )
    leading = next((cause.name for cause in subject.diagnoses), "")
    if leading == _MIXED:
        raise CannotJudge(
            f"{subject.path} holds several runs, so that nobody can tell which one is ill.",
            "Give each run its own directory first.",
        )
