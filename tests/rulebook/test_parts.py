"""What is computed once of a curve, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from rldoctor import stats
from rldoctor.model import Curve
from rldoctor.rulebook import load_rulebook
from rldoctor.rulebook.applicable import applicable
from rldoctor.rulebook.parts import STATISTICS, Part

VALUES = arrays.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6))
BY_NUMPY = {
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "max": np.max,
    "first": lambda x: x[0],
    "last": lambda x: x[-1],
    "q10": lambda x: np.quantile(x, 0.1),
    "q90": lambda x: np.quantile(x, 0.9),
    "third_highest": lambda x: third_highest(np.sort(x)),
    "spread": np.ptp,
}


def third_highest(ordered: np.ndarray) -> float:
    """Of fewer than 30 points it lies on the way from the second highest, which it is of 15 and fewer."""
    count = len(ordered)
    if count <= 3 or count >= 30:
        return ordered[-min(3, count)]
    return ordered[-2] + (ordered[-3] - ordered[-2]) * max(2 * count / 30 - 1, 0.0)


def part(values: np.ndarray) -> Part:
    return Part.of([Curve("m", np.arange(len(values)), values)])


@given(VALUES)
def test_statistics_are_those_of_numpy_to_the_last_bit(values: np.ndarray) -> None:
    assert set(STATISTICS) == BY_NUMPY.keys()
    assert {name: part(values).statistics(name)[0] for name in STATISTICS} == {
        name: float(of(values)) for name, of in BY_NUMPY.items()
    }


@pytest.mark.parametrize("name", sorted(set(STATISTICS) - {"first", "last", "third_highest"}))
def test_a_statistic_of_nan_is_nan(name: str) -> None:
    assert np.isnan(part(np.array([1.0, np.nan, 2.0])).statistics(name)[0])


@given(VALUES, st.integers(1, 50))
def test_means_are_those_of_equal_parts(values: np.ndarray, most: int) -> None:
    expected = [piece.mean() for piece in np.array_split(values, min(most, len(values)))]
    assert stats.means_of_parts(values, most) == pytest.approx(expected, rel=1e-12, abs=1e-6)


def test_what_is_known_is_computed_once() -> None:
    curve = part(np.arange(20.0))
    asked = []
    assert [curve.known("what", lambda of: asked.append(of) or len(of)) for _ in range(3)] == [20, 20, 20]
    assert len(asked) == 1
    assert curve.within((0.5, 1.0)) is curve.within((0.5, 1.0))
    assert curve.within((0.0, 1.0)) is curve


def test_weights_are_in_an_order_that_each_diagnosis_has() -> None:
    chosen = applicable(load_rulebook(), "ppo")
    assert applicable(load_rulebook(), "ppo") is chosen
    for rule, weights in zip(chosen.rules, chosen.weights, strict=True):
        places = [chosen.places[key] for key in rule.weights]
        assert places == sorted(places)
        assert [weights[place] for place in places] == list(rule.weights.values())
