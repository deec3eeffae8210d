"""What is measured on a run hardly depends on how many of its rows were logged, or on which ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.invariance.diagnosed import CHANGES, HERE, said
from rldoctor.logs import read_run
from rldoctor.model import Aggregation, Band, Curve, FloatArray, Run
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook import Case, load_rulebook
from rldoctor.rulebook.detectors.level import ScaleOff
from rldoctor.rulebook.detectors.scatter import smoothed
from rldoctor.rulebook.detectors.shape import Rise
from rldoctor.rulebook.episodes import taken_apart
from rldoctor.rulebook.observe import Evidence, observe
from rldoctor.rulebook.parts import Part, statistic_of
from rldoctor.rulebook.resample import start_of

ROWS = 32
# All rows, each half of them, and a third.
KEPT = [slice(None), slice(0, None, 2), slice(1, None, 2), slice(1, None, 3)]
EVERY_SECOND, LAST_OF_TWO = "every 2nd row, the first one kept", "log_interval 2"


def logged(values: object, metric: str = "episode_return", kept: slice = slice(None)) -> Curve:
    numbers = np.asarray(values, dtype=float)
    steps = 1_000 * np.arange(1, len(numbers) + 1)
    return Curve(metric, steps[kept], numbers[kept])


def strength(code: str, kept: slice = slice(None), **curves: object) -> float:
    run = Run("x", "rl_games", {name: logged(values, name, kept) for name, values in curves.items()}, algorithm="ppo")
    found = observe(load_rulebook().signs[code], Case(run))
    assert isinstance(found, Evidence), found
    return found.strength


@pytest.mark.parametrize("kept", KEPT)
def test_success_that_falls_late_is_seen_in_few_rows(kept):
    """The peak and the fall are three rows of 32 each: a median of whole neighbours of every other row hid both."""
    returns = np.linspace(-10, 2, ROWS)
    fallen = np.concatenate([np.linspace(0, 0.68, 26), [0.62, 0.54, 0.46, 0.38, 0.3, 0.22]])
    kept_up = np.concatenate([np.linspace(0, 0.68, 26), [0.69, 0.67, 0.7, 0.68, 0.69, 0.7]])
    assert strength("RET123", kept, success_rate=fallen, episode_return=returns) > 0.5
    assert strength("RET123", kept, success_rate=kept_up, episode_return=returns) == 0.0


def test_a_smoothed_curve_of_thirty_rows_is_the_running_median():
    numbers = np.random.default_rng(0).normal(0, 1, 31)
    three = smoothed(Part.of([logged(numbers)]))[0]
    assert three[1:-1] == pytest.approx([np.median(numbers[at - 1 : at + 2]) for at in range(1, 30)])
    # As near to it, the next one changes next to nothing.
    few = smoothed(Part.of([logged(numbers[:29])]))[0]
    assert np.abs(few - smoothed(Part.of([logged(numbers[:30])]))[0][:29])[:-1].max() < 0.15


@pytest.mark.parametrize("window", [(0.0, 0.1), (0.85, 1.0), (0.8, 1.0), (0.92, 1.0)])
def test_the_level_in_a_window_does_not_hang_on_its_rows(window):
    numbers = np.exp(-np.arange(ROWS) / 4.0)
    whole, *parts = (Part.of([logged(numbers, kept=kept)]).evenly(window).medians[0] for kept in KEPT[:3])
    assert parts == pytest.approx([whole, whole], rel=0.35, abs=1e-2)
    constant = Part.of([logged(np.full(ROWS, 0.1), kept=slice(0, None, 2))]).evenly(window)
    assert (constant.values == 0.1).all()
    # Where many rows lie in a window they are what is looked at.
    many = Part.of([logged(np.arange(100.0))])
    assert many.evenly((0.5, 1.0)) is many.within((0.5, 1.0))


def test_the_start_is_as_early_in_few_rows_as_in_many():
    for shape in (np.linspace(0, 1, 61), 1 - np.exp(-np.arange(61) / 20)):
        starts = [start_of(logged(shape, kept=slice(None, None, every))) for every in (1, 2, 3, 5)]
        assert max(starts) - min(starts) < 0.03
    # And it stays where it is where nothing moves.
    assert start_of(logged(np.full(12, -500.0))) == -500.0


@pytest.mark.parametrize("rows", [10, 14, 15, 20, 29, 30, 60, 100])
def test_one_spike_is_none_of_several(rows):
    spike = np.where(np.arange(rows) == rows // 2, 50.0, 0.01)
    assert statistic_of(spike, "third_highest") == 0.01
    # A tenth of all rows are spikes, however many rows there are.
    many = np.where(np.arange(rows) % max(rows // 3, 4) == 1, 50.0, 0.01)
    assert statistic_of(many, "third_highest") > 1.0


def rise(numbers: FloatArray) -> float:
    found = Rise("episode_return", thresholds=(6.0, 12.0)).measure(
        Case(Run("x", "rl_games", {"episode_return": logged(numbers)}))
    )
    return getattr(found, "observed", float("nan"))


@pytest.mark.parametrize("rows", [10, 13, 19, 20, 40])
def test_noise_rises_as_rarely_in_ten_rows_as_in_twenty(rows):
    chance = np.random.default_rng(rows)
    of_noise = [rise(chance.normal(0, 1, rows)) for _ in range(1_000)]
    assert np.quantile(of_noise, 0.995) < 4.2
    learned = -2 - 8 * np.exp(-np.linspace(0, 8, rows))
    assert rise(learned + chance.normal(0, 0.05, rows)) > 6.0


def a_reference(values: FloatArray) -> Reference:
    steps = 1_000 * np.arange(1, ROWS + 1)
    band = Band("value_loss", steps, values * 0.9, values, values * 1.1)
    return Reference(Recipe("r", "E", 1_000 * ROWS, 1), {"value_loss": band}, Path())


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize(("scale", "wanted"), [(1.0, 0.0), (0.05, 1.0)])
def test_the_scale_of_a_loss_that_falls_fast_is_compared_row_by_row(kept, scale, wanted):
    falling = 10 * np.exp(-np.arange(ROWS) / 1.5) + 0.01
    case = Case(Run("x", "sb3", {"value_loss": logged(scale * falling, "value_loss", kept)}), a_reference(falling))
    found = ScaleOff("value_loss", thresholds=(-0.6, -1.0)).measure(case)
    assert getattr(found, "strength", None) == pytest.approx(wanted)


@pytest.mark.parametrize("halfway", [14, 15, 16, 17])
def test_a_reward_that_flips_halfway_is_not_of_the_wrong_sign_throughout(halfway):
    flips = np.where(np.arange(ROWS) < halfway, 1.0, -1.0)
    assert [strength("RET203", kept, reward_goal_correlation=flips) for kept in KEPT] == [0.0] * len(KEPT)
    assert strength("RET203", reward_goal_correlation=np.full(ROWS, -1.0)) == 1.0
    assert strength("RET203", reward_goal_correlation=np.full(ROWS, 1.0)) == 0.0


def means(first_row: int, row: int, rows: int, length: float) -> tuple[Curve, Curve]:
    steps = first_row + row * np.arange(rows)
    returns = Curve("episode_return", steps, np.linspace(10, 90, rows), "", Aggregation.WINDOW)
    lengths = Curve("episode_length", steps, np.linspace(length, length / 4, rows), "", Aggregation.WINDOW)
    return returns, lengths


@pytest.mark.parametrize("every", [1, 2, 4])
def test_a_long_first_episode_is_no_earlier_training_at_any_density(every):
    """The first episode takes five rows of all that were logged, and less than two of every fourth."""
    returns, lengths = (
        Curve(curve.metric, curve.steps[::every], curve.values[::every], "", curve.aggregation)
        for curve in means(1_240, 248, 76, 999.0)
    )
    assert len(taken_apart(returns, lengths)[0]) < len(returns)
    continued = means(1_000_000, 248 * every, 76, 999.0)
    assert taken_apart(*continued)[0].values.tolist() == continued[0].values.tolist()


def test_a_task_that_is_done_faster_and_faster_is_so_in_few_rows():
    returns, lengths = np.linspace(87, 93, 77), 780 / np.linspace(1, 6, 77)
    for kept in (slice(None), slice(0, None, 2), slice(4, None, 5)):
        assert strength("RET909", kept, episode_return=returns, episode_length=lengths) == 1.0
        # As many steps as before, or less and less for them.
        assert strength("RET909", kept, episode_return=returns, episode_length=np.full(77, 400.0)) == 0.0
        assert strength("RET909", kept, episode_return=returns[::-1] - 80, episode_length=lengths) == 0.0


@pytest.mark.parametrize("change", [EVERY_SECOND, LAST_OF_TWO])
@pytest.mark.parametrize(
    "name",
    [
        "strangers/environments/mountain-car-continuous/healthy-1",
        "strangers/frameworks/sb3/dqn-cartpole-healthy-0",
        "strangers/frameworks/sb3/a2c-cartpole-healthy-0",
        "runs/sick/performance-collapse/fetch_reach_dense-reward-flips-midway-midway-100",
        "runs/sick/observations-uninformative/cartpole-observations-delayed-strong-101",
        "runs/benign/fetch_reach_dense-time-limit-as-end-full-101",
        "runs/sick/entropy-too-high/cartpole-entropy-bonus-high-strong-101",
    ],
)
def test_recorded_runs_are_the_same_with_half_of_their_rows(name, change):
    run = read_run(HERE / "tests" / name)
    half = CHANGES[change][2](run)
    assert half is not None
    assert said(half, False)[:2] == said(run, False)[:2]
