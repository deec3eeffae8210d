"""Detectors that compare a run with its reference's bands, on curves whose answer can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor.rulebook.detectors.detector import NotMeasured
from rldoctor.rulebook.detectors.level import BehindReference, Level, OffBand, ScaleOff
from tests.rulebook.by_hand import RISING, UNIT, WIDTHS, case, seen

BEHIND = BehindReference("episode_return", thresholds=(0.2, 0.6))


def test_a_band_overrules_a_range_only_upwards_of_it() -> None:
    condition = Level("m", thresholds=(0.03, 0.12), band=True)
    high_band = case((0.01, 0.05, 0.1), m=0.09)
    assert seen(condition, high_band).strength == 0.0
    assert seen(condition, case(m=0.09)).strength == pytest.approx(0.06 / 0.09)
    # A band below the range does not make the range stricter.
    assert seen(condition, case((0.001, 0.002, 0.003), m=0.02)).strength == 0.0


def test_a_band_of_another_recipe_does_not_overrule() -> None:
    condition = Level("m", thresholds=(0.03, 0.12), band=True)
    other = case((0.01, 0.05, 0.1), same_recipe=False, m=0.09)
    assert seen(condition, other).strength == pytest.approx(0.06 / 0.09)


def test_behind_the_reference() -> None:
    band = (RISING - 0.05, RISING, RISING + 0.05)
    assert seen(BEHIND, case(band, episode_return=RISING)).strength == 0.0
    assert seen(BEHIND, case(band, episode_return=RISING * 0.4)).strength == pytest.approx(1.0)
    assert isinstance(BEHIND.measure(case(episode_return=RISING)), NotMeasured)


def test_who_arrives_at_last_is_not_behind() -> None:
    """A mean over a hundred long episodes may jump to where healthy runs are in the last few points."""
    band = (RISING - 0.05, RISING, RISING + 0.05)
    jumps = np.where(np.arange(100) < 96, 0.3, 1.0)
    assert seen(BEHIND, case(band, episode_return=jumps)).strength == 0.0
    assert seen(BEHIND, case(band, episode_return=np.where(np.arange(100) < 99, 0.3, 1.0))).strength == 1.0


def test_nobody_is_behind_before_healthy_runs_have_moved() -> None:
    flat = np.full(100, -10.0)
    assert isinstance(
        BEHIND.measure(case((flat - 1, flat, flat + 1), episode_return=flat)),
        NotMeasured,
    )


def test_outcome_bands_hold_for_other_recipes_too() -> None:
    band = (RISING - 0.05, RISING, RISING + 0.05)
    assert seen(BEHIND, case(band, same_recipe=False, episode_return=0.0)).strength == 1.0
    assert isinstance(OffBand("std", thresholds=WIDTHS).measure(case(band, same_recipe=False, std=RISING)), NotMeasured)


def test_off_band_counts_in_widths() -> None:
    above = seen(OffBand("m", thresholds=WIDTHS), case((1.0, 1.5, 2.0), m=4.5))
    assert above.strength == pytest.approx((2.5 - 1) / 3)
    assert seen(OffBand("m", thresholds=WIDTHS, side="below"), case((1.0, 1.5, 2.0), m=4.5)).strength == 0.0


def test_a_slower_recipe_is_not_off_the_band_where_healthy_runs_have_been() -> None:
    band = (RISING - 0.05, RISING, RISING + 0.05)
    below = OffBand("episode_return", thresholds=(0.5, 2.0), side="below")
    slow = RISING * 0.2
    assert seen(below, case(band, episode_return=slow)).strength == 1.0
    assert seen(below, case(band, same_recipe=False, episode_return=slow)).strength == 0.0
    assert seen(below, case(band, same_recipe=False, episode_return=-3.0)).strength == 1.0
    only_same = OffBand("episode_return", thresholds=WIDTHS, side="below", same_recipe=True)
    assert isinstance(only_same.measure(case(band, same_recipe=False, episode_return=slow)), NotMeasured)


def test_a_slower_recipe_that_is_catching_up_is_not_behind() -> None:
    band = (RISING - 0.05, RISING, RISING + 0.05)
    slow, stuck = RISING * 0.6, np.minimum(RISING, 0.5)
    behind = BehindReference("episode_return", thresholds=(0.1, 0.3))
    assert seen(behind, case(band, episode_return=slow)).strength == 1.0
    assert seen(behind, case(band, same_recipe=False, episode_return=slow)).strength == 0.0
    assert seen(behind, case(band, same_recipe=False, episode_return=stuck)).strength == 1.0


@pytest.mark.parametrize(("value", "strength"), [(-1000, 1.0), (-10, 0.0), (1000, 1.0), (-0.01, 0.0), (0.0, 0.0)])
def test_scale_off_counts_powers_of_ten_at_the_start(value: float, strength: float) -> None:
    band = (np.full(100, -12), np.full(100, -10), np.full(100, -8))
    where = case(band, same_recipe=False, episode_return=np.where(np.arange(100) < 20, value, -10.0))
    assert seen(ScaleOff("episode_return", thresholds=(0.7, 1.2)), where).strength == strength
    smaller = seen(ScaleOff("episode_return", thresholds=(-0.6, -0.85)), where)
    assert smaller.strength == (1.0 if abs(value) < 1 else 0.0)


def test_scale_off_does_not_judge_by_a_band_without_a_size() -> None:
    band = (np.full(100, -1), np.full(100, 0.1), np.full(100, 1))
    assert isinstance(ScaleOff("episode_return", thresholds=UNIT).measure(case(band, episode_return=50)), NotMeasured)
    assert isinstance(ScaleOff("episode_return", thresholds=UNIT).measure(case(episode_return=50)), NotMeasured)
