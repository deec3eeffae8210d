"""Means, intervals and comparisons of samples against hand-computed values and against slow implementations."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.rates import wilson_interval
from rldoctor import stats
from tests.stats.drawn_numbers import INF, NAN, close, numbers

# iqm and intervals


def test_iqm_by_hand():
    assert stats.iqm([1, 2, 3, 100]) == 2.5
    assert stats.iqm([1, 2, 3, 4, 5, 6, 7, 1000]) == 4.5
    assert stats.iqm([5]) == 5.0
    assert stats.iqm([NAN, 5, INF]) == 5.0
    assert math.isnan(stats.iqm([]))


@given(st.lists(numbers, min_size=1, max_size=30))
def test_iqm_as_by_taking_the_ends_away(x):
    rest = sorted(x)
    for _ in range(len(x) // 4):
        rest.pop(0)
        rest.pop()
    assert close(stats.iqm(x), statistics.fmean(rest))


def test_interval_of_one_stratum():
    x = list(range(10))
    interval = stats.stratified_interval([x], np.mean, seed=1)
    assert interval == stats.stratified_interval([x], np.mean, seed=1)
    # The mean of a resample has the standard deviation sqrt(8.25 / 10) = 0.908: 4.5 -+ 1.96 x 0.908.
    assert interval.low == pytest.approx(2.72, abs=0.15)
    assert interval.high == pytest.approx(6.28, abs=0.15)
    narrow = stats.stratified_interval([x], np.mean, level=0.5)
    assert interval.low < narrow.low < 4.5 < narrow.high < interval.high
    assert stats.stratified_interval([[3.0, 3.0, NAN]], stats.iqm) == (3.0, 3.0)
    assert all(math.isnan(v) for v in stats.stratified_interval([[]], stats.iqm))


def test_interval_of_one_stratum_against_every_resample():
    x = [0.0, 1.0, 5.0, 6.0]
    every = sorted(statistics.fmean(pick) for pick in itertools.product(x, repeat=4))
    low, high = np.quantile(every, [0.1, 0.9])
    interval = stats.stratified_interval([x], np.mean, level=0.8, n=20_000)
    assert interval == pytest.approx((low, high), abs=0.1)


def test_wilson_interval_by_hand():
    # The textbook example: 9 of 10 is [0.596, 0.982].
    assert wilson_interval(9, 10) == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert wilson_interval(30, 30) == pytest.approx((0.8865, 1.0), abs=1e-4)
    assert wilson_interval(30, 30).high == 1.0
    assert wilson_interval(0, 30).low == 0.0
    assert wilson_interval(0, 0) == (0.0, 1.0)
    for k, n in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="no rate"):
            wilson_interval(k, n)


@given(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99])
)
def test_wilson_interval_as_the_rates_that_a_score_test_accepts(rate, level):
    k, n = rate
    z = statistics.NormalDist().inv_cdf((1 + level) / 2)
    grid = np.linspace(0, 1, 20_001)
    accepted = grid[np.abs(k / n - grid) <= z * np.sqrt(grid * (1 - grid) / n) + 1e-12]
    low, high = wilson_interval(k, n, level)
    assert low == pytest.approx(accepted.min(), abs=1e-4)
    assert high == pytest.approx(accepted.max(), abs=1e-4)


def test_bootstrap_gap_by_hand():
    # One run on a side and every episode worse by the same: nothing to be unsure of.
    same = stats.bootstrap_gap([[1.0, 2.0, 3.0]], [[0.5, 1.5, 2.5]], 0.99)
    assert same == pytest.approx((0.5, 0.5))
    # Two runs, 0 and 1, against one of 1: resamples of the first are 0, 0.5 and 1 with chances 1/4, 1/2 and 1/4.
    spread = stats.bootstrap_gap([[0.0], [1.0]], [[1.0]], 0.9)
    assert spread == pytest.approx((-0.5, -1.0))
    assert stats.bootstrap_gap([[0.0], [1.0]], [[1.0]], 0.6).low == pytest.approx(-0.5)


def test_bootstrap_gap_as_by_drawing_one_after_the_other():
    rng = np.random.default_rng(0)
    before, after = rng.normal(1, 1, (4, 30)), rng.normal(0.2, 1, (3, 30))
    draws = np.random.default_rng(1)
    gaps = []
    for _ in range(4000):
        episodes = draws.integers(0, 30, 30)
        first = before[draws.integers(0, 4, 4)][:, episodes].mean()
        gaps.append(first - after[draws.integers(0, 3, 3)][:, episodes].mean())
    gap = stats.bootstrap_gap(before, after, 0.95)
    assert gap.mean == pytest.approx(before.mean() - after.mean())
    assert gap.low == pytest.approx(np.quantile(gaps, 0.05), abs=0.02)


@pytest.mark.parametrize(("before", "after"), [([[1.0, 2.0]], [[1.0]]), ([[]], [[]]), (np.zeros((0, 3)), [[1, 2, 3]])])
def test_bootstrap_gap_refuses_what_cannot_be_compared(before, after):
    with pytest.raises(ValueError, match="cannot be compared"):
        stats.bootstrap_gap(before, after, 0.9)


def slow_improvement(x, y):
    """Count pairs, one by one."""
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in x for b in y)
    return wins / (len(x) * len(y))


def test_probability_of_improvement_by_hand():
    assert stats.probability_of_improvement([3], [1, 2]) == 1.0
    assert stats.probability_of_improvement([1, 2], [1, 2]) == 0.5
    assert stats.probability_of_improvement([2], [1, 2, 3, 4]) == pytest.approx(1.5 / 4)
    assert math.isnan(stats.probability_of_improvement([], [1]))
    assert math.isnan(stats.probability_of_improvement([1], [math.nan]))


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12), st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_probability_of_improvement_counts_pairs(x, y):
    assert stats.probability_of_improvement(x, y) == pytest.approx(slow_improvement(x, y))
    assert stats.probability_of_improvement(x, y) + stats.probability_of_improvement(y, x) == pytest.approx(1.0)


def slow_stratified(strata, n, seed):
    """Resample value by value, as the fast one draws, and take the mean of the middle half by sorting."""
    draw = np.random.default_rng(seed)
    results = []
    for _ in range(n):
        drawn = []
        for values in strata:
            drawn += [values[i] for i in draw.integers(0, len(values), len(values))]
        drawn.sort()
        cut = len(drawn) // 4
        kept = drawn[cut : len(drawn) - cut]
        results.append(sum(kept) / len(kept))
    return float(np.percentile(results, 2.5)), float(np.percentile(results, 97.5))


def test_stratified_interval_as_a_slow_one_has_it():
    strata = [[0.1, 0.4, 0.2, 0.9], [5.0, 4.0, 6.5], [1.0]]
    assert stats.stratified_interval(strata, n=500, seed=3) == pytest.approx(slow_stratified(strata, 500, 3))


def test_stratified_interval_leaves_differences_between_strata_out():
    apart = [[0.0] * 5, [1.0] * 5]
    assert stats.stratified_interval(apart, np.mean) == (0.5, 0.5)
    pooled = stats.stratified_interval([[*apart[0], *apart[1]]], np.mean)
    assert pooled.high - pooled.low > 0.4
    assert stats.stratified_interval([[1.0, 2.0, 3.0]]) == stats.stratified_interval([[1.0, 2.0, 3.0]], stats.iqm)
    assert all(math.isnan(end) for end in stats.stratified_interval([[], [math.nan]]))
    assert stats.stratified_interval([[], [2.0]]) == (2.0, 2.0)


@pytest.mark.slow
def test_stratified_interval_covers_the_truth():
    draw = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        interval = stats.stratified_interval([draw.normal(0, 1, 20), draw.normal(0, 1, 20)], np.mean, n=300, seed=trial)
        covered += interval.low <= 0.0 <= interval.high
    # 95 % asked, some less for a bootstrap of few values; 200 trials scatter by 1.6 %.
    assert 0.88 <= covered / 200 <= 0.99


def test_improvement_interval():
    low, high = stats.improvement_interval([[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5]])
    assert low < 0.5 < high
    assert stats.improvement_interval([[10, 11]], [[1, 2]]) == (1.0, 1.0)
    # In one environment better, in the other worse: a draw.
    assert stats.improvement_interval([[10, 11], [1, 2]], [[1, 2], [10, 11]]) == (0.5, 0.5)
    assert all(math.isnan(end) for end in stats.improvement_interval([[]], [[1]]))
    with pytest.raises(ValueError, match="zip"):
        stats.improvement_interval([[1]], [[1], [2]])


def test_iqm_band_is_that_of_each_point():
    table = np.random.default_rng(1).normal(size=(7, 4))
    band = stats.iqm_band(table, n=400, seed=5)
    assert band.middle == pytest.approx([stats.iqm(column) for column in table.T])
    drawn = np.random.default_rng(5).integers(0, 7, (400, 7))
    slow = np.array([[stats.iqm(table[rows, point]) for point in range(4)] for rows in drawn])
    assert band.low == pytest.approx(np.percentile(slow, 2.5, axis=0))
    assert band.high == pytest.approx(np.percentile(slow, 97.5, axis=0))
    one = stats.iqm_band([[1.0, 2.0]])
    assert one.low.tolist() == one.middle.tolist() == one.high.tolist() == [1.0, 2.0]
    for wrong in (np.empty((0, 3)), [[math.nan]]):
        with pytest.raises(ValueError, match="band"):
            stats.iqm_band(wrong)
