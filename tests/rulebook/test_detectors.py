"""Each detector on curves whose answer can be worked out by hand: what it measures, how strongly, when it is silent."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rldoctor.model import Aggregation, Curve, Run
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.detectors.detector import NotMeasured, strength
from rldoctor.rulebook.detectors.lasting import Frozen, Share, Zeros
from rldoctor.rulebook.detectors.level import Level
from rldoctor.rulebook.detectors.log import Missing, NonFinite, Recorded
from rldoctor.rulebook.detectors.shape import Change, DropsFromPeak, Gain, Restless, Rise, Swing, Trend
from rldoctor.rulebook.observe import Evidence, Skipped, observe
from rldoctor.rulebook.parts import Part
from tests.rulebook.by_hand import RISING, SHARES, STEPS, UNIT, case, curve, seen


@pytest.mark.parametrize(
    ("value", "ramp", "log", "expected"),
    [
        (0.5, (0.0, 1.0), False, 0.5),
        (-1, (0.0, 1.0), False, 0.0),
        (2, (0.0, 1.0), False, 1.0),
        (0.75, (1.0, 0.0), False, 0.25),
        (10, (1.0, 100.0), True, 0.5),
        (0.0, (1e-3, 1e-5), True, 1.0),
        (math.inf, (0.0, 1.0), False, 1.0),
        (math.nan, (0.0, 1.0), False, 0.0),
    ],
)
def test_strength(value: float, ramp: tuple[float, float], log: bool, expected: float) -> None:
    assert strength(value, ramp, log) == pytest.approx(expected)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_window_is_what_lies_in_its_shares(a: float, b: float) -> None:
    low, high = sorted((a, b))
    part = Part.of([curve("m", RISING)]).within((low, high))
    inside = [s for s in STEPS if 1000 + low * 99_000 <= s <= 1000 + high * 99_000]
    if len(inside) >= 2:
        assert list(part.steps) == inside
    else:
        assert len(part) in (2, 3)


@pytest.mark.parametrize(
    ("over", "expected"),
    [("mean", 0.5), ("median", 0.5), ("min", 0), ("max", 1), ("first", 0), ("last", 1), ("third_highest", 97 / 99)],
)
def test_level(over: str, expected: float) -> None:
    assert seen(Level("m", thresholds=UNIT, statistic=over), case(m=RISING)).observed == pytest.approx(expected)


def test_change_and_its_ratio() -> None:
    assert seen(Change("m", thresholds=UNIT), case(m=1 + RISING)).observed == pytest.approx(87.5 / 99)
    ratio = seen(Change("m", thresholds=UNIT, ratio=True), case(m=np.geomspace(1, 1000, 100)))
    assert ratio.observed == pytest.approx(10 ** (3 * 87.5 / 99), rel=0.05)
    assert isinstance(Change("m", thresholds=UNIT, ratio=True).measure(case(m=0.0)), NotMeasured)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(-10, -1, 0.9), (20, 500, 0.96), (-10, -40, -0.75), (5, 5, 0.0), (0, 0, 0.0), (-1, 1, 2)],
)
def test_gain_has_no_scale(first: float, last: float, expected: float) -> None:
    values = np.where(np.arange(100) < 50, first, last)
    assert seen(Gain("m", thresholds=UNIT), case(m=values)).observed == pytest.approx(expected)
    assert seen(Gain("m", thresholds=UNIT), case(m=values * 1e-6)).observed == pytest.approx(expected)


def test_trend() -> None:
    assert seen(Trend("m", thresholds=UNIT), case(m=RISING**3)).observed == pytest.approx(1.0)
    assert seen(Trend("m", thresholds=UNIT), case(m=-RISING)).observed == pytest.approx(-1.0)


def test_drops_from_peak() -> None:
    up_down = np.concatenate([np.linspace(0, 100, 50), np.linspace(100, 25, 50)])
    assert seen(DropsFromPeak("m", thresholds=UNIT), case(m=up_down)).observed == pytest.approx(0.73, abs=0.04)
    assert seen(DropsFromPeak("m", thresholds=UNIT), case(m=RISING)).observed == pytest.approx(0.0, abs=0.06)
    noise = 100 + np.random.default_rng(0).normal(0, 1, 100)
    assert seen(DropsFromPeak("m", thresholds=UNIT), case(m=noise)).observed == 0.0


def test_share() -> None:
    assert seen(Share("m", thresholds=UNIT, above=0.75), case(m=RISING)).observed == pytest.approx(0.25)
    low = seen(Share("m", thresholds=UNIT, below=0.1), case(m=RISING))
    assert low.observed == pytest.approx(0.1)
    assert (low.first_step, low.last_step) == (1000, 10_000)


def test_frozen() -> None:
    assert seen(Frozen("m", thresholds=SHARES), case(m=3.0)).observed == pytest.approx(1.0)
    half = np.concatenate([RISING[:50], np.full(50, 7.0)])
    assert seen(Frozen("m", thresholds=SHARES), case(m=half)).observed == pytest.approx(0.495, abs=0.01)
    assert seen(Frozen("m", thresholds=SHARES), case(m=RISING)).observed == 0.0


def test_restless_and_swing() -> None:
    zigzag = np.tile([1.0, -1.0], 50)
    restless = Restless("m", thresholds=(2.0, 3.0))
    noise = np.random.default_rng(0).normal(size=100)
    assert seen(restless, case(m=noise)).strength == 1.0
    assert seen(restless, case(m=RISING)).observed == pytest.approx(1.0, abs=0.15)
    # A rise and a fall back to the start is a collapse, not noise.
    assert seen(restless, case(m=np.concatenate([RISING[::2], RISING[::-2]]))).strength == 0.0
    assert seen(restless, case(m=1.0)).observed == 0.0
    assert seen(Swing("m", thresholds=(0.5, 1.0)), case(m=zigzag)).observed == pytest.approx(2.0)
    assert seen(Swing("m", thresholds=(0.5, 1.0)), case(m=5.0)).observed == 0.0


def test_how_often_a_run_is_logged_changes_nothing() -> None:
    steps = np.arange(1, 2001, dtype=np.int64) * 50
    rising = np.interp(steps, [0, 100_000], [0.0, 25.0]) + np.random.default_rng(0).normal(0, 1.0, 2000)
    every, twentieth = (
        Case(Run("x", "sb3", {"episode_return": Curve("episode_return", steps[at], rising[at])}))
        for at in (slice(None), slice(19, None, 20))
    )
    for condition in (
        Restless("episode_return", thresholds=(2.0, 3.0)),
        Gain("episode_return", thresholds=(0.4, 0.7)),
        Trend("episode_return", thresholds=(0.85, 0.95)),
    ):
        assert seen(condition, every).strength == seen(condition, twentieth).strength
    held = Curve("episode_return", np.arange(1, 2001, dtype=np.int64) * 50, np.repeat(rising[19::20], 20))
    frozen = Frozen("episode_return", thresholds=(0.5, 0.9))
    assert seen(frozen, Case(Run("x", "rsl_rl", {"episode_return": held}))).strength == 0.0


def test_a_small_rise_that_is_certain() -> None:
    noise = np.random.default_rng(0).normal(0, 10.0, 100)
    small = np.interp(np.arange(100), [0, 40, 99], [1400.0, 2100.0, 2170.0])
    rise = Rise("episode_return", thresholds=(6.0, 12.0))
    assert seen(rise, case(episode_return=small + noise)).strength == 1.0
    assert seen(rise, case(episode_return=1400.0 + noise)).strength == 0.0
    assert seen(rise, case(episode_return=1400.0 + 70 * noise)).strength == 0.0
    assert isinstance(
        rise.measure(Case(Run("x", "sb3", {"episode_return": Curve("episode_return", STEPS[:9], small[:9])}))),
        NotMeasured,
    )


def test_non_finite_values_are_counted_except_where_they_are_harmless() -> None:
    bad = RISING.copy()
    bad[50:] = np.nan
    found = seen(NonFinite("explained_variance"), case(m=bad, explained_variance=np.nan))
    assert (found.observed, found.first_step) == (50, 51_000)
    assert seen(NonFinite("explained_variance"), case(m=RISING, explained_variance=np.nan)).strength == 0.0


def test_missing_is_only_said_beside_something() -> None:
    assert seen(Missing("a", logged="b"), case(b=1.0)).strength == 1.0
    assert seen(Missing("a", logged="b"), case(a=1.0, b=1.0)).strength == 0.0
    assert isinstance(Missing("a", logged="b").measure(case(c=1.0)), NotMeasured)


def test_recorded() -> None:
    record = Case(Run("x", "sb3", {}, record={"status": "failed", "error": "ValueError: NaN here"}))
    assert seen(Recorded(key="status", equals="failed"), record).strength == 1.0
    assert seen(Recorded(key="error", contains="nan"), record).strength == 1.0
    assert seen(Recorded(key="status", equals="finished"), record).strength == 0.0
    assert isinstance(Recorded(key="status", equals="failed").measure(case(m=1.0)), NotMeasured)


@pytest.mark.parametrize(("share", "strength"), [(0.0, 0.0), (0.5, 0.0), (0.7, 0.5), (1.0, 1.0)])
def test_zeros_counts_points_that_are_zero_but_for_rounding(share: float, strength: float) -> None:
    values = np.where(np.arange(100) < 100 * share, 1e-7, 0.3)
    assert seen(
        Zeros("explained_variance", thresholds=SHARES), case(explained_variance=values)
    ).strength == pytest.approx(strength)


def lone(metric: str, values: object) -> Case:
    whole = curve(metric, values)
    points = Curve(metric, whole.steps, whole.values, "losses/x", Aggregation.LAST_MINIBATCH)
    return Case(Run("x", "cleanrl", {metric: points}))


def test_what_lone_minibatches_reach_lies_further_out() -> None:
    spiky = np.where(np.arange(100) == 50, 0.2, 0.01)
    highest = Level("approx_kl", thresholds=(0.1, 0.4), statistic="max")
    of_epochs, of_minibatches = (seen(highest, where) for where in (case(approx_kl=spiky), lone("approx_kl", spiky)))
    assert of_epochs.observed == of_minibatches.observed
    assert of_epochs.strength > 0 == of_minibatches.strength
    falling = Level("approx_kl", thresholds=(0.01, 0.001), statistic="min", log=True)
    assert seen(falling, case(approx_kl=0.005)).strength > 0 == seen(falling, lone("approx_kl", 0.005)).strength
    # A median of a hundred updates is what it is.
    middle = Level("approx_kl", thresholds=(0.03, 0.12), log=True)
    assert seen(middle, case(approx_kl=0.1)) == seen(middle, lone("approx_kl", 0.1))


def test_a_rise_of_less_than_counts_is_no_trend() -> None:
    slow = case(episode_return=10.0 + RISING)
    for least_gain, found in ((0.0, 1.0), (0.05, 1.0), (0.14, 0.0)):
        trend = Trend("episode_return", thresholds=UNIT, least_gain=least_gain)
        assert seen(trend, slow).observed == pytest.approx(found)


def test_a_fall_within_the_ups_and_downs_is_none() -> None:
    chance = np.random.default_rng(0)
    drop = DropsFromPeak("episode_return", thresholds=(0.25, 0.6))
    clear = np.interp(np.arange(100), [0, 50, 99], [0.0, 1.0, 0.4])
    assert seen(drop, case(episode_return=clear)).observed == pytest.approx(0.6, abs=0.08)
    # The highest mean of five noisy points is above the end by chance alone.
    steady = np.minimum(RISING * 2, 1.0)
    for spread in (0.2, 0.4, 0.8):
        noisy = steady + chance.normal(0, spread, 100)
        assert seen(drop, case(episode_return=noisy)).observed == 0.0, spread
    # A peak at the very end has nothing behind it.
    late = np.where(np.arange(100) >= 97, 3.0, 1.0) * np.minimum(np.arange(100) / 50, 1.0)
    assert seen(drop, case(episode_return=late)).observed == 0.0


def test_conditions_on_what_is_not_logged_may_be_left_out() -> None:
    book = load_rulebook()
    tiny = {"std": 0.03}
    sign = book.signs["EXP101"]
    alone = observe(sign, case(**tiny))
    assert isinstance(alone, Evidence) and alone.strength == 1.0
    # With the entropy of another distribution beside it the standard deviation is not that of the actions.
    assert observe(sign, case(**tiny, entropy=-0.8)).strength == 0.0
    assert isinstance(observe(sign, case(entropy=-0.8)), Skipped)


def test_the_lead_is_over_the_better_of_the_policies_that_learned_nothing() -> None:
    run = Run("x", "sb3", {"episode_return": curve("episode_return", 93.0)}, baseline_return=0.0)
    assert Case(run).curves["lead_over_doing_nothing"].values[0] == pytest.approx(1.0)
    worse = Run("x", "sb3", {"episode_return": curve("episode_return", -9.0)}, baseline_return=-6.0)
    assert Case(worse).curves["lead_over_doing_nothing"].values[0] == pytest.approx(-1 / 3)
    assert "lead_over_doing_nothing" not in case(episode_return=93.0).curves


def test_evaluations_speak_for_the_policy_where_there_are_enough() -> None:
    assert case(evaluation_return=RISING).curves["episode_return"].values[-1] == 1.0
    both = case(evaluation_return=RISING, episode_return=0.5)
    assert (both.curves["episode_return"].values[-1], both.as_logged["episode_return"].values[-1]) == (1.0, 0.5)
    few = Curve("evaluation_return", STEPS[::25], np.array([0.0, 1.0, 1.0, 1.0]))
    run = Run("x", "sb3", {"evaluation_return": few, "episode_return": curve("episode_return", 0.5)})
    assert Case(run).curves["episode_return"].values[-1] == 0.5
