"""Degrees taken for radians, goals of two frames and counters that overflow are named; what looks alike is not."""

from __future__ import annotations

import pytest

from tests.preflight import kinds_of_units as own
from tests.preflight.examining import found, one_in


@pytest.mark.parametrize(
    ("name", "code", "finding"),
    one_in(
        2,
        [
            ("BoatInDegreesAlone", "ENV127", "degrees-taken-for-radians"),
            ("CompassInDegreesAlone", "ENV127", "degrees-taken-for-radians"),
            ("BoatConvertedTwice", "ENV127", "radians-taken-for-degrees"),
            ("HandFromTheCorner", "ENV407", "goal-in-another-frame"),
            ("GoalFromTheCorner", "ENV407", "goal-in-another-frame"),
            ("GoalInMillimetres", "ENV407", "goal-in-another-frame"),
            ("CallsInBytes", "ENV214", "counter-overflows"),
            ("Meter", "ENV214", "counter-overflows"),
        ],
    ),
)
def test_the_fault_is_named(name, code, finding):
    assert [one.name for one in found(name, code, own)] == [finding]


@pytest.mark.parametrize(
    ("name", "code"),
    one_in(
        3,
        [
            *((name, "ENV127") for name in ("Boat", "BoatInRadians", "Compass", "Wheel")),
            *((name, "ENV407") for name in ("Hand", "HandInItsFrame", "HandOfALongWay")),
            *((name, "ENV214") for name in ("Calls", "MeterThatStops", "Board")),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, own) == []


@pytest.mark.parametrize("name", ["RealTime", "RealTimeInNanoseconds"])
def test_the_clock_is_named_where_it_decides(name):
    (finding,) = found(name, "ENV105", own)
    assert "the clock of the machine, time." in finding.message
    assert "dt" in finding.remedy


def test_a_clock_that_only_measures_is_not_named():
    (finding,) = found("Timed", "ENV105", own)
    assert "clock" not in finding.message
