"""When a trial is ended: sure that it is well, sure that it is not, and in no other case."""

from __future__ import annotations

import numpy as np
import pytest

from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.reference_comparison import ReferenceComparison
from rldoctor.model import Band, Curve, Run
from rldoctor.references import load_recipe
from rldoctor.training.training_callback import Silent

TOTAL = 10_000
STEPS = np.arange(0, TOTAL + 1, 100)


def comparison(sick: float = 0.0, metric: str = "episode_return", seeds: int = 20) -> ReferenceComparison:
    """Healthy runs rise from 0 to 100, five to each side; the sick run stays where it is."""
    median = STEPS / TOTAL * 100
    band = Band(metric, STEPS, median - 5, median, median + 5)
    curve = Curve(metric, STEPS, np.full(len(STEPS), sick))
    return ReferenceComparison({metric: band}, {metric: curve}, TOTAL, seeds=seeds)


def end_of(watch: TrialWatch, values: np.ndarray, metric: str = "episode_return") -> tuple[str, int]:
    for step, value in zip(STEPS, values, strict=True):
        watch.progressed(int(step), {metric: float(value)})
        if watch.stop.is_set():
            return watch.decision, int(step)
    return watch.decision, TOTAL


def watching(sick: float = 0.0, most: int = TOTAL + 1) -> TrialWatch:
    return TrialWatch(comparison(sick), Silent(), most)


def test_a_trial_that_matches_healthy_seeds_where_the_sick_run_is_none_of_them_is_well() -> None:
    # From a quarter of the steps, and for 15 % of them.
    assert end_of(watching(), STEPS / TOTAL * 100) == ("well", 4_000)


def test_with_few_healthy_seeds_the_sick_run_must_be_farther_away() -> None:
    few = TrialWatch(comparison(seeds=3), Silent(), TOTAL + 1)
    decision, step = end_of(few, STEPS / TOTAL * 100)
    assert decision == "well"
    assert step > 4_000


def test_a_trial_that_lags_behind_healthy_seeds_all_along_is_not_yet_well() -> None:
    # As low as one seed in ten, at every step.
    assert end_of(watching(), STEPS / TOTAL * 100 - 4.5) == ("", TOTAL)
    dips = STEPS / TOTAL * 100
    dips[30] -= 4.5
    assert end_of(watching(), dips) == ("well", 4_000)


def test_a_trial_that_stands_where_healthy_runs_pass_by_is_not_well() -> None:
    assert end_of(watching(), np.full(len(STEPS), 35.0))[0] != "well"
    # It learned, and then no more.
    assert end_of(watching(), np.minimum(STEPS / TOTAL * 200, 45.0)) == ("behind", 7_300)


def test_a_resumed_trial_goes_on_from_its_own_points() -> None:
    values = STEPS / TOTAL * 100
    watch = watching()
    watch.recall(Run("trial", "", {"episode_return": Curve("episode_return", STEPS[:31], values[:31])}))
    assert watch.decision == ""
    for step, value in zip(STEPS[31:], values[31:], strict=True):
        watch.progressed(int(step), {"episode_return": float(value)})
        if watch.decision:
            break
    assert (watch.decision, step) == ("well", 4_000)


def test_a_trial_that_does_as_the_sick_run_does_is_stopped() -> None:
    assert end_of(watching(), np.zeros(len(STEPS))) == ("behind", 4_000)


def test_a_trial_between_the_two_runs_to_its_end() -> None:
    # Below what is healthy, but by less than twice the slack.
    values = (STEPS / TOTAL * 100) * 0.85 - 5
    assert end_of(watching(), values) == ("", TOTAL)


def test_a_trial_with_settings_of_its_own_may_be_slower_than_the_healthy_runs() -> None:
    def slow() -> TrialWatch:
        return TrialWatch(comparison(), Silent(), TOTAL + 1, stops_behind=False)

    assert end_of(slow(), np.zeros(len(STEPS))) == ("", TOTAL)
    assert end_of(slow(), STEPS / TOTAL * 100.0)[0] == "well"
    healthy = load_recipe("cartpole/dqn")
    known = ReferenceComparison({}, {}, TOTAL, healthy)
    assert known.is_of(healthy.with_overrides(["total_steps=5"]))
    assert not known.is_of(healthy.with_overrides(["gamma=0.9"]))


def test_one_bad_point_resets_the_count() -> None:
    values = STEPS / TOTAL * 100
    values[35] = 10
    assert end_of(watching(), values) == ("well", 5_100)


def test_being_level_says_nothing_where_the_sick_run_is_level_too() -> None:
    watch = TrialWatch(
        ReferenceComparison(
            comparison().bands, {"episode_return": Curve("episode_return", STEPS, STEPS / TOTAL * 100)}, TOTAL
        ),
        Silent(),
        TOTAL + 1,
    )
    assert end_of(watch, STEPS / TOTAL * 100) == ("", TOTAL)


def test_nothing_is_said_while_healthy_runs_are_where_they_began() -> None:
    assert comparison().standing(1_000, {"episode_return": -50.0}).behind is False  # type: ignore[union-attr]
    assert comparison().standing(5_000, {"episode_return": -50.0}).behind is True  # type: ignore[union-attr]


def test_a_pilot_run_ends_after_its_steps() -> None:
    assert end_of(watching(most=2_000), np.zeros(len(STEPS))) == ("enough", 2_000)


def test_without_healthy_runs_the_watch_stays_silent() -> None:
    watch = TrialWatch(ReferenceComparison({}, comparison().sick, TOTAL), Silent(), TOTAL + 1)
    assert end_of(watch, STEPS / TOTAL * 100) == ("", TOTAL)
    assert ReferenceComparison({}, {}, TOTAL).standing(5_000, {"episode_return": 1.0}) is None


@pytest.mark.parametrize(("value", "share"), [(0.0, 0.0), (25.0, 0.5), (50.0, 1.0), (-50.0, -1.0)])
def test_the_way_from_the_sick_run_to_the_healthy_ones(value: float, share: float) -> None:
    assert comparison().recovered(5_000, {"episode_return": value}) == pytest.approx(share)
    assert comparison().recovered(5_000, {}) is None


def test_a_return_that_is_not_a_number_is_no_outcome() -> None:
    assert comparison().standing(5_000, {"episode_return": float("nan")}) is None
