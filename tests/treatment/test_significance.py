"""How likely chance alone would look like a cure, compared with counting every assignment of the runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rldoctor import references
from rldoctor.experiments.treatment import significance


def counted(untreated: int, untreated_sick: int, treated: int, treated_sick: int) -> float:
    """Assign the sick labels in every way, and count the ways that look at least as bad for the untreated."""
    runs, sick = untreated + treated, untreated_sick + treated_sick
    ways = list(itertools.combinations(range(runs), sick))
    return sum(sum(place < untreated for place in way) >= untreated_sick for way in ways) / len(ways)


@pytest.mark.parametrize("untreated", [1, 2, 3])
@pytest.mark.parametrize("treated", [1, 2, 5])
def test_fishers_exact_test(untreated: int, treated: int) -> None:
    for sick in range(untreated + 1):
        for failed in range(treated + 1):
            found = significance.fisher_exact(untreated, sick, treated, failed)
            assert found == pytest.approx(counted(untreated, sick, treated, failed)), (sick, failed)


def test_one_sick_against_twenty_healthy_seeds_is_hardly_chance_and_against_one_it_may_be() -> None:
    assert significance.fisher_exact(1, 1, 21, 0) == pytest.approx(1 / 22)
    assert significance.fisher_exact(1, 1, 21, 0) < significance.UNLIKELY < significance.fisher_exact(1, 1, 1, 0)
    # A control that is sick as well says something, if little.
    assert significance.fisher_exact(2, 2, 1, 0) < significance.fisher_exact(1, 1, 1, 0)
    # One that is well says that nothing is shown.
    assert significance.fisher_exact(2, 1, 1, 0) > significance.fisher_exact(1, 1, 1, 0)


def test_seeds_that_a_reference_left_out_count_as_sick() -> None:
    """CartPole's seed 14 does not pass: a seed as bad as the sick run is that much likelier."""
    cartpole, pendulum = references.load("cartpole/zoo"), references.load("pendulum/zoo")
    assert (cartpole.healthy_seeds, cartpole.failed_seeds) == (19, 1)
    assert (pendulum.healthy_seeds, pendulum.failed_seeds) == (20, 0)
    assert significance.fisher_exact(1, 1, 21, 1) == pytest.approx(2 / 22)


def test_the_words_hold_the_numbers() -> None:
    words = significance.in_words(1 / 22, 1, 1, references.load("pendulum/zoo"), control=False)
    assert "1 of 1 untreated runs was sick" in words
    assert "20 of 20 seeds" in words
    assert "4.5%" in words
    assert "no untreated control was trained" in words
    assert "rldoctor sweep" not in words
    weak = significance.in_words(1 / 3, 2, 2, None, control=True)
    assert "33%" in weak
    assert "rldoctor sweep" in weak


@pytest.mark.parametrize(("t", "freedom"), [(12.706, 1), (4.3027, 2), (3.1824, 3), (2.0930, 19), (2.0860, 20)])
def test_students_t_exceeds_these_in_one_case_of_forty(t: float, freedom: int) -> None:
    assert significance.student_tail(t, freedom) == pytest.approx(0.025, abs=2e-6)
    assert significance.student_tail(-t, freedom) == pytest.approx(0.975, abs=2e-6)
    assert significance.student_tail(0.0, freedom) == pytest.approx(0.5)


@pytest.mark.parametrize("seeds", [3, 10, 20])
def test_the_spread_of_seeds_follows_from_their_band(seeds: int) -> None:
    values = np.random.default_rng(0).normal(0, 2, (20_000, seeds))
    low, high = np.quantile(values, [0.05, 0.95], axis=1)
    assert significance.standard_deviation(float(np.mean(high - low)), seeds) == pytest.approx(2, rel=0.03)
