"""Remedies as concrete changes: which setting, to what, from what."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from rldoctor.diagnosis.match import Match, differences
from rldoctor.hyperparameters import HYPERPARAMETERS
from rldoctor.model import Json, Run
from rldoctor.recipe import Recipe
from rldoctor.rulebook import DiagnosisRule
from rldoctor.rulebook.schema import ALL_SETTINGS, SettingChange

# Settings in one sentence; a recipe that differs in more is another recipe.
_MOST_NAMED = 3
# How far below its start the first logged value of a schedule may be.
_TOLERANCE = 0.1


@dataclass(frozen=True)
class Move:
    """A setting from what to what."""

    before: Json
    after: Json

    def __str__(self) -> str:
        """Return ``0.01 -> 0.0003``."""
        return f"{show(self.before)} -> {show(self.after)}"


Moves = Mapping[str, Move]


@dataclass(frozen=True)
class Known:
    """What is known of a run's recipe.

    Attributes:
        value: Returns the run's value of a setting; ``None`` where it is not known.
        reference: The recipe of the reference; ``None`` where none matches.
        exact: Whether the values are those of the recipe; values read from curves may be some way into a schedule.
        discrete: Whether the action space is discrete; ``None`` where that is not known.
    """

    value: Callable[[str], Json]
    reference: Recipe | None
    exact: bool
    discrete: bool | None = None


def known_of(matched: Match, run: Run) -> Known:
    """Return what the record of a run, or else its curves, say of its recipe."""
    reference = matched.reference.recipe if matched.reference is not None else None
    own = matched.recipe
    if own is not None:
        return Known(own.setting, reference, True, discrete(run))

    def logged(setting: str) -> Json:
        curve = run.curves.get(setting)
        return float(curve.values[0]) if setting in HYPERPARAMETERS and curve is not None and len(curve) else None

    return Known(logged, reference, False, discrete(run))


def discrete(run: Run) -> bool | None:
    """Return whether a run's action space is discrete; ``None`` where its logs do not show it."""
    if "std" in run.curves:
        return False
    entropy = run.curves.get("entropy")
    if entropy is None or not len(entropy):
        return None
    # The entropy of discrete actions is never negative; that of a Gaussian may be.
    return bool((entropy.values >= 0).all())


def concrete(rule: DiagnosisRule, matched: Match, run: Run) -> str:
    """Return what to change on this run: the settings with old and new value, else the remedy of the diagnosis.

    A setting is named only where the run's value is known and differs from the one to set. Where the cause may lie
    outside the recipe, the remedy of the diagnosis follows.
    """
    moves = next(iter(proposals(rule, known_of(matched, run))), {})
    if not moves or len(moves) > _MOST_NAMED:
        return rule.remedy
    changes = ", ".join(f"{key} to {show(move.after)} (was {show(move.before)})" for key, move in moves.items())
    return f"Set {changes}.{f' {rule.remedy}' if rule.outside else ''}"


def proposals(rule: DiagnosisRule, known: Known) -> list[Moves]:
    """Return the changes of a diagnosis on one run, a mapping for each order, without those that change nothing."""
    ordered = sorted(rule.change, key=operator.attrgetter("order"))
    found: list[Moves] = []
    for _, group in groupby(ordered, key=operator.attrgetter("order")):
        moves: dict[str, Move] = {}
        for change in group:
            moves |= _moves(change, known)
        if moves:
            found.append(moves)
    return found


def back_to(reference: Recipe, recipe: Recipe) -> dict[str, Move]:
    """Return the changes that reset every setting to the reference."""
    return {
        key: Move(recipe.n_envs, reference.n_envs)
        if key == "n_envs"
        else Move(recipe.setting(key), reference.setting(key))
        for key in differences(recipe, reference)
    }


def _moves(change: SettingChange, known: Known) -> dict[str, Move]:
    if change.setting == ALL_SETTINGS:
        if known.reference is None or not known.exact:
            return {}
        keys = [key for key in HYPERPARAMETERS if known.reference.knows(key)]
        settings = {key: Move(known.value(key), known.reference.setting(key)) for key in keys}
        return {key: move for key, move in settings.items() if move.before != move.after}
    if known.discrete is not None and change.spaces == ("continuous" if known.discrete else "discrete"):
        return {}
    now = known.value(change.setting)
    if now is None and not known.exact:
        return {}
    target = _target(change, now, known.reference)
    if target is None or not _differ(now, target, 0.0 if known.exact else _TOLERANCE):
        return {}
    return {change.setting: Move(now, target)} if _is_its_way(change, now, target, known.reference) else {}


def _target(change: SettingChange, now: Json, reference: Recipe | None) -> Json:
    """Return the new value of a setting; ``None`` where the change does not apply to this run."""
    if _goes_back(change, reference):
        # A value with which the reference's runs were healthy is not scaled.
        return None if change.scale is not None or reference is None else reference.setting(change.setting)
    if change.scale is not None:
        return float(now) * change.scale if isinstance(now, (int, float)) else None
    return HYPERPARAMETERS[change.setting] if change.default else change.to


def _goes_back(change: SettingChange, reference: Recipe | None) -> bool:
    """Return whether the reference has a value to go back to; one that was made from logs states only some."""
    return change.reference and reference is not None and reference.knows(change.setting)


def _is_its_way(change: SettingChange, now: Json, target: Json, reference: Recipe | None) -> bool:
    """Return whether a change goes in the direction of its diagnosis: down from above, up from below."""
    if not isinstance(now, (int, float)) or not isinstance(target, (int, float)):
        return True
    if _goes_back(change, reference):
        return not (
            (change.above is not None and target > now and change.below is None)
            or (change.below is not None and target < now and change.above is None)
        )
    return (change.above is None or now > change.above) and (change.below is None or now < change.below)


def _differ(now: Json, target: Json, tolerance: float) -> bool:
    if isinstance(now, (int, float)) and isinstance(target, (int, float)):
        return abs(now - target) > tolerance * max(abs(now), abs(target))
    return now != target


def show(value: Json) -> str:
    """Return a setting's value as a person writes it."""
    return f"{value:g}" if isinstance(value, float) else str(value)
