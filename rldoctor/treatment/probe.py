"""A short training of each tied remedy: the one with which the signs go that accuse the run is tried first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rldoctor.errors import TrainingFailed
from rldoctor.logs import discover, read_run
from rldoctor.model import Curve, Remedy, Run, TreatmentTrial, TrialState
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.diagnoses import FIRES_FROM, observe_all
from rldoctor.treatment.discriminate import TIED
from rldoctor.treatment.plan import Plan
from rldoctor.treatment.remedies import in_words
from rldoctor.treatment.trial import Attempt, Means, keep, result_of, trained
from rldoctor.treatment.watch import TrialWatch

# As few as tell anything: the signs ask for so many points, and Stable-Baselines3's first one holds no update.
_STEPS, _POINTS = 2_000, FEWEST_POINTS + 1
# Of a whole training: what takes longer is a trial, and no cheap experiment. Ours.
_LONGEST = 0.2
# Of the strength with which signs accuse the run: what is left of it when they are gone, and by how much a rival must
# be better than what was likelier before. Ours.
_GONE, _BETTER = 0.25, 0.25

Strengths = Mapping[str, float]


def tied(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies, likeliest first, that are nearly as likely as the first; what has no rival is no tie."""
    least = remedies[0].probability / TIED if remedies else 0.0
    found = tuple(remedy for remedy in remedies if remedy.diagnoses and remedy.probability >= least)
    return found if len(found) > 1 else ()


def length(recipe: Recipe) -> int:
    """Return how many environment steps tell something: whole rollouts, enough of them for the signs."""
    steps, logged = recipe.setting("n_steps"), recipe.log_interval
    rollout = (steps if isinstance(steps, int) else 1) * recipe.n_envs
    return rollout * max(_POINTS * logged, math.ceil(_STEPS / rollout))


def in_order(plan: Plan, means: Means, tell: Callable[[str], None]) -> tuple[Plan, tuple[TreatmentTrial, ...]]:
    """Probe the tied remedies of a plan, likeliest first, until the signs are gone with one.

    Returns:
        The plan, its remedies in the order in which they are to be tried, and the probes. Nothing is probed where no
        remedies are tied, where a fifth of a training would not do, and where no sign shows that early.
    """
    rivals, steps = tied(plan.remedies), length(plan.patient.recipe)
    causes = {cause for remedy in rivals for cause in remedy.diagnoses}
    accused = accusing(_until(plan.patient.run, steps), plan.patient.reference, causes)
    if not accused or steps > _LONGEST * plan.patient.recipe.total_steps:
        return plan, ()
    named = ", ".join(sorted(accused))
    tell(f"Tied remedies: {steps:,} steps of each show with which of them the signs go that accuse the run: {named}.")
    probes: list[TreatmentTrial] = []
    for place, remedy in enumerate(rivals, 1):
        probes.append(_probe(plan, remedy, place, steps, accused, means))
        tell(f"  {probes[-1].name}: {probes[-1].why}")
        if _left(probes[-1]) <= _GONE:
            break
    best = min(range(len(probes)), key=lambda place: (_left(probes[place]), place))
    if _left(probes[0]) - _left(probes[best]) < _BETTER:
        best = 0
    first = rivals[best]
    others = tuple(remedy for remedy in plan.remedies if remedy is not first)
    return replace(plan, remedies=(first, *others)), tuple(probes)


def accusing(run: Run, reference: Reference | None, causes: Iterable[str]) -> Strengths:
    """Return the signs that show on a run and speak for one of ``causes``, by code, and how strongly they show.

    Those of the outcome are not among them: that comes later.
    """
    book = load_rulebook()
    rules = [book.diagnoses[cause] for cause in causes]
    speaking = {
        code
        for rule in rules
        for code, weight in rule.weights.items()
        if weight > 0 and not (book.signs[code].outcome or book.signs[code].reassuring)
    }
    shown = _strengths(run, reference)
    return {code: strength for code, strength in shown.items() if code in speaking and strength >= FIRES_FROM}


def _strengths(run: Run, reference: Reference | None) -> Strengths:
    # Whatever differs in the recipe: it is asked which remedy makes the run look like healthy ones.
    case = Case(run, reference, same_recipe=reference is not None)
    return {item.sign.code: item.strength for item in observe_all(load_rulebook(), case)[0]}


def _until(run: Run, steps: int) -> Run:
    """Return the beginning of a run."""
    curves: dict[str, Curve] = {}
    for metric, curve in run.curves.items():
        keep_until = int(np.searchsorted(curve.steps, steps, side="right"))
        if keep_until:
            curves[metric] = replace(curve, steps=curve.steps[:keep_until], values=curve.values[:keep_until])
    return replace(run, curves=curves, record={})


def _probe(plan: Plan, remedy: Remedy, place: int, steps: int, accused: Strengths, means: Means) -> TreatmentTrial:
    attempt = Attempt(
        "probe",
        place,
        in_words(remedy.changes),
        remedy.diagnoses,
        remedy.changes,
        plan.recipe_with(remedy.changes),
        plan.patient.seed,
        plan.folder / f"probe-{place}",
        # One more, so that the last rollout is learned from and not dropped.
        steps + 1,
    )
    return keep(attempt, lambda: _looked_at(attempt, plan, accused, means))


def _looked_at(attempt: Attempt, plan: Plan, accused: Strengths, means: Means) -> TreatmentTrial:
    watch = TrialWatch(plan.yard, means.onlook(f"probe of {attempt.name}", attempt.most_steps), attempt.most_steps)
    try:
        done = trained(attempt, watch, means, "never").steps
    except TrainingFailed as error:
        return result_of(attempt, {"signs_left": 1.0}, 0, TrialState.SICK, "signs", error.problem)
    seen = _strengths(read_run(attempt.directory), plan.patient.reference) if _has_points(attempt.directory) else {}
    # What cannot be seen any more is not gone.
    left = {code: seen.get(code, strength) for code, strength in accused.items()}
    share = sum(left.values()) / sum(accused.values())
    stays = sorted(code for code, strength in left.items() if strength >= FIRES_FROM)
    gone = len(left) - len(stays)
    shown = f"; still there: {', '.join(stays)}" if stays else ""
    why = f"{gone} of {len(left)} sign{'s' * (len(left) != 1)} that accused the run went{shown}."
    state = TrialState.WELL if share <= _GONE else TrialState.SICK
    return result_of(attempt, {"signs_left": share}, done, state, "signs", why)


def _has_points(directory: Path) -> bool:
    return bool(discover([directory]))


def _left(probe: TreatmentTrial) -> float:
    """Return the share of the accusing signs' strength that a probe left, in [0, 1] or above."""
    value = probe.numbers.get("signs_left", 1.0)
    return float(value) if isinstance(value, (int, float)) else 1.0
