"""Which remedies a sick run gets, and in which order: from its ranked diagnoses and the rules' own data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from rldoctor.diagnosis.match import differences
from rldoctor.diagnosis.rank import HEALTHY
from rldoctor.diagnosis.remedy import Known, Move, Moves, advice_of, back_to, discrete, proposals
from rldoctor.diagnosis.witnesses import observed_remedy
from rldoctor.experiments.treatment.sick_run import SickRun
from rldoctor.model import Instruction, Json, Observation, RankedDiagnosis, Remedy, Verdict
from rldoctor.recipe import Recipe
from rldoctor.rulebook import DiagnosisRule
from rldoctor.rulebook.applicable import made_for

# What a diagnosis tries in a later order counts half as much as what it tries first. Ours.
_LATER = 0.5
# A remedy of a cause that is less likely than this is worth a trial only if there is no other.
_LEAST = 0.01


def remedies(sick: SickRun) -> tuple[Remedy, ...]:
    """Return the changes of the recipe that are worth a trial, the most promising first.

    The probabilities of causes that ask for the same change add up. With a reference, a change returns to its values,
    and the last remedy resets every setting that differs: the recipe itself is then the suspect.
    """
    known = _known(sick)
    pooled: dict[str, Remedy] = {}
    for cause, rule in causes(sick):
        for place, proposed in enumerate(proposals(rule, known)):
            moves = _with_whole_episodes(proposed, sick)
            if not moves:
                continue
            share = cause.probability * _LATER**place
            key = repr(sorted((setting, repr(move.after)) for setting, move in moves.items()))
            before = pooled.get(key, Remedy((), 0.0, _json(moves)))
            names = tuple(dict.fromkeys((*before.diagnoses, cause.name)))
            pooled[key] = replace(before, diagnoses=names, probability=before.probability + share)
    found = sorted(pooled.values(), key=lambda remedy: -remedy.probability)
    found = [remedy for remedy in found if remedy.probability >= _LEAST] or found
    whole = _full_reset(sick)
    if whole is not None and not any(dict(remedy.changes) == dict(whole.changes) for remedy in found):
        found.append(whole)
    return tuple(replace(remedy, probability=round(min(remedy.probability, 1.0), 4)) for remedy in found)


def within(found: tuple[Remedy, ...], rounds: int) -> tuple[Remedy, ...]:
    """Return the remedies that fit into ``rounds``; the last round is kept for the full reset."""
    last = next((remedy for remedy in found if not remedy.diagnoses), None)
    if last is None or last in found[:rounds]:
        return found[:rounds]
    return (*found[: rounds - 1], last)


def instructions(sick: SickRun) -> tuple[Instruction, ...]:
    """Return what the user has to do about causes outside the recipe, likeliest first.

    Where the environment has been examined, each says what the checks of its cause found.
    """
    advice = advice_of(_known(sick), sick.run)
    observed = [item for one in sick.statements if one.witness == "environment" for item in one.observations]
    found: list[Instruction] = []
    for cause, rule in causes(sick):
        if rule.outside:
            said = observed_remedy(rule, sick.run, observed) or advice.text(rule.remedy, rule.otherwise)
            tested = _tested(cause.name, observed)
            codes = tuple(dict.fromkeys(item.code for item in observed if cause.name in item.causes))
            found.append(Instruction(cause.name, cause.probability, said, codes or rule.confirmed_by, tested))
    return tuple(found)


def _tested(cause: str, observed: Sequence[Observation]) -> str:
    """Return what checks that support or contradict a cause found: ``fired``, ``passed``; empty where none does."""
    told = [item for item in observed if cause in item.causes]
    if any(item.finding for item in told if item.direction == "fault"):
        return "fired"
    return "passed" if told else ""


def causes(sick: SickRun) -> list[tuple[RankedDiagnosis, DiagnosisRule]]:
    """Return the causes that are possible, likeliest first.

    A cause in the recipe alone is ruled out if the settings are the reference's own: healthy runs were trained with
    them.
    """
    rules = sick.context.book.diagnoses
    ranked = [(cause, rules[cause.name]) for cause in sick.diagnosis.diagnoses if cause.name in rules]
    ill = [(cause, rule) for cause, rule in ranked if rule.name != HEALTHY and rule.ranked]
    return [(cause, rule) for cause, rule in ill if rule.outside] if sick.has_reference_settings else ill


def unusual(sick: SickRun) -> Moves:
    """Return the settings that differ from the reference's and are far from the usual, by the limits of the rules."""
    known = _known(sick)
    found: dict[str, Move] = {}
    if known.reference is None:
        return found
    for rule in sick.context.book.diagnoses.values():
        if not made_for(rule, sick.run.algorithm):
            continue
        for change in rule.change:
            limits = (change.above, change.above_share, change.below)
            limited = change.default or any(limit is not None for limit in limits)
            if change.order == 1 and limited:
                alone = structs.replace(rule, change=(change,))
                # The limits apply whether or not a reference has a value to return to.
                far = {key for moves in proposals(alone, replace(known, reference=None)) for key in moves}
                found |= {k: m for moves in proposals(alone, known) for k, m in moves.items() if k in far}
    return found


def in_words(changes: Mapping[str, Json]) -> str:
    """Return ``learning_rate 0.1 -> 0.001, gamma 0 -> 0.98``."""
    return ", ".join(f"{key} {_move(value)}" for key, value in changes.items())


def changed(recipe: Recipe, changes: Mapping[str, Json], reference: Recipe | None) -> Recipe:
    """Return the recipe with a remedy's changes made; its overrides are what still differs from the reference."""
    settings, n_envs = dict(recipe.hyperparameters), recipe.n_envs
    for key, value in changes.items():
        after = _move(value).after
        if key == "n_envs":
            n_envs = after if isinstance(after, int) else n_envs
        else:
            settings[key] = after
    made = structs.replace(recipe, hyperparameters=settings, n_envs=n_envs)
    rollout = made.rollout_steps
    if not made.is_off_policy and _whole(made.setting("batch_size")) > rollout:
        # A usual value that does not fit a small rollout.
        made = structs.replace(made, hyperparameters={**settings, "batch_size": rollout})
    overrides = {key: value for key, value in recipe.overrides.items() if key not in changes}
    if reference is None:
        overrides |= {key: _move(value).after for key, value in changes.items()}
    else:
        differing = differences(made, reference)
        overrides |= {key: made.setting(key) for key in differing if key != "n_envs" and key in changes}
    return structs.replace(made, overrides=overrides)


def _known(sick: SickRun) -> Known:
    reference = sick.reference.recipe if sick.reference is not None else None
    recipe = sick.recipe
    return Known(
        recipe.setting,
        reference,
        True,
        discrete(sick.run),
        algorithm=recipe.algorithm,
        total_steps=recipe.total_steps,
    )


def _with_whole_episodes(moves: Moves, sick: SickRun) -> Moves:
    """Return changes with a ``learning_starts`` from which hindsight replay has a whole episode of each environment."""
    start, lengths = moves.get("learning_starts"), sick.run.curves.get("episode_length")
    if start is None or not sick.recipe.setting("her") or lengths is None or not len(lengths.finite()):
        return moves
    least = sick.recipe.n_envs * (math.ceil(float(lengths.finite().values.max())) + 1)
    if _whole(start.after) >= least:
        return moves
    others = {key: move for key, move in moves.items() if key != "learning_starts"}
    return {**others, "learning_starts": Move(start.before, least)} if _whole(start.before) > least else others


def _full_reset(sick: SickRun) -> Remedy | None:
    if sick.reference is None:
        return None
    moves = back_to(sick.reference.recipe, sick.recipe)
    return Remedy((), 0.0, _json(moves)) if moves else None


def _json(moves: Moves) -> dict[str, Json]:
    return {setting: {"from": move.before, "to": move.after} for setting, move in moves.items()}


def _move(value: Json) -> Move:
    pair = value if isinstance(value, Mapping) else {}
    return Move(pair.get("from"), pair.get("to"))


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def leads_outside(found: Iterable[Remedy], instructions: Iterable[Instruction], verdict: Verdict) -> bool:
    """Return whether the likeliest of all causes lies outside the recipe, so that a trial may be in vain."""
    remedy, instruction = next(iter(found), None), next(iter(instructions), None)
    if instruction is None or verdict is Verdict.HEALTHY:
        return False
    return remedy is None or instruction.probability > remedy.probability
