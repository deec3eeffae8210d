"""Faults of many kinds of environments, and of what is around them, are named; healthy twins are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.own_environments import own_kinds, own_machinery, own_worlds
from rldoctor.model import Finding, Severity
from rldoctor.preflight.runner import run_preflight
from tests.preflight.examining import one_in


def found(where: object, name: str, *codes: str) -> list[Finding]:
    """Return what checks find, without a limit of time that a busy machine would reach."""
    result = run_preflight(f"{Path(where.__file__)}:{name}", select=codes, budget=600.0)  # type: ignore[attr-defined]
    return [finding for finding in result.findings if finding.code in codes]


@pytest.mark.parametrize(
    ("where", "name", "code", "finding"),
    one_in(
        2,
        [
            (own_kinds, "CraneDead", "ENV302", "action-dimension-dead"),
            (own_worlds, "LanderOldView", "ENV302", "action-effect-delayed"),
            (own_worlds, "LanderByte", "ENV301", "action-bounds-far-from-unit"),
            (own_worlds, "LanderSticky", "ENV314", "actions-seldom-count"),
            (own_kinds, "RockingHard", "ENV314", "actions-seldom-count"),
            (own_kinds, "CardsLate", "ENV311", "reward-late"),
            (own_kinds, "CraneEnd", "ENV401", "reward-only-at-the-end"),
            (own_kinds, "ParkOldGoal", "ENV206", "goal-not-observed"),
            (own_kinds, "ParkSuccess", "ENV413", "success-far-away"),
            (own_kinds, "CartPoleSwapped", "ENV108", "flags-swapped"),
            (own_kinds, "AcrobotForever", "ENV108", "limit-without-end"),
            (own_kinds, "AimBlind", "ENV118", "reward-mostly-noise"),
            (own_worlds, "LanderStillborn", "ENV118", "ends-by-chance"),
            (own_worlds, "LanderPaysClock", "ENV412", "reward-follows-the-step"),
            (own_worlds, "LanderPaysEffort", "ENV412", "reward-of-the-action-alone"),
            (own_machinery, "cartpole_kept", "ENV111", "state-outlives-episode"),
            (own_machinery, "crane_mixed", "ENV302", "actions-without-effect"),
        ],
    ),
)
def test_the_fault_is_named(where, name, code, finding):
    assert finding in {one.name for one in found(where, name, code)}


@pytest.mark.parametrize(
    ("where", "name"),
    [(own_kinds, name) for name in ("Crane", "Park", "Cards", "Aim", "Store", "Rocking")]
    + [(own_worlds, name) for name in ("Lander", "Chase", "Switch")]
    + [(own_machinery, name) for name in ("crane_stacked", "cartpole_limited")],
)
def test_a_healthy_twin_is_left_alone(where, name):
    codes = ("ENV108", "ENV111", "ENV118", "ENV206", "ENV302", "ENV311", "ENV314", "ENV401", "ENV412", "ENV413")
    assert [one.name for one in found(where, name, *codes) if one.severity is not Severity.NOTE] == []


def test_a_goal_of_the_episode_before_is_told_from_other_state():
    (finding,) = found(own_kinds, "ParkOldGoal", "ENV111")
    assert finding.evidence["aspect"] == "goal"


def test_one_action_in_ten_that_is_repeated_is_a_note():
    (finding,) = found(own_kinds, "Rocking", "ENV117")
    assert finding.severity is Severity.NOTE
    assert "repeats the one before" in finding.message
    (finding,) = (one for one in found(own_kinds, "RockingHard", "ENV117"))
    assert finding.severity is Severity.ERROR
