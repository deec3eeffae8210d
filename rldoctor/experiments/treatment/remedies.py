"""Which remedies a sick run gets, and in which order: from its ranked diagnoses and the rules' own data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from msgspec import structs

from rldoctor.diagnosis.match import differences
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.diagnosis.remedy import Known, Move, Moves, back_to, discrete, proposals
from rldoctor.experiments.treatment.admission import Admission
from rldoctor.model import Instruction, Json, RankedDiagnosis, Remedy, Verdict
from rldoctor.recipe import Recipe
from rldoctor.rulebook import DiagnosisRule, Rulebook, load_rulebook
from rldoctor.rulebook.observe import made_for

# What a diagnosis tries in a later order counts half as much as what it tries first. Ours.
_LATER = 0.5
# A remedy of a cause that is less likely than this is worth a trial only where there is no other.
_LEAST = 0.01


def remedies(patient: Admission) -> tuple[Remedy, ...]:
    """Return the changes of the recipe that are worth a trial, the most promising first.

    Changes that several causes ask for count for all of them together. Where a reference matches, a change goes back
    to its values, and the last one puts back every setting that differs: then the recipe itself is at fault.
    """
    known = _known(patient)
    pooled: dict[str, Remedy] = {}
    for cause, rule in causes(patient):
        for place, moves in enumerate(proposals(rule, known)):
            share = cause.probability * _LATER**place
            key = repr(sorted((setting, repr(move.after)) for setting, move in moves.items()))
            before = pooled.get(key, Remedy((), 0.0, _json(moves)))
            names = tuple(dict.fromkeys((*before.diagnoses, cause.name)))
            pooled[key] = replace(before, diagnoses=names, probability=before.probability + share)
    found = sorted(pooled.values(), key=lambda remedy: -remedy.probability)
    found = [remedy for remedy in found if remedy.probability >= _LEAST] or found
    whole = _everything(patient)
    if whole is not None and not any(dict(remedy.changes) == dict(whole.changes) for remedy in found):
        found.append(whole)
    return tuple(replace(remedy, probability=round(min(remedy.probability, 1.0), 4)) for remedy in found)


def within(found: tuple[Remedy, ...], rounds: int) -> tuple[Remedy, ...]:
    """Return the remedies that ``rounds`` leave room for; the last round is kept for what puts back everything."""
    last = next((remedy for remedy in found if not remedy.diagnoses), None)
    if last is None or last in found[:rounds]:
        return found[:rounds]
    return (*found[: rounds - 1], last)


def instructions(patient: Admission) -> tuple[Instruction, ...]:
    """Return what the user has to do where a cause lies outside the recipe, likeliest first."""
    return tuple(
        Instruction(cause.name, cause.probability, rule.remedy, rule.confirmed_by)
        for cause, rule in causes(patient)
        if rule.outside
    )


def causes(patient: Admission) -> list[tuple[RankedDiagnosis, DiagnosisRule]]:
    """Return the causes that are left, likeliest first.

    A cause that lies in the recipe alone is out where the recipe is the reference's own: healthy runs were trained
    by it.
    """
    book = load_rulebook()
    ranked = [
        (cause, book.diagnoses[cause.name]) for cause in patient.subject.diagnoses if cause.name in book.diagnoses
    ]
    ill = [(cause, rule) for cause, rule in ranked if rule.name != HEALTHY and rule.ranked]
    if patient.is_the_references:
        return [(cause, rule) for cause, rule in ill if rule.outside]
    return ill


def unusual(patient: Admission, book: Rulebook | None = None) -> Moves:
    """Return the settings that differ from the reference's and are far outside what is usual, by the rules' limits."""
    known = _known(patient)
    found: dict[str, Move] = {}
    if known.reference is None:
        return found
    for rule in (book or load_rulebook()).diagnoses.values():
        if not made_for(rule, "ppo"):
            continue
        for change in rule.change:
            limited = change.above is not None or change.below is not None or change.default
            if change.order == 1 and limited:
                alone = structs.replace(rule, change=(change,))
                # The limits hold whether or not a reference gives the value to go back to.
                far = {key for moves in proposals(alone, replace(known, reference=None)) for key in moves}
                found |= {k: m for moves in proposals(alone, known) for k, m in moves.items() if k in far}
    return found


def in_words(changes: Mapping[str, Json]) -> str:
    """Return ``learning_rate 0.1 -> 0.001, gamma 0 -> 0.98``."""
    moves = ((key, _move(value)) for key, value in changes.items())
    return ", ".join(f"{key} {move}" for key, move in moves)


def changed(recipe: Recipe, changes: Mapping[str, Json], reference: Recipe | None) -> Recipe:
    """Return the recipe with a remedy's changes made; its overrides are what still differs from the reference."""
    settings, n_envs = dict(recipe.hyperparameters), recipe.n_envs
    for key, value in changes.items():
        after = _move(value).after
        if key == "n_envs":
            n_envs = after if isinstance(after, int) else n_envs
        else:
            settings[key] = after
    made = replace(recipe, hyperparameters=settings, n_envs=n_envs)
    rollout = _whole(made.setting("n_steps")) * n_envs
    if _whole(made.setting("batch_size")) > rollout:
        # A usual value that does not fit a small rollout.
        made = replace(made, hyperparameters={**settings, "batch_size": rollout})
    overrides = {key: value for key, value in recipe.overrides.items() if key not in changes}
    if reference is None:
        overrides |= {key: _move(value).after for key, value in changes.items()}
    else:
        differing = differences(made, reference)
        overrides |= {key: made.setting(key) for key in differing if key != "n_envs" and key in changes}
    return replace(made, overrides=overrides)


def _known(patient: Admission) -> Known:
    reference = patient.reference.recipe if patient.reference is not None else None
    return Known(patient.recipe.setting, reference, True, discrete(patient.run))


def _everything(patient: Admission) -> Remedy | None:
    if patient.reference is None:
        return None
    moves = back_to(patient.reference.recipe, patient.recipe)
    return Remedy((), 0.0, _json(moves)) if moves else None


def _json(moves: Moves) -> dict[str, Json]:
    return {setting: {"from": move.before, "to": move.after} for setting, move in moves.items()}


def _move(value: Json) -> Move:
    pair = value if isinstance(value, Mapping) else {}
    return Move(pair.get("from"), pair.get("to"))


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def leads_outside(found: Iterable[Remedy], told: Iterable[Instruction], verdict: Verdict) -> bool:
    """Tell whether the likeliest of all causes lies outside the recipe, so that a trial may be in vain."""
    remedy, instruction = next(iter(found), None), next(iter(told), None)
    if instruction is None or verdict is Verdict.HEALTHY:
        return False
    return remedy is None or instruction.probability > remedy.probability
