"""Masks of another order, generators made in steps, arrays that move along, clipped rewards: named; others are not."""

from __future__ import annotations

import pytest

from tests.preflight import kinds_of_sharing as own
from tests.preflight.examining import found, one_in


@pytest.mark.parametrize(
    ("name", "code", "finding"),
    one_in(
        2,
        [
            ("clipped_first", "ENV421", "reward-clipped-away"),
            ("clipped_smoothly", "ENV421", "reward-clipped-away"),
            ("ShopSeededInSteps", "ENV126", "generator-made-anew"),
            ("ShopOfItsOwnSeed", "ENV126", "generator-made-anew"),
            ("ShopOfPython", "ENV126", "generator-made-anew"),
            ("BerthsByColumns", "ENV318", "mask-in-another-order"),
            ("BerthsOneOn", "ENV318", "mask-in-another-order"),
            ("BerthsOfYesterday", "ENV318", "mask-unlike-steps"),
            ("ShipAtHomeForEver", "ENV218", "array-moves-along"),
            ("ShipOfLists", "ENV218", "array-moves-along"),
            ("ShipOfOneNorm", "ENV218", "array-moves-along"),
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
            *((name, "ENV421") for name in ("scaled_first", "sparse_by_threshold", "Plant")),
            *((name, "ENV126") for name in ("Shop", "ShopOfDays", "ShopWithAPicture")),
            *((name, "ENV318") for name in ("Berths", "BerthsWithAClock", "BerthsWithCare")),
            *((name, "ENV218") for name in ("Ship", "ShipOfViews", "ShipOfABuffer")),
        ],
    ),
)
def test_what_looks_alike_is_left_alone(name, code):
    assert found(name, code, own) == []
