"""What is seldom, at a fixed time or in few states is left alone; what is broken like it is named."""

from __future__ import annotations

import pytest

from rldoctor.model import Severity
from tests.preflight import kinds_of_seldom as own
from tests.preflight.examining import examined, found, one_in


@pytest.mark.parametrize(
    ("name", "code", "finding"),
    one_in(
        2,
        [
            ("PaidNineLater", "ENV311", "reward-late"),
            ("KnightOfFewMoves", "ENV119", "limit-before-any-end"),
            ("WelderUnplugged", "ENV302", "action-dimension-dead"),
            ("DeckOfAnotherShuffle", "ENV105", "generator-not-seeded"),
            ("GustAtTheEnd", "ENV105", "generator-not-seeded"),
        ],
    ),
)
def test_the_fault_is_named(name, code, finding):
    assert [one.name for one in found(name, code, own)] == [finding]


@pytest.mark.parametrize(
    ("name", "code"),
    one_in(
        2,
        [
            *((name, "ENV311") for name in ("PaidAtNoon", "PaidWhereItLands")),
            *((name, "ENV119") for name in ("Switches", "Knight")),
            *((name, "ENV215") for name in ("Pipe", "PipeSeenInPart")),
            *((name, "ENV302") for name in ("Welder", "Press")),
            ("Deck", "ENV105"),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, own) == []


def test_what_was_drawn_is_no_effect_of_an_action():
    assert {one.name for one in found("DeckOfAnotherShuffle", "ENV302", own)} <= {"actions-change-reward-alone"}


@pytest.mark.parametrize(("name", "part"), one_in(2, [("Levels", "body/place"), ("Lift", "0, 1, 2")]))
def test_observations_of_several_levels_are_looked_at_as_one(name, part):
    result = examined(name, "ENV2", own)
    (finding,) = result.findings
    assert (finding.name, finding.severity) == ("observation-space-unsupported", Severity.WARNING)
    assert part in finding.message
    assert {one.outcome.value for one in result.checks} <= {"passed", "fired", "skipped"}


def test_they_hide_no_other_fault():
    assert [one.name for one in found("LevelsWithAConstantReward", "ENV401", own)] == ["reward-constant"]


def test_observations_of_another_form_are_told_as_such():
    assert "observation-key-missing" in [one.name for one in found("named_otherwise", "ENV201", own)]
