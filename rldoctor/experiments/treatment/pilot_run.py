"""Pilot runs: short trainings that separate tied remedies. The remedy that removes the signs of a fault comes first."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rldoctor.errors import TrainingFailed
from rldoctor.experiments.treatment.confirm import TIED
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.plan import Plan
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.trial import (
    RESULT_FILE,
    TreatmentAttempt,
    TrialContext,
    has_logs,
    result_of,
    saved_or,
    train_attempt,
)
from rldoctor.hyperparameters import SETTINGS
from rldoctor.logs import read_run
from rldoctor.model import Curve, Json, Remedy, Run, TreatmentTrial, TrialState
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook import Case, Rulebook
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.observe import observe_all
from rldoctor.rulebook.schema import FIRES_FROM

# The role of a pilot run in reports for programs, and the beginning of its directory's name.
PILOT_RUN = "probe"
# Fewest environment steps of a pilot run: ours. And as many points as signs need, plus one, as Stable-Baselines3's
# first point has no update.
_STEPS, _POINTS = 2_000, FEWEST_POINTS + 1
# Share of a whole training: a longer pilot run would be no cheaper than a trial. Ours.
_LONGEST = 0.2
# Shares of the strength of the run's signs: what may be left for them to count as gone, and by how much a rival must be
# better than a likelier remedy if they are gone with neither. Ours.
GONE, _BETTER = 0.25, 0.25
# Families of signs about updates. Rewards, lengths and logs do not depend on the recipe; the outcome comes later.
_OF_UPDATES = ("UPD", "VAL", "EXP")

Strengths = Mapping[str, float]


@dataclass(frozen=True)
class Tie:
    """Remedies that are nearly as likely, and the signs that separate them.

    Attributes:
        rivals: Likeliest first, at least two.
        steps: Environment steps of a pilot run.
        signs: Code of a sign that points to one of their causes to its strength on the sick run by then, in [0.5, 1].
    """

    rivals: tuple[Remedy, ...]
    steps: int
    signs: Strengths

    def __str__(self) -> str:
        return (
            f"{len(self.rivals)} remedies are nearly as likely. Pilot runs of {self.steps:,} steps decide which comes "
            f"first, by the signs {', '.join(sorted(self.signs))}."
        )


def tie_of(plan: Plan) -> Tie | None:
    """Return the tie between the first remedies of a plan.

    ``None`` if the first remedy to try has no rival, if a pilot run would take more than a fifth of a training, or if
    no sign of the updates shows that early.
    """
    rivals = tied(plan.candidates)
    if not rivals or plan.remedies[0] not in rivals:
        return None
    sick = plan.sick
    steps = max(length(plan.recipe_with(remedy.changes)) for remedy in rivals)
    causes = {cause for remedy in rivals for cause in remedy.diagnoses}
    signs = signs_of(until(sick.run, steps), sick.reference, causes, sick.context.book)
    return Tie(rivals, steps, signs) if signs and steps <= _LONGEST * sick.recipe.total_steps else None


def tied(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies that are at least a third as likely as the first, likeliest first; none without a rival."""
    least = remedies[0].probability / TIED if remedies else 0.0
    found = tuple(remedy for remedy in remedies if remedy.diagnoses and remedy.probability >= least)
    return found if len(found) > 1 else ()


def length(recipe: Recipe) -> int:
    """Return the environment steps of a pilot run: whole rollouts, enough of them for the signs."""
    rollout = recipe.rollout_steps or recipe.n_envs
    return rollout * max(_POINTS * recipe.log_interval, math.ceil(_STEPS / rollout))


def signs_of(
    run: Run,
    reference: Reference | None,
    causes: Iterable[str],
    book: Rulebook,
    families: tuple[str, ...] = _OF_UPDATES,
) -> Strengths:
    """Return the signs of some families that show on a run and point to one of ``causes``: code to strength.

    Signs of a setting's own value are left out: they disappear with any change of it, cure or not.
    """
    pointing = {
        code
        for cause in causes
        for code, weight in book.diagnoses[cause].weights.items()
        if weight > 0 and code.startswith(families) and code in book.signs and not book.signs[code].of_health
    }
    measured = {c for c in pointing if any(w.metric not in SETTINGS for w in book.signs[c].when)}
    strengths = _strengths(run, reference, book)
    return {code: strength for code, strength in strengths.items() if code in measured and strength >= FIRES_FROM}


def until(run: Run, steps: int) -> Run:
    """Return a run as its logs were at step ``steps``, inclusive; curves that begin later are left out."""
    curves: dict[str, Curve] = {}
    for metric, curve in run.curves.items():
        end = int(np.searchsorted(curve.steps, steps, side="right"))
        if end:
            curves[metric] = replace(curve, steps=curve.steps[:end], values=curve.values[:end])
    return replace(run, curves=curves, record={})


def in_order(
    plan: Plan, tie: Tie, context: TrialContext, say: Callable[[str], None]
) -> tuple[Plan, tuple[TreatmentTrial, ...]]:
    """Train a pilot run for each rival of a tie, likeliest first, until the signs are gone with one.

    Returns:
        The plan with its remedies in the order in which to try them, and the pilot runs.

    Raises:
        UsageError: A pilot run's directory holds another training.
        Stopped: Ctrl-C; the same treatment resumes there.
    """
    pilots: list[TreatmentTrial] = []
    for place, remedy in enumerate(tie.rivals, 1):
        pilots.append(_pilot_run(plan, remedy, place, tie, context))
        say(f"Pilot run: {pilots[-1].name}, {pilots[-1].steps:,} steps. {pilots[-1].why}")
        if pilots[-1].state is TrialState.WELL:
            break
    first = tie.rivals[best([pilot.numbers.get("signs_left", 1.0) for pilot in pilots])]
    others = tuple(remedy for remedy in plan.candidates if remedy is not first)
    return replace(plan, candidates=(first, *others)), tuple(pilots)


def best(left: Sequence[float]) -> int:
    """Return the place of the remedy with the best pilot run.

    Args:
        left: The share of the signs' strength that each pilot run left, in the order of the remedies' likelihood.
    """
    place = left.index(min(left))
    return place if left[place] <= GONE or left[0] - left[place] >= _BETTER else 0


def _strengths(run: Run, reference: Reference | None, book: Rulebook) -> Strengths:
    # Whatever differs in the recipe: the question is which remedy makes the run look like healthy ones.
    case = Case(run, reference, same_recipe=reference is not None)
    return {item.sign.code: item.strength for item in observe_all(book, case)[0]}


def _pilot_run(plan: Plan, remedy: Remedy, place: int, tie: Tie, context: TrialContext) -> TreatmentTrial:
    sick = plan.sick
    attempt = TreatmentAttempt(
        plan.recipe_with(remedy.changes),
        sick.seed,
        _place(plan, remedy.changes, sick.seed),
        PILOT_RUN,
        place,
        in_words(remedy.changes),
        remedy.diagnoses,
        remedy.changes,
        # One more, so that the last rollout is learned from and not dropped.
        tie.steps + 1,
    )

    def run() -> TreatmentTrial:
        watch = TrialWatch(plan.comparison, context.watch(f"pilot run: {attempt.name}", tie.steps + 1), tie.steps + 1)
        try:
            done = train_attempt(attempt, watch, context, "never").steps
        except TrainingFailed as error:
            return result_of(attempt, {"signs_left": 1.0}, 0, TrialState.SICK, "signs", error.problem)
        trained = read_run(attempt.directory) if has_logs(attempt.directory) else None
        share, why = signs_left(tie.signs, trained, sick.reference, sick.context.book)
        state = TrialState.WELL if share <= GONE else TrialState.SICK
        return result_of(attempt, {"signs_left": share}, done, state, "signs", why)

    return saved_or(attempt, run)


def go_on(plan: Plan, attempt: TreatmentAttempt) -> None:
    """Let a trial that has not begun go on from where the pilot run of its remedy ended: it is the same training."""
    pilot = _place(plan, attempt.changes, attempt.seed)
    if attempt.directory.exists() or not pilot.is_dir():
        return
    copy = attempt.directory.with_name(f".{attempt.directory.name}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(pilot, copy, ignore=shutil.ignore_patterns(RESULT_FILE))
    copy.replace(attempt.directory)


def steps_of(trials: Iterable[TreatmentTrial]) -> int:
    """Return the environment steps of all trials together; those of a pilot run that a trial went on from only once."""
    trials = tuple(trials)
    went_on = [(trial.changes, trial.seed) for trial in trials if trial.role == "remedy" and trial.steps]
    return sum(one.steps for one in trials if one.role != PILOT_RUN or (one.changes, one.seed) not in went_on)


def _place(plan: Plan, changes: Mapping[str, Json], seed: int) -> Path:
    return plan.place_of(changes, seed, f"{PILOT_RUN}-")


def signs_left(signs: Strengths, trained: Run | None, reference: Reference | None, book: Rulebook) -> tuple[float, str]:
    """Return the share of the signs' strength that a pilot run shows, and in words which are gone.

    Args:
        signs: Code to strength on the sick run.
        trained: The pilot run; ``None`` where it logged nothing.
        reference: What both are compared with.
        book: The rulebook.
    """
    seen = _strengths(trained, reference, book) if trained is not None else {}
    # A sign that cannot be judged is not gone.
    share = sum(seen.get(code, strength) for code, strength in signs.items()) / sum(signs.values())
    return share, _why(signs, seen)


def _why(signs: Strengths, seen: Strengths) -> str:
    gone = [code for code in signs if seen.get(code, 1.0) < FIRES_FROM]
    left = sorted(code for code in signs if code in seen and code not in gone)
    unknown = sorted(code for code in signs if code not in seen)
    parts = [f"{len(gone)} of {len(signs)} sign{'s' * (len(signs) != 1)} of the fault disappeared"]
    parts += [f"still there: {', '.join(left)}"] if left else []
    parts += [f"not judged: {', '.join(unknown)}"] if unknown else []
    return "; ".join(parts) + "."
