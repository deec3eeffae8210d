"""Remedies as concrete changes: which setting, to what, from what."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np

from rldoctor.diagnosis.describe import planned_steps
from rldoctor.diagnosis.match import Match, differences
from rldoctor.hyperparameters import DEFAULTS, SETTINGS
from rldoctor.model import Json, Run
from rldoctor.recipe import Recipe
from rldoctor.rulebook import DiagnosisRule, load_rulebook
from rldoctor.rulebook.advice import Advice, library, show
from rldoctor.rulebook.schema import ALL_SETTINGS, SettingChange

# Settings in one sentence; a recipe that differs in more is another recipe.
_MOST_NAMED = 3
# A schedule turns once at most, or at each restart; a controller turns all the time.
_TURNS = 4
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
        controlled: Settings that the trainer itself moves up and down, so that a value of theirs means nothing.
        algorithm: What was trained; PPO where nothing says.
        total_steps: Environment steps of the whole training; ``None`` where that is not known.
    """

    value: Callable[[str], Json]
    reference: Recipe | None
    exact: bool
    discrete: bool | None = None
    controlled: frozenset[str] = frozenset()
    algorithm: str = "ppo"
    total_steps: int | None = None


def known_of(matched: Match, run: Run) -> Known:
    """Return what is known of a run's recipe, from its record, or else from files beside its logs and its curves."""
    reference = matched.reference.recipe if matched.reference is not None else None
    own = matched.recipe
    if own is not None:
        return Known(own.setting, reference, True, discrete(run), controlled(run), own.algorithm, own.total_steps)

    stated = run.settings.stated() if run.settings is not None else {}

    def logged(setting: str) -> Json:
        if setting in stated:
            return stated[setting]
        curve = run.curves.get(setting)
        if setting == "ent_coef" and run.algorithm == "sac" and curve is not None and len(set(curve.values)) > 1:
            return "auto"  # What is tuned moves; only its first value would be a setting.
        return float(curve.values[0]) if setting in SETTINGS and curve is not None and len(curve) else None

    # Of a training whose plan is not stated, what was logged is known to be part of it.
    steps = planned_steps(run) or (run.last_step if run.counts_steps else None)
    return Known(logged, reference, False, discrete(run), controlled(run), run.algorithm or "ppo", steps)


def controlled(run: Run) -> frozenset[str]:
    """Return the settings that the trainer moves up and down: a learning rate that holds the KL divergence."""
    if run.settings is not None and run.settings.learning_rate_schedule == "adaptive":
        return frozenset({"learning_rate"})
    curve = run.curves.get("learning_rate")
    if curve is None or len(curve) < _TURNS:
        return frozenset()
    values = curve.finite().values
    moves = np.sign(values[1:] - values[:-1])
    moves = moves[moves != 0]
    turns = np.count_nonzero(moves[1:] != moves[:-1])
    return frozenset({"learning_rate"}) if turns >= _TURNS else frozenset()


def advice_of(known: Known, run: Run) -> Advice:
    """Return the one who words advice on a run."""

    def value(setting: str) -> Json:
        # A discrete policy has no standard deviation to set.
        return 0.0 if setting == "log_std_init" and known.discrete else known.value(setting)

    own = dict(run.settings.places) if run.settings is not None and not known.exact else {}
    return Advice(
        library(run.framework, run.suite),
        value,
        known.controlled,
        own,
        _lacks(known.algorithm),
        _rate(known.algorithm),
        frozenset(run.curves),
    )


@cache
def _lacks(algorithm: str) -> frozenset[str]:
    """Return the settings that an algorithm does not have."""
    return frozenset(setting for setting in SETTINGS if not _has(algorithm, setting))


@cache
def _rate(algorithm: str) -> float:
    """Return an algorithm's usual learning rate as a multiple of PPO's; 1 where it is not known."""
    known = load_rulebook().algorithms.get(algorithm)
    usual = DEFAULTS["ppo"]["learning_rate"]
    own = (known.learning_rate if known else None) or DEFAULTS.get(algorithm, {}).get("learning_rate")
    return own / usual if isinstance(own, float) and isinstance(usual, float) else 1.0


def discrete(run: Run) -> bool | None:
    """Return whether a run's action space is discrete; ``None`` where its logs do not show it."""
    if "std" in run.curves:
        return False
    entropy = run.curves.get("entropy")
    if entropy is None or not len(entropy):
        return None
    # The entropy of discrete actions is never negative; that of a Gaussian may be.
    return bool((entropy.values >= 0).all())


def concrete(rule: DiagnosisRule, known: Known, advice: Advice) -> tuple[str, str]:
    """Return what to change on this run, and the test that tells the cause from its rivals.

    The change is the settings with old and new value where both are known, otherwise the remedy of the diagnosis; where
    the cause may lie outside the recipe, that follows. The test is made with the same change.
    """
    moves = next(iter(proposals(rule, known)), {})
    if len(moves) > _MOST_NAMED or any(advice.means_otherwise(key) for key in moves):
        moves = {}
    fix = " and ".join(f"{advice.name(key)}={show(move.after)}" for key, move in moves.items())
    test = advice.text(rule.next_test, fix=fix or _usual(rule, known, advice))
    if not moves:
        return advice.text(rule.remedy, rule.otherwise), test
    changes = ", ".join(
        f"{advice.name(key)} to {show(move.after)}{advice.now(key, move.before)}" for key, move in moves.items()
    )
    more = advice.text(rule.remedy, without=set(moves)) if rule.outside else ""
    return f"Set {changes}. {more}".rstrip(), test


def _usual(rule: DiagnosisRule, known: Known, advice: Advice) -> str:
    """Return the first change to a usual value, for a run of which no setting is known; empty otherwise."""
    fitting = (change for change in rule.change if _has(known.algorithm, change.setting))
    change = next((change for change in fitting if change.to is not None), None)
    if (
        change is None
        or known.exact
        or known.value(change.setting) is not None
        or advice.means_otherwise(change.setting)
    ):
        return ""
    return f"{advice.name(change.setting)}={show(change.to)}"


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
        keys = [key for key in DEFAULTS[known.reference.algorithm] if known.reference.knows(key)]
        settings = {key: Move(known.value(key), known.reference.setting(key)) for key in keys}
        return {key: move for key, move in settings.items() if move.before != move.after}
    if change.setting in known.controlled or not _has(known.algorithm, change.setting):
        return {}
    if known.discrete is not None and change.spaces == ("continuous" if known.discrete else "discrete"):
        return {}
    if change.algorithms and known.algorithm not in change.algorithms:
        return {}
    now = known.value(change.setting)
    if now is None and not known.exact:
        return {}
    target = _target(change, now, known)
    if target is None or not _differ(now, target, 0.0 if known.exact else _TOLERANCE):
        return {}
    return {change.setting: Move(now, target)} if _is_its_way(change, now, target, known) else {}


def _has(algorithm: str, setting: str) -> bool:
    """Return whether an algorithm has a setting; of one that is not known it may."""
    if algorithm in DEFAULTS:
        return setting == "n_envs" or setting in DEFAULTS[algorithm]
    known = load_rulebook().algorithms.get(algorithm)
    return known is None or setting not in known.lacks


def _target(change: SettingChange, now: Json, known: Known) -> Json:
    """Return the new value of a setting; ``None`` where the change does not apply to this run."""
    reference = known.reference
    if _goes_back(change, reference):
        # A value with which the reference's runs were healthy is not scaled.
        return None if change.scale is not None or reference is None else reference.setting(change.setting)
    if change.scale is not None:
        return float(now) * change.scale if isinstance(now, (int, float)) else None
    # Algorithms that rldoctor does not train are on-policy relatives of PPO; a setting that is not theirs stays.
    if change.default:
        return DEFAULTS.get(known.algorithm, DEFAULTS["ppo"]).get(change.setting)
    target = change.to if change.to is None else _scaled(change.to, change.setting, known)
    if change.share is None or known.total_steps is None or not isinstance(target, int):
        return target
    return min(target, max(1, int(change.share * known.total_steps)))


def _scaled(value: Json, setting: str, known: Known) -> Json:
    """Return a value for PPO as one for the run's algorithm."""
    return value * _rate(known.algorithm) if setting == "learning_rate" and isinstance(value, float) else value


def _goes_back(change: SettingChange, reference: Recipe | None) -> bool:
    """Return whether the reference has a value to go back to; one that was made from logs states only some."""
    return change.reference and reference is not None and reference.knows(change.setting)


def _is_its_way(change: SettingChange, now: Json, target: Json, known: Known) -> bool:
    """Return whether a change goes in the direction of its diagnosis: down from above, up from below.

    Without a reference the value must be beyond the limit, too.
    """
    if not isinstance(now, (int, float)):
        return True
    lowers = change.above is not None or change.above_share is not None
    raises = change.below is not None
    if lowers != raises and isinstance(target, (int, float)) and (target > now if lowers else target < now):
        return False
    if _goes_back(change, known.reference):
        return True
    above, below = _above(change, known), _scaled(change.below, change.setting, known)
    return not ((isinstance(above, float) and now <= above) or (isinstance(below, float) and now >= below))


def _above(change: SettingChange, known: Known) -> Json:
    """Return the limit above which a setting is changed; ``None`` where there is none, or it is not known."""
    if change.above_share is None:
        return _scaled(change.above, change.setting, known)
    return None if known.total_steps is None else change.above_share * known.total_steps


def _differ(now: Json, target: Json, tolerance: float) -> bool:
    if isinstance(now, (int, float)) and isinstance(target, (int, float)):
        return abs(now - target) > tolerance * max(abs(now), abs(target))
    return now != target
