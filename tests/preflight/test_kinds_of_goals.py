"""Actions changed in place, goals drawn anew and successes that stay are named; ends that are seen are left alone."""

from __future__ import annotations

import pytest

from rldoctor.examination.environment import observations_of
from rldoctor.model import Severity
from tests.preflight import kinds_of_goals as goals
from tests.preflight.examining import examined, found, one_in

BROKEN = [
    ("HiddenClock", "ENV108", "time-limit-terminates"),
    ("HiddenClockInPictures", "ENV108", "time-limit-terminates"),
    ("HiddenClockThatDrifts", "ENV108", "time-limit-terminates"),
    ("ScalesInPlace", "ENV303", "action-changed-in-place"),
    ("ClipsInPlace", "ENV303", "action-changed-in-place"),
    ("HeadsCountedFromOne", "ENV303", "action-changed-in-place"),
    ("DrawnWhereItIsSeen", "ENV206", "goal-drawn-at-every-step"),
    ("DrawnOfFourCorners", "ENV206", "goal-drawn-at-every-step"),
    ("DrawnByAWrapper", "ENV206", "goal-drawn-at-every-step"),
    ("SuccessStays", "ENV111", "state-outlives-episode"),
    ("SuccessesOfAll", "ENV111", "state-outlives-episode"),
    ("BestSoFar", "ENV111", "state-outlives-episode"),
    ("MetExactly", "ENV402", "goal-must-be-met-exactly"),
    ("MetToRounding", "ENV402", "goal-must-be-met-exactly"),
    ("MetInMicrometres", "ENV402", "goal-must-be-met-exactly"),
]


@pytest.mark.parametrize(("name", "code", "finding"), one_in(3, BROKEN))
def test_the_fault_is_named(name, code, finding):
    assert [one.name for one in found(name, code, goals)] == [finding]


HEALTHY = [
    *((name, "ENV108") for name in ("FallingBall", "SandClock", "CardsLeft")),
    *((name, "ENV303") for name in ("ScalesACopy", "ScaledInPlaceByGymnasium", "Base")),
    *((name, "ENV206") for name in ("GoalFlies", "GoalWanders", "NextGoal", "Point")),
    *((name, "ENV111") for name in ("SuccessStaysInTheEpisode", "SuccessByPlace", "SuccessByChance")),
]


@pytest.mark.parametrize(("name", "code"), one_in(3, HEALTHY))
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, goals) == []


@pytest.mark.parametrize("name", ["MetWithin", "MetCells", "MetFinely"])
def test_a_sparse_goal_that_can_be_met_is_a_note(name):
    assert [(one.name, one.severity) for one in found(name, "ENV402", goals)] == [("reward-sparse", Severity.NOTE)]


def test_a_success_that_stays_is_a_broken_signal():
    said = {item.name: item.causes for item in observations_of(examined("SuccessStays", "ENV111", goals))}
    assert said["state-outlives-episode-success"] == ("success-signal-broken",)


def test_an_action_that_is_changed_in_place_does_not_pass_for_a_random_one():
    """Held, it would be half as large with every step."""
    assert found("ScalesInPlace", "ENV311", goals) == []
    assert found("ScalesInPlace", "ENV312", goals) == []
