"""Actions that count at some times alone, or together with others, are no fault; what is late everywhere is one."""

from __future__ import annotations

import pytest

from tests.preflight import kinds_of_ends as ends
from tests.preflight import kinds_of_rounds as own
from tests.preflight import kinds_of_trails as trails
from tests.preflight.examining import found, one_in


@pytest.mark.parametrize(
    ("name", "code", "finding"),
    one_in(
        2,
        [
            ("KilnOfOldOrders", "ENV302", "action-effect-delayed"),
            ("FerryPaidByTheWeather", "ENV412", "reward-ignores-actions"),
            ("WordMarkedLate", "ENV311", "reward-late"),
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
            *((name, code) for code in ("ENV302", "ENV311") for name in ("Kiln", "Compressor")),
            *((name, "ENV412") for name in ("Ferry", "Vault")),
            *((name, "ENV311") for name in ("Word", "WordInPairs")),
            *((name, "ENV216") for name in ("Ledger", "LedgerWritten")),
            *((name, "ENV415") for name in ("Reservoir", "ReservoirBothWays")),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, own) == []


@pytest.mark.parametrize("name", one_in(2, [("TrailOneWay",), ("TrailOfPraise",)]))
def test_going_to_and_fro_that_pays_is_named(name):
    assert [one.name for one in found(name, "ENV422", trails)] == ["going-to-and-fro-pays-most"]


@pytest.mark.parametrize("name", one_in(3, [("Trail",), ("TrailOfARecord",), ("TrailToStayAt",)]))
def test_ways_that_are_taken_back_are_left_alone(name):
    assert found(name, "ENV422", trails) == []


def test_a_fall_is_no_arrival():
    assert found("LedgeThatPaysSteps", "ENV422", ends) == []
