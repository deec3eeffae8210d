"""Short limits, success at the cut, bytes that wrap, dead heads and late views are named; what looks alike is not."""

from __future__ import annotations

from types import ModuleType

import pytest

from benchmarks.own_environments import own_envs, own_kinds, own_machinery, own_worlds
from rldoctor.examination.environment import observations_of
from rldoctor.model import Severity
from tests.preflight import kinds_of_limits as own
from tests.preflight.examining import examined, found, one_in


@pytest.mark.parametrize(
    ("where", "name", "code", "finding"),
    one_in(
        2,
        [
            (own, "Corridor", "ENV119", "limit-before-any-end"),
            (own_machinery, "acrobot_short", "ENV119", "limit-before-any-end"),
            (own, "Swing", "ENV119", "limit-before-any-end"),
            (own, "SuccessAtTheCut", "ENV405", "success-at-every-end"),
            (own, "GoalSuccessAtTheCut", "ENV405", "success-at-every-end"),
            (own_machinery, "park_flags", "ENV405", "success-at-every-end"),
            (own, "SignedBytes", "ENV214", "observation-wraps-around"),
            (own, "BytesInADict", "ENV214", "observation-wraps-around"),
            (own_worlds, "LanderOverflow", "ENV214", "observation-wraps-around"),
            (own, "HalfOfTheHeads", "ENV302", "action-dimension-dead"),
            (own, "HalfOfTheMotors", "ENV302", "action-dimension-dead"),
        ],
    ),
)
def test_the_fault_is_named(where, name, code, finding):
    assert [one.name for one in found(name, code, where)] == [finding]


@pytest.mark.parametrize(
    ("name", "code"),
    one_in(
        3,
        [
            *((name, "ENV119") for name in ("CorridorLongEnough", "SwingLongEnough", "Rounds", "NeverPaid")),
            *((name, "ENV405") for name in ("SuccessByPlace", "SuccessJudgedAtTheEnd", "SuccessOfSurvival")),
            *((name, "ENV214") for name in ("ClockFace", "Thousandths", "Memory", "Base")),
            *((name, "ENV302") for name in ("SeldomHeads", "Shifted", "Base")),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, own) == []


def aspects(name: str, code: str, where: ModuleType = own) -> set[str]:
    """Return under which names the findings of a check are evidence."""
    seen = observations_of(examined(name, code, where))
    return {item.name for item in seen if item.code == code and item.direction == "fault"}


@pytest.mark.parametrize(
    ("where", "name", "seen"),
    one_in(
        2,
        [
            (own, "LateView", "action-effect-delayed-seen"),
            (own, "LateCells", "action-effect-delayed-seen"),
            (own_worlds, "LanderOldView", "action-effect-delayed-seen"),
            (own, "LateMotors", "action-effect-delayed"),
            (own_envs, "PendulumLateHands", "action-effect-delayed"),
            (own_worlds, "Switch", "actions-change-reward-alone-at-once"),
            (own_kinds, "Aim", "actions-change-reward-alone-at-once"),
        ],
    ),
)
def test_a_late_view_is_told_from_late_motors_and_from_a_bandit(where, name, seen):
    assert aspects(name, "ENV302", where) == {seen}


@pytest.mark.parametrize(
    ("where", "name", "severities"),
    one_in(
        2,
        [
            (own, "OvenUnplugged", [Severity.WARNING]),
            (own, "Boat", [Severity.WARNING]),
            (own_envs, "MountainCarWeak", [Severity.WARNING]),
            (own, "Oven", [Severity.NOTE]),
            (own, "BoatWithAMotor", []),
            (own_envs, "MountainCar", []),
            (own_envs, "Pendulum", []),
        ],
    ),
)
def test_weak_actions_are_told_from_slow_ones(where, name, severities):
    assert [one.severity for one in found(name, "ENV302", where)] == severities


def test_one_dead_motor_of_three_is_no_half():
    assert aspects("Gripper", "ENV302") == {"action-dimension-dead"}
    assert aspects("HalfOfTheMotors", "ENV302") == {"action-dimension-dead-half"}


@pytest.mark.parametrize(("where", "name"), [(own, "repeated"), (own_machinery, "park_frames")])
def test_rewards_of_repeated_steps_are_told_as_sums(where, name):
    (finding,) = found(name, "ENV403", where)
    assert finding.evidence["aspect"] == "summed"
    assert finding.severity is Severity.ERROR


def test_rewards_that_are_unrelated_are_no_sums():
    assert found("GoalSuccessAtTheCut", "ENV403", own) == []
