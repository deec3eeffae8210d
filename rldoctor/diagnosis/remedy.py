"""Remedies as concrete changes: which setting, from what, to what."""

from __future__ import annotations

from rldoctor.diagnosis.match import Match
from rldoctor.model import Json, Run
from rldoctor.recipe import HYPERPARAMETERS
from rldoctor.rulebook import DiagnosisRule


def concrete(rule: DiagnosisRule, matched: Match, run: Run) -> str:
    """Return the diagnosis' remedy, led by the settings of this very run that should change.

    A setting is named only where the run's value is known and differs from the one to set, so that nobody is told to
    change what is as it should be.
    """
    changes = []
    for change in rule.change:
        now = _current(change.setting, matched, run)
        target: Json = change.to
        if change.reference and matched.reference is not None and matched.reference.recipe.knows(change.setting):
            target = matched.reference.recipe.setting(change.setting)
        if now is not None and target is not None and _differ(now, target):
            changes.append(f"{change.setting} {_show(now)} -> {_show(target)}")
    return f"Set {', '.join(changes)}. {rule.remedy}" if changes else rule.remedy


def _current(setting: str, matched: Match, run: Run) -> Json:
    """Return the run's value of a setting: from run.json, else from what the logs show of it, else ``None``."""
    if matched.recipe is not None:
        return matched.recipe.setting(setting)
    curve = run.curves.get(setting)
    if setting in HYPERPARAMETERS and curve is not None and len(curve):
        return float(curve.values[0])
    return None


def _differ(now: Json, target: Json) -> bool:
    if isinstance(now, (int, float)) and isinstance(target, (int, float)):
        # A tenth is what a schedule's first logged value may lie below its start.
        return abs(now - target) > 0.1 * max(abs(now), abs(target))
    return now != target


def _show(value: Json) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
