"""Lost signs, ends that pay wrongly, sums, explosions and goals out of reach are named; what looks alike is not."""

from __future__ import annotations

import pytest

from rldoctor.examination.environment import observations_of
from rldoctor.model import Severity
from tests.preflight import kinds_of_ends as ends
from tests.preflight import kinds_of_reach as reach
from tests.preflight.examining import examined, found, one_in

BROKEN = [
    (ends, "SquaredThrust", "ENV312", "action-sign-without-effect"),
    (ends, "OneMotorWithoutASign", "ENV312", "action-sign-without-effect"),
    (ends, "LeavesTruncated", "ENV122", "truncated-by-what-happened"),
    (ends, "CollidesTruncated", "ENV122", "failure-truncates"),
    (ends, "StartsOutside", "ENV123", "starts-at-the-end"),
    (ends, "StartsAtTheGoal", "ENV123", "starts-at-the-end"),
    (ends, "StiffSpring", "ENV124", "simulation-explodes"),
    (ends, "WrongFeedback", "ENV124", "simulation-explodes"),
    (ends, "RocketTooWeak", "ENV315", "actions-push-one-way"),
    (ends, "TwoRotorsScaledTwice", "ENV315", "actions-push-one-way"),
    (ends, "Ledge", "ENV414", "failing-at-once-pays-most"),
    (ends, "TimeAndFall", "ENV414", "failing-at-once-pays-most"),
    (ends, "Beside", "ENV414", "success-pays-less-than-waiting"),
    (ends, "BesideUntold", "ENV414", "success-pays-less-than-waiting"),
    (ends, "SumSoFar", "ENV415", "reward-is-a-sum"),
    (ends, "SumOfAList", "ENV415", "reward-is-a-sum"),
    (ends, "EffortDrowns", "ENV416", "reward-term-drowned"),
    (ends, "CostInsideInfo", "ENV416", "reward-term-drowned"),
    (ends, "ToldBeforeTheStep", "ENV405", "success-missing-at-the-end"),
    (ends, "NeverTold", "ENV405", "success-missing-at-the-end"),
    (reach, "ArmTooShort", "ENV406", "goals-out-of-reach"),
    (reach, "ArmBesideItsGoals", "ENV406", "goals-out-of-reach"),
    (reach, "coins_forgotten", "ENV117", "rewards-between-lost"),
    (reach, "coins_first", "ENV117", "rewards-between-lost"),
]


@pytest.mark.parametrize(("where", "name", "code", "finding"), one_in(2, BROKEN))
def test_the_fault_is_named(where, name, code, finding):
    assert [one.name for one in found(name, code, where)] == [finding]


HEALTHY = [
    *((ends, name, "ENV312") for name in ("Brakes", "Mirror", "SignIsPaid")),
    *((ends, name, "ENV122") for name in ("Leaves", "DrawnLimit", "DrawnWithEachStep")),
    *((ends, name, "ENV123") for name in ("StartsNearTheEdge", "ShortGame", "Quits")),
    *((ends, name, "ENV124") for name in ("SaturatedSensor", "Savings", "Odometer")),
    *((ends, name, "ENV315") for name in ("Rocket", "FallingBall", "RaceToTheLine", "Train")),
    *((ends, name, "ENV414") for name in ("LedgeWithAFine", "LedgeThatPaysSteps", "DistanceAndFall")),
    *((ends, name, "ENV414") for name in ("BesideWithABonus", "BesideByProgress", "BesideGoesOn")),
    *((ends, name, "ENV415") for name in ("FromRest", "Inventory", "Brakes")),
    *((ends, name, "ENV416") for name in ("EffortInMeasure", "SeldomFined", "OtherNumbers")),
    *((ends, name, "ENV405") for name in ("Arrives", "FailsAtTheEdge", "NeverArrives")),
    *((reach, name, "ENV406") for name in ("Arm", "ArmPushesABlock", "Walker")),
    *((reach, name, "ENV117") for name in ("coins_summed", "coins_averaged", "distance_at_the_last")),
]


@pytest.mark.parametrize(("where", "name", "code"), one_in(3, HEALTHY))
def test_what_looks_alike_is_left_alone(where, name, code):
    assert found(name, code, where) == []


@pytest.mark.parametrize("name", ["CounterOfTheModule", pytest.param("CounterOfTheClass", marks=pytest.mark.slow)])
def test_a_counter_of_episodes_is_told_from_random_numbers(name):
    (finding,) = found(name, "ENV105", ends)
    assert (finding.severity, finding.evidence["aspect"]) == (Severity.ERROR, "counter")
    assert "nothing is drawn" in finding.message
    said = {item.name: item.causes for item in observations_of(examined(name, "ENV105", ends))}
    assert "environment-misconfigured" in said["trajectory-not-reproducible-counter"]


@pytest.mark.parametrize("name", ["DrawnWithoutASeed", "DrawnOfFew", "DrawnWithEachStepUnseeded"])
def test_random_numbers_are_no_counter(name):
    (finding,) = found(name, "ENV105", ends)
    assert finding.evidence["aspect"] != "counter"


def test_actions_that_random_numbers_replace_are_not_late():
    """In seven of ten steps nothing shows; a queue is not to blame."""
    assert found("Replaced", "ENV302", ends) == []
    assert found("Replaced", "ENV311", ends) == []
    assert [one.name for one in found("Replaced", "ENV118", ends)] == ["actions-lost-in-noise"]


def test_what_explodes_is_not_examined_for_its_actions():
    """Weak actions and late rewards are consequences of the explosion."""
    codes = {found.code for found in examined("WrongFeedback", "ENV3", ends).findings}
    assert codes <= {"ENV124", "ENV204", "ENV205"}


@pytest.mark.parametrize("name", ["Cards", "SealedCards"])
@pytest.mark.parametrize("code", ["ENV313", "ENV411"])
def test_what_cannot_be_replaced_is_no_fault_of_the_environment(name, code):
    assert "environment-raises" not in [one.name for one in found(name, code, ends)]
