"""Statistics of curves against hand-computed values and against a second, slow and obvious implementation."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rldoctor import stats
from rldoctor.stats import curves
from tests.stats.drawn_numbers import INF, NAN, close, few, with_nan

# rank_correlation


def test_rank_correlation_by_hand():
    assert stats.rank_correlation([1, 2, 3], [10, 100, 1000]) == 1.0
    assert stats.rank_correlation([1, 2, 3], [9, 4, 1]) == -1.0
    # Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
    assert stats.rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert math.isnan(stats.rank_correlation([1, 1, 1], [1, 2, 3]))
    assert math.isnan(stats.rank_correlation([1], [1]))


@given(st.lists(st.tuples(with_nan, with_nan), max_size=15))
def test_rank_correlation_as_pearson_of_counted_ranks(points):
    kept = [(x, y) for x, y in points if not math.isnan(x) and not math.isnan(y)]
    ranks = [[sum(w < v for w in column) + (column.count(v) + 1) / 2 for v in column] for column in zip(*kept)]  # noqa: B905
    try:
        expected = statistics.correlation(*ranks) if len(kept) > 1 else NAN
    except statistics.StatisticsError:
        expected = NAN
    assert close(stats.rank_correlation([x for x, _ in points], [y for _, y in points]), expected)


# smooth


def test_smooth_by_hand():
    assert stats.smooth([1, 9, 2, 3, 4], 3).tolist() == [5.0, 2.0, 3.0, 3.0, 3.5]
    assert stats.smooth([1, 9, 2], 1).tolist() == [1.0, 9.0, 2.0]
    assert stats.smooth([], 5).tolist() == []
    assert stats.smooth([1, INF, INF], 3).tolist() == [INF, INF, INF]


@given(st.lists(st.one_of(with_nan, st.just(INF), st.just(-INF)), max_size=20), st.integers(0, 50))
def test_smooth_as_one_window_after_the_other(y, window):
    half = window // 2
    expected = []
    for i in range(len(y)):
        seen = [v for v in y[max(i - half, 0) : i + half + 1] if not math.isnan(v)]
        expected.append(statistics.median(seen) if seen else NAN)
    assert np.allclose(stats.smooth(y, window), expected, equal_nan=True)


def test_smooth_of_a_long_curve_is_bounded_in_memory_and_near_the_exact_one(monkeypatch):
    draw = np.random.default_rng(0)
    y = np.sin(np.linspace(0, 6, 3_000)) + 0.1 * draw.normal(size=3_000)
    y[[5, 700, 2_999]] = NAN, INF, NAN
    exact = stats.smooth(y, 150)
    seen = []
    middle = curves._middle
    monkeypatch.setattr(curves, "_MAX_WINDOWED", 10_000)
    monkeypatch.setattr(curves, "_middle", lambda rows: (seen.append(rows.size), middle(rows))[1])
    assert np.abs(stats.smooth(y, 150) - exact).max() < 0.1
    assert max(seen[1:]) <= 2 * 10_000
    monkeypatch.setattr(curves, "_MAX_WINDOWED", 1)
    assert len(stats.smooth(y, 150)) == 3_000


# longest_stretch


def test_longest_stretch_by_hand():
    assert stats.longest_stretch([0, 1, 1, 0, 1, 1]) == (1, 3)
    assert stats.longest_stretch([1, 0, 1, 1]) == (2, 4)
    assert stats.longest_stretch([0, 0]) == (0, 0)
    assert stats.longest_stretch([]) == (0, 0)


@given(st.lists(st.booleans(), max_size=25))
def test_longest_stretch_as_by_trying_all(mask):
    stretches = [(i, j) for i in range(len(mask)) for j in range(i + 1, len(mask) + 1) if all(mask[i:j])]
    assert stats.longest_stretch(mask) == max(stretches, key=lambda s: (s[1] - s[0], -s[0]), default=(0, 0))


# interpolate


def test_interpolate_by_hand():
    result = stats.interpolate([10, 20, 40], [1.0, 3.0, NAN], [5, 10, 15, 20, 30])
    assert np.array_equal(result, [NAN, 1.0, 2.0, 3.0, NAN], equal_nan=True)
    assert np.isnan(stats.interpolate([], [], [1, 2])).tolist() == [True, True]
    assert stats.interpolate([3], [4], [3]).tolist() == [4.0]


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=10, unique=True)
    .map(sorted)
    .flatmap(lambda steps: st.tuples(st.just(steps), st.lists(few, min_size=len(steps), max_size=len(steps)))),
    st.lists(st.floats(-5, 55), max_size=10),
)
def test_interpolate_as_by_looking_for_the_neighbours(points, at):
    steps, values = points
    expected = []
    for x in at:
        left = max((i for i, s in enumerate(steps) if s <= x), default=None)
        right = min((i for i, s in enumerate(steps) if s >= x), default=None)
        if left is None or right is None:
            expected.append(NAN)
        elif left == right:
            expected.append(values[left])
        else:
            share = (x - steps[left]) / (steps[right] - steps[left])
            expected.append(values[left] + share * (values[right] - values[left]))
    assert np.allclose(stats.interpolate(steps, values, at), expected, equal_nan=True)


@pytest.mark.parametrize(
    "values", [[3.0], [1.0, 2.0], [5.0, -1.0, 2.0], [1.0, math.inf, 2.0, -math.inf], [1.0, math.nan]]
)
def test_median_is_numpys(values):
    assert stats.median(np.array(values)) == pytest.approx(np.median(values), nan_ok=True)


ROWS = arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 30)), elements=st.floats(-1e6, 1e6))


@given(ROWS, st.integers(1, 9))
def test_what_is_asked_of_rows_is_what_is_asked_of_each(rows: np.ndarray, window: int) -> None:
    steps = np.arange(rows.shape[1])
    assert stats.medians(rows) == [stats.median(row) for row in rows]
    assert np.array_equal(stats.smooth(rows, window), [stats.smooth(row, window) for row in rows])
    assert np.array_equal(stats.means_of_parts(rows, 7), [stats.means_of_parts(row, 7) for row in rows])
    found = stats.rank_correlations(steps, rows)
    assert found == pytest.approx([stats.rank_correlation(steps, row) for row in rows], abs=1e-12, nan_ok=True)


def test_rows_with_values_that_are_not_finite() -> None:
    rows = np.array([[1.0, 2.0, 3.0, 5.0], [1.0, NAN, 3.0, 2.0], [1.0, INF, 0.0, 2.0], [2.0, 2.0, 2.0, 2.0]])
    assert stats.medians(rows)[0] == 2.5 and math.isnan(stats.medians(rows)[1]) and stats.medians(rows)[2] == 1.5
    assert stats.rank_correlations(np.arange(4), rows)[:3] == pytest.approx([1.0, 0.5, 0.5])
    assert math.isnan(stats.rank_correlations(np.arange(4), rows)[3])
