"""Noise that drowns what is seen, paid or done, and what resets draw of actions, is found; a little noise is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.own_environments import own_tasks
from rldoctor.model import Severity
from rldoctor.preflight.runner import run_preflight
from tests.preflight.examining import one_in

FILE = Path(own_tasks.__file__)
CHECKS = ("ENV118", "ENV205", "ENV302", "ENV311", "ENV313", "ENV413")


def found(name: str) -> set[str]:
    result = run_preflight(f"{FILE}:{name}", select=CHECKS)
    assert {check.code for check in result.checks} >= set(CHECKS)
    return {f"{f.code} {f.name} {f.evidence.get('aspect') or ''}".strip() for f in result.findings if f.code in CHECKS}


@pytest.mark.parametrize(
    ("name", "finding"),
    one_in(
        2,
        [
            ("TankSensorNoise", "ENV118 observation-mostly-noise"),
            ("point_hazy", "ENV118 observation-mostly-noise"),
            ("PointGoalMoves", "ENV118 reward-mostly-noise"),
            ("PointDropsActions", "ENV118 actions-lost-in-noise"),
            ("GridActionsRenumbered", "ENV313 action-effect-drawn-at-reset"),
            ("PointWholeNumbers", "ENV205 observation-coarse"),
            ("point_clipped", "ENV205 observation-coarse"),
            ("PointOneAxis", "ENV302 action-dimension-dead half"),
            ("HoverOldReward", "ENV311 reward-late"),
            ("TankPaysError", "ENV413 reward-rises-with-distance"),
        ],
    ),
)
def test_a_fault_is_named(name: str, finding: str) -> None:
    assert finding in found(name)


@pytest.mark.parametrize(
    "name", ["PointSlightNoise", "GridSlippery", "Grid", "Tank", "TankDeadBand", "PointDict", "Hover"]
)
def test_a_little_noise_and_healthy_tasks_are_left_in_peace(name: str) -> None:
    assert found(name) == set()


def test_what_a_bandit_asks_next_is_no_noise() -> None:
    result = run_preflight(f"{FILE.with_name('own_worlds.py')}:Switch", select=("ENV118",))
    assert [f.name for f in result.findings if f.code == "ENV118"] == []


def test_what_is_said_names_the_numbers() -> None:
    result = run_preflight(f"{FILE}:TankSensorNoise", select=("ENV118",))
    finding = next(f for f in result.findings if f.code == "ENV118")
    assert finding.severity is Severity.WARNING
    assert finding.evidence["dimensions"] == [0]
