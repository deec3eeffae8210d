"""Late tables, rewards beyond a success, numbers that vanish, missing moves and mere chance are named."""

from __future__ import annotations

import pytest

from rldoctor.model import Severity
from tests.preflight import kinds_of_relations as kinds
from tests.preflight.examining import found, one_in

BROKEN = [
    ("RowsLate", "ENV311", "observation-late"),
    ("WindowLate", "ENV311", "observation-late"),
    ("MapLate", "ENV311", "observation-late"),
    ("FewRowsLate", "ENV311", "observation-late"),
    ("OneFrame", "ENV216", "frames-all-alike"),
    ("OneFrameInRows", "ENV216", "frames-all-alike"),
    ("OnePicture", "ENV216", "frames-all-alike"),
    ("LiftWithASign", "ENV413", "reward-best-beyond-success"),
    ("LiftSquaredOutside", "ENV413", "reward-best-beyond-success"),
    ("LiftToTheMiddle", "ENV413", "reward-best-beyond-success"),
    ("WalkAway", "ENV413", "reward-seems-flipped"),
    ("SailAway", "ENV413", "reward-seems-flipped"),
    ("KettleInKilometres", "ENV204", "observation-part-too-small"),
    ("KettleOfOneScale", "ENV204", "observation-part-too-small"),
    ("KettleInADict", "ENV204", "observation-part-too-small"),
    ("BoardWithoutAWayUp", "ENV316", "move-missing"),
    ("BoardOfEight", "ENV316", "move-missing"),
    ("BoardOnALine", "ENV316", "move-missing"),
    ("OfferToAnother", "ENV118", "reward-is-chance"),
    ("OfferToAnotherInNumbers", "ENV118", "reward-is-chance"),
    ("OfferOfFour", "ENV118", "reward-is-chance"),
]


@pytest.mark.parametrize(("name", "code", "finding"), one_in(3, BROKEN))
def test_the_fault_is_named(name, code, finding):
    assert [(one.name, one.severity) for one in found(name, code, kinds)] == [(finding, Severity.WARNING)]


HEALTHY = [
    *((name, "ENV311") for name in ("Rows", "Window", "Stacked", "WindFromRest", "ClockLate", "Pig", "Basket")),
    *((name, "ENV216") for name in ("Stacked", "GreyInColours", "Rows")),
    *((name, "ENV118") for name in ("Chain", "ChainThatSlipsALittle", "Pig")),
    *((name, "ENV413") for name in ("Lift", "LiftByProgress", "LiftPastTheFloor", "LiftThatStops", "Walk")),
    *((name, "ENV204") for name in ("Kettle", "KettleWithAStillFinger", "KettleSeenTwice")),
    *((name, "ENV316") for name in ("Board", "Falls")),
]


@pytest.mark.parametrize(("name", "code"), one_in(3, HEALTHY))
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, kinds) == []


def test_one_move_under_two_names_is_a_note():
    assert [(one.name, one.severity) for one in found("BoardWithTwoNames", "ENV316", kinds)] == [
        ("choices-alike", Severity.NOTE)
    ]


@pytest.mark.parametrize("name", ["Offer", "OfferByARule", "OfferOfOneArm", "OfferWithoutAView"])
def test_a_gamble_of_which_something_is_told_is_a_note(name):
    assert all(one.severity is Severity.NOTE for one in found(name, "ENV118", kinds))
