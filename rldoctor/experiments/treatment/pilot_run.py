"""Short trainings that tell tied remedies apart: the one with which the signs go that accuse the run is tried first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rldoctor.errors import TrainingFailed
from rldoctor.experiments.treatment.discriminate import TIED
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.plan import Plan
from rldoctor.experiments.treatment.remedies import in_words
from rldoctor.experiments.treatment.trial import Attempt, TrialContext, has_logs, keep, result_of, trained
from rldoctor.logs import read_run
from rldoctor.model import Curve, Remedy, Run, TreatmentTrial, TrialState
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.case import FEWEST_POINTS
from rldoctor.rulebook.observe import observe_all
from rldoctor.rulebook.schema import FIRES_FROM
from rldoctor.settings import HYPERPARAMETERS

# Environment steps of a probe, at least: ours. And as many points as signs ask for, and one more, as
# Stable-Baselines3's first point holds no update.
_STEPS, _POINTS = 2_000, FEWEST_POINTS + 1
# Of a whole training: what takes longer is a trial, and no cheap experiment. Ours.
_LONGEST = 0.2
# Of the strength with which signs accuse the run: what is left of it when they are gone, and by how much a rival must
# be better than what was likelier before, where they are gone with neither. Ours.
_GONE, _BETTER = 0.25, 0.25
# Families of signs that tell of updates. Rewards, lengths and logs are the same whatever the recipe; the outcome comes
# later.
_OF_UPDATES = ("UPD", "VAL", "EXP")

Strengths = Mapping[str, float]


@dataclass(frozen=True)
class Tie:
    """Remedies that are nearly as likely, and what can tell them apart.

    Attributes:
        rivals: Likeliest first, at least two.
        steps: Environment steps of a probe.
        accused: Code of a sign that speaks for one of their causes to how strongly it shows by then, in [0.5, 1].
    """

    rivals: tuple[Remedy, ...]
    steps: int
    accused: Strengths

    def __str__(self) -> str:
        return (
            f"{len(self.rivals)} remedies are nearly as likely: {self.steps:,} steps of each, until one will do, tell "
            f"which is tried first, by {', '.join(sorted(self.accused))}."
        )


def tie_of(plan: Plan) -> Tie | None:
    """Return the tie at the head of a plan.

    ``None`` where the first remedy that will be tried has no rival, where a probe would take more than a fifth of a
    training, and where no sign of the updates shows that early.
    """
    rivals = tied(plan.candidates)
    if not rivals or plan.remedies[0] not in rivals:
        return None
    recipe = plan.patient.recipe
    steps = max(length(plan.recipe_with(remedy.changes)) for remedy in rivals)
    causes = {cause for remedy in rivals for cause in remedy.diagnoses}
    accused = accusing(until(plan.patient.run, steps), plan.patient.reference, causes)
    return Tie(rivals, steps, accused) if accused and steps <= _LONGEST * recipe.total_steps else None


def tied(remedies: Sequence[Remedy]) -> tuple[Remedy, ...]:
    """Return the remedies, likeliest first, that are a third as likely as the first or more; none without a rival."""
    least = remedies[0].probability / TIED if remedies else 0.0
    found = tuple(remedy for remedy in remedies if remedy.diagnoses and remedy.probability >= least)
    return found if len(found) > 1 else ()


def length(recipe: Recipe) -> int:
    """Return how many environment steps of a training tell something: whole rollouts, enough of them for the signs."""
    steps, logged = recipe.setting("n_steps"), recipe.log_interval
    rollout = (steps if isinstance(steps, int) else 1) * recipe.n_envs
    return rollout * max(_POINTS * logged, math.ceil(_STEPS / rollout))


def accusing(run: Run, reference: Reference | None, causes: Iterable[str]) -> Strengths:
    """Return the signs of the updates that show on a run and speak for one of ``causes``: code to strength.

    Signs of a setting's own value are left out: they go with whatever changes it, cure or not.
    """
    book = load_rulebook()
    speaking = {
        code
        for cause in causes
        for code, weight in book.diagnoses[cause].weights.items()
        if weight > 0 and code.startswith(_OF_UPDATES) and not book.signs[code].of_health
    }
    measured = {c for c in speaking if any(w.metric not in HYPERPARAMETERS for w in book.signs[c].when)}
    shown = _strengths(run, reference)
    return {code: strength for code, strength in shown.items() if code in measured and strength >= FIRES_FROM}


def until(run: Run, steps: int) -> Run:
    """Return a run as its logs were at step ``steps``, that one included; curves that begin later are left out."""
    curves: dict[str, Curve] = {}
    for metric, curve in run.curves.items():
        end = int(np.searchsorted(curve.steps, steps, side="right"))
        if end:
            curves[metric] = replace(curve, steps=curve.steps[:end], values=curve.values[:end])
    return replace(run, curves=curves, record={})


def in_order(
    plan: Plan, tie: Tie, means: TrialContext, tell: Callable[[str], None]
) -> tuple[Plan, tuple[TreatmentTrial, ...]]:
    """Probe the rivals of a tie, likeliest first, until the signs are gone with one; that one will be tried first.

    Returns:
        The plan with its remedies in the order in which they are to be tried, and the probes.

    Raises:
        UsageError: A probe's directory holds another training.
        Stopped: Ctrl-C; the same treatment goes on from there.
    """
    probes: list[TreatmentTrial] = []
    for place, remedy in enumerate(tie.rivals, 1):
        probes.append(_probe(plan, remedy, place, tie, means))
        tell(f"Probe: {probes[-1].name}, {probes[-1].steps:,} steps. {probes[-1].why}")
        if probes[-1].state is TrialState.WELL:
            break
    first = tie.rivals[best([_left(probe) for probe in probes])]
    others = tuple(remedy for remedy in plan.candidates if remedy is not first)
    return replace(plan, candidates=(first, *others)), tuple(probes)


def best(left: Sequence[float]) -> int:
    """Return the place of the probe that says most for its remedy.

    Args:
        left: The share of the accusing strength that each probe left, in the order of the remedies' likelihood.
    """
    place = left.index(min(left))
    return place if left[place] <= _GONE or left[0] - left[place] >= _BETTER else 0


def _strengths(run: Run, reference: Reference | None) -> Strengths:
    # Whatever differs in the recipe: it is asked which remedy makes the run look like healthy ones.
    case = Case(run, reference, same_recipe=reference is not None)
    return {item.sign.code: item.strength for item in observe_all(load_rulebook(), case)[0]}


def _probe(plan: Plan, remedy: Remedy, place: int, tie: Tie, means: TrialContext) -> TreatmentTrial:
    attempt = Attempt(
        "probe",
        place,
        in_words(remedy.changes),
        remedy.diagnoses,
        remedy.changes,
        plan.recipe_with(remedy.changes),
        plan.patient.seed,
        plan.place_of(remedy.changes, plan.patient.seed, "probe-"),
        # One more, so that the last rollout is learned from and not dropped.
        tie.steps + 1,
    )
    return keep(attempt, lambda: _looked_at(attempt, plan, tie.accused, means))


def _looked_at(attempt: Attempt, plan: Plan, accused: Strengths, means: TrialContext) -> TreatmentTrial:
    watch = TrialWatch(plan.yard, means.onlook(f"probe of {attempt.name}", attempt.most_steps), attempt.most_steps)
    try:
        done = trained(attempt, watch, means, "never").steps
    except TrainingFailed as error:
        return result_of(attempt, {"signs_left": 1.0}, 0, TrialState.SICK, "signs", error.problem)
    seen = _strengths(read_run(attempt.directory), plan.patient.reference) if has_logs(attempt.directory) else {}
    # What cannot be seen is not gone.
    share = sum(seen.get(code, strength) for code, strength in accused.items()) / sum(accused.values())
    state = TrialState.WELL if share <= _GONE else TrialState.SICK
    return result_of(attempt, {"signs_left": share}, done, state, "signs", _said(accused, seen))


def _said(accused: Strengths, seen: Strengths) -> str:
    went = [code for code in accused if seen.get(code, 1.0) < FIRES_FROM]
    stay = sorted(code for code in accused if code in seen and code not in went)
    unseen = sorted(code for code in accused if code not in seen)
    parts = [f"{len(went)} of {len(accused)} sign{'s' * (len(accused) != 1)} that accused the run went"]
    parts += [f"still there: {', '.join(stay)}"] if stay else []
    parts += [f"not to be seen: {', '.join(unseen)}"] if unseen else []
    return "; ".join(parts) + "."


def _left(probe: TreatmentTrial) -> float:
    """Return the share of the accusing signs' strength that a probe left; 0 is none."""
    value = probe.numbers.get("signs_left", 1.0)
    return float(value) if isinstance(value, (int, float)) else 1.0
