"""A change is clear beside the ups and downs of the curve, and beside those of the few episodes that it starts from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rldoctor.model import Aggregation, Curve, Run
from rldoctor.rulebook import Case
from rldoctor.rulebook.detectors.detector import Measured
from rldoctor.rulebook.detectors.shape import Rise
from rldoctor.rulebook.detectors.stack import Stack

LENGTH, ROWS = 200, 50


def a_case(values: np.ndarray, spacing: int, aggregation: Aggregation, axis: str = "env_steps") -> Case:
    """Return a run of a library that is not taken apart, whose episodes all have 200 steps."""
    steps = spacing * np.arange(1, len(values) + 1)
    lengths = np.full(len(values), float(LENGTH))
    curves = {
        "episode_return": Curve("episode_return", steps, values, "return", aggregation),
        "episode_length": Curve("episode_length", steps, lengths, "length", aggregation),
    }
    return Case(Run("x", "rl_games", curves, step_axis=axis))


def scatter(case: Case) -> float:
    stack = Stack.alone(case)
    part = stack.part("episode_return")
    assert part is not None
    return stack.scatter_at_start(part)[0]


@pytest.mark.parametrize(
    ("spacing", "aggregation", "axis", "wanted"),
    [
        # The second row is a mean over 10 of 100 episodes.
        (1_000, Aggregation.WINDOW, "env_steps", math.sqrt(10)),
        # Each row is a mean over a hundred.
        (20_000, Aggregation.WINDOW, "env_steps", 1.0),
        # Episodes of its own in each row.
        (1_000, Aggregation.MEAN, "env_steps", 1.0),
        # How many episodes ended in an iteration is not known.
        (1, Aggregation.WINDOW, "iterations", 1.0),
    ],
)
def test_a_mean_over_few_episodes_is_off_by_more(spacing, aggregation, axis, wanted):
    values = np.random.default_rng(0).normal(0, 1, ROWS)
    case = a_case(values, spacing, aggregation, axis)
    assert case.window == 100
    assert scatter(case) == pytest.approx(wanted)


def test_a_fall_is_below_zero_and_as_clear_as_a_rise():
    noise = np.random.default_rng(1).normal(0, 1, ROWS)
    way = np.linspace(0, 20, ROWS)
    rise = Rise("episode_return", thresholds=(1.0, 2.5))
    up, down, level = (
        rise.measure(a_case(10 + values, 20_000, Aggregation.MEAN)) for values in (way + noise, 20 - way - noise, noise)
    )
    assert isinstance(up, Measured) and isinstance(down, Measured) and isinstance(level, Measured)
    assert (up.strength, down.strength) == (1.0, 0.0)
    assert down.observed == pytest.approx(-up.observed, rel=0.05)
    assert abs(level.observed) < 2.5
    fall = Rise("episode_return", thresholds=(-1.0, -2.5)).measure(a_case(30 - way - noise, 20_000, Aggregation.MEAN))
    assert isinstance(fall, Measured) and fall.strength == 1.0


def test_episodes_logged_one_by_one_share_a_window():
    case = a_case(np.random.default_rng(2).normal(0, 1, 1_000), 200, Aggregation.EPISODE)
    part = Stack.alone(case).part("episode_return")
    # A run of 1,000 episodes is judged on 101 points, each a mean over 50 episodes: points 6 apart share none of them.
    assert part is not None and Stack.alone(case).rows_in_common(part) == [6]
