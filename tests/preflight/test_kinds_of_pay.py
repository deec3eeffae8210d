"""Pay that is discounted, cut off, foreseen or not seen is named, as are masks and scales; what looks alike is not."""

from __future__ import annotations

import pytest

from rldoctor.model import Severity
from tests.preflight import kinds_of_idleness as idle
from tests.preflight import kinds_of_pay as pay
from tests.preflight import kinds_of_sight as sight
from tests.preflight.examining import found, one_in


@pytest.mark.parametrize(
    ("where", "name", "code", "finding"),
    one_in(
        2,
        [
            (pay, "DiscountedInside", "ENV417", "reward-discounted-inside"),
            (pay, "DiscountedByAFactor", "ENV417", "reward-discounted-inside"),
            (pay, "season_cut", "ENV125", "limit-before-the-pay"),
            (pay, "pay_day_cut", "ENV125", "limit-before-the-pay"),
            (pay, "Turret", "ENV418", "reward-counts-turns"),
            (pay, "Clock", "ENV418", "reward-counts-turns"),
            (pay, "MarketAhead", "ENV419", "observation-looks-ahead"),
            (pay, "PricesAhead", "ENV419", "observation-looks-ahead"),
            (idle, "Pole", "ENV414", "failing-at-once-pays-most"),
            (idle, "PoleOfAngles", "ENV414", "failing-at-once-pays-most"),
            (idle, "Dirt", "ENV420", "standing-still-pays-most"),
            (idle, "Mine", "ENV420", "standing-still-pays-most"),
            (idle, "Battery", "ENV420", "nothing-pays"),
            (sight, "JobsMaskedBefore", "ENV317", "mask-one-step-old"),
            (sight, "ShelfMaskedBefore", "ENV317", "mask-one-step-old"),
            (sight, "JobsMaskedWrongly", "ENV317", "mask-of-the-wrong-sense"),
            (sight, "Sugar", "ENV217", "observation-saturated"),
            (sight, "Depth", "ENV217", "observation-saturated"),
            (sight, "Tilt", "ENV204", "observation-part-too-small"),
            (sight, "Level", "ENV204", "observation-part-too-small"),
        ],
    ),
)
def test_the_fault_is_named(where, name, code, finding):
    assert [one.name for one in found(name, code, where)] == [finding]


@pytest.mark.parametrize(
    ("where", "name", "code"),
    one_in(
        3,
        [
            *((pay, name, "ENV417") for name in ("Cooling", "Sooner", "Base")),
            *((pay, name, "ENV125") for name in ("season_in_full", "far_goal_cut")),
            *((pay, name, "ENV418") for name in ("TurretWrapped", "Crank", "Hours")),
            *((pay, name, "ENV419") for name in ("Market", "Prices", "Spot")),
            *((idle, name, "ENV414") for name in ("PoleThatPays", "PoleWithAFine", "Trip")),
            *((idle, name, "ENV420") for name in ("DirtTaken", "Beacon", "Corner", "BatteryThatSells")),
            *((sight, name, "ENV317") for name in ("Jobs", "Shelf", "Waiting", "JobsInTheMaskAlone")),
            *((sight, name, "ENV217") for name in ("SugarInRange", "Sounder", "Queue")),
            *((sight, name, "ENV204") for name in ("TiltInRadians", "LevelBesideTheTask")),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(where, name, code):
    assert found(name, code, where) == []


@pytest.mark.parametrize(
    ("name", "severity"),
    one_in(2, [("Film", Severity.WARNING), ("Returns", Severity.NOTE), ("Records", Severity.WARNING)]),
)
def test_memory_that_grows_is_weighed(name, severity):
    assert [one.severity for one in found(name, "ENV116", sight)] == [severity]


@pytest.mark.slow
def test_nan_in_the_rollout_is_told_as_such():
    (finding,) = found("Shares", "ENV501", sight)
    assert finding.name == "rollout-not-finite"
    assert "observation[0]" in finding.message
