"""Means over the last 100 episodes, as Stable-Baselines3 logs them, and what they say of the policy."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Aggregation, Curve, Run, Verdict
from rldoctor.model.settings import WINDOW_SETTING, Settings
from rldoctor.rulebook import Case
from rldoctor.rulebook.episodes import taken_apart

WINDOW = Aggregation.WINDOW


def logged(
    episode: Callable[[int], tuple[int, float]],
    *,
    envs: int,
    row: int,
    last: int,
    window: int = 100,
    **constants: float,
) -> Run:
    """Return what SB3 logs of ``envs`` environments in step; ``episode`` gives length and return by its first step."""
    playing = [episode(0) for _ in range(envs)]
    left = [length for length, _ in playing]
    recent: deque[tuple[int, float]] = deque(maxlen=window)
    rows = []
    for step in range(envs, last + 1, envs):
        for i in range(envs):
            left[i] -= 1
            if not left[i]:
                recent.append(playing[i])
                playing[i] = episode(step)
                left[i] = playing[i][0]
        if step % row == 0 and recent:
            lengths, returns = zip(*recent, strict=True)
            rows.append((step, np.mean(returns), np.mean(lengths)))
    steps, returns, lengths = (np.array(column) for column in zip(*rows, strict=True))
    curves = {
        "episode_return": Curve("episode_return", steps, returns, "rollout/ep_rew_mean", WINDOW),
        "episode_length": Curve("episode_length", steps, lengths.astype(float), "rollout/ep_len_mean", WINDOW),
    }
    curves |= {name: Curve(name, steps, np.full(len(steps), value), name) for name, value in constants.items()}
    return Run("x", "sb3", curves, algorithm="ppo")


def coin_toss(reward: float, seed: int) -> Callable[[int], tuple[int, float]]:
    rng = np.random.default_rng(seed)

    def episode(_: int) -> tuple[int, float]:
        length = 10 if rng.random() < 0.5 else 400
        return length, reward * length

    return episode


def learns_at(step: int) -> Callable[[int], tuple[int, float]]:
    rng = np.random.default_rng(0)
    return lambda now: (200, (-1200.0 if now < step else -150.0) + rng.normal(0, 20))


def test_the_mean_of_a_short_run_is_taken_apart() -> None:
    run = logged(learns_at(10_000), envs=1, row=800, last=20_000)
    curves = run.curves
    assert curves["episode_return"].values[-1] == pytest.approx(-675, abs=20)
    returns, lengths = taken_apart(curves["episode_return"], curves["episode_length"])
    assert returns.values[0] == pytest.approx(-1200, abs=30) and returns.values[-1] == pytest.approx(-150, abs=30)
    assert np.allclose(lengths.values, 200)
    assert diagnose_run(run).verdict is Verdict.HEALTHY


def test_a_window_that_is_full_is_taken_apart_too() -> None:
    curves = logged(learns_at(30_000), envs=1, row=1600, last=40_000).curves
    returns, _ = taken_apart(curves["episode_return"], curves["episode_length"])
    assert returns.values[:8] == pytest.approx(-1200, abs=30) and returns.values[-1] == pytest.approx(-150, abs=30)


def test_environments_whose_episodes_end_together_between_some_rows() -> None:
    rng = np.random.default_rng(1)
    # A training that learns: FetchReach's episodes of 50 steps, eight at a time, a row every 32 steps of each.
    run = logged(lambda now: (50, -10 * 0.5 ** (now / 1500) + rng.normal(0, 0.5)), envs=8, row=256, last=6_400)
    curves = run.curves
    assert (np.diff(curves["episode_return"].values) == 0).any()
    returns, lengths = taken_apart(curves["episode_return"], curves["episode_length"])
    assert np.allclose(lengths.values, 50)
    began = returns.steps // 400 * 400 - 400
    assert returns.values == pytest.approx(-10 * 0.5 ** (began / 1500), abs=1.0)
    assert not (returns.values > 0).any()


@pytest.mark.parametrize("value", [-7.0, 0.0])
def test_a_return_that_never_changes_says_nothing_of_how_episodes_end(value: float) -> None:
    curves = logged(lambda now: (50, value), envs=8, row=256, last=6_400).curves
    returns, _ = taken_apart(curves["episode_return"], curves["episode_length"])
    assert np.allclose(returns.values, value)
    assert len(returns) > 10


def test_a_long_run_stays_as_it_is_logged() -> None:
    curves = logged(learns_at(30_000), envs=1, row=4000, last=120_000).curves
    returns, _ = taken_apart(curves["episode_return"], curves["episode_length"])
    assert np.array_equal(returns.values, curves["episode_return"].values)


def test_rows_at_one_step_are_left_as_they_are() -> None:
    steps = np.full(6, 100)
    returns = Curve("episode_return", steps, np.arange(6.0), "", WINDOW)
    lengths = Curve("episode_length", steps, np.full(6, 10.0), "", WINDOW)
    kept = taken_apart(returns, lengths)
    assert kept[0].values.tolist() == returns.values.tolist() and kept[1] is lengths


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("envs", "row"), [(16, 1024), (64, 2048), (8, 256)])
def test_short_episodes_that_end_first_are_no_improvement(seed: int, envs: int, row: int) -> None:
    run = logged(coin_toss(1.0, seed), envs=envs, row=row, last=100_000, approx_kl=0.01, clip_fraction=0.1)
    assert run.curves["episode_return"].values[0] == 10.0
    assert run.curves["episode_return"].values[-1] > 150
    subject = diagnose_run(run)
    assert subject.verdict is not Verdict.HEALTHY, subject.summary


@pytest.mark.parametrize("seed", range(3))
def test_nor_are_they_a_fall_where_each_step_costs(seed: int) -> None:
    run = logged(coin_toss(-0.5, seed), envs=16, row=1024, last=100_000, approx_kl=0.01)
    assert run.curves["episode_return"].values[-1] < -75
    assert "RET102" not in [finding.code for finding in diagnose_run(run).findings]


@pytest.mark.parametrize("reward", [1.0, -1.0])
def test_a_policy_that_never_moves_neither_improves_nor_falls(reward: float) -> None:
    rng = np.random.default_rng(0)

    def episode(now: int) -> tuple[int, float]:
        length = int(rng.integers(20, 40) if now < 20_000 else rng.integers(200, 400))
        return length, reward * length

    run = logged(episode, envs=16, row=1024, last=100_000, approx_kl=0.0, learning_rate=0.0)
    subject = diagnose_run(run)
    codes = {finding.code for finding in subject.findings}
    assert not codes & {"RET102", "RET103"} and subject.verdict is Verdict.SICK
    assert subject.diagnoses[0].name == "updates-too-small"


def test_a_policy_that_learns_from_its_first_episodes_on_is_healthy() -> None:
    run = logged(lambda now: (20 + now // 100, 20.0 + now // 100), envs=8, row=1024, last=60_000, approx_kl=0.01)
    assert diagnose_run(run).verdict is Verdict.HEALTHY


def cart_pole(last: int) -> Callable[[int], tuple[int, float]]:
    """Episodes that get longer, 1 a step."""
    rng = np.random.default_rng(0)

    def episode(now: int) -> tuple[int, float]:
        length = int(np.clip(8 + rng.exponential(20 * 20 ** min(1.0, now / last)), 8, 500))
        return length, float(length)

    return episode


@pytest.mark.parametrize(
    ("window", "last"), [(1, 20_480), *((w, last) for w in (10, 20, 50, 500) for last in (20_480, 61_440))]
)
def test_a_window_of_another_size_changes_nothing(window: int, last: int) -> None:
    run = logged(cart_pole(last), envs=8, row=512, last=last, window=window)
    assert diagnose_run(run).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("window", [1, 10, 20, 100])
def test_whole_numbers_of_steps_tell_the_window(window: int) -> None:
    assert Case(logged(cart_pole(20_480), envs=1, row=256, last=12_288, window=window)).window == window


def test_lengths_with_a_common_divisor_do_not_pretend_a_smaller_window() -> None:
    assert Case(logged(coin_toss(1.0, 0), envs=8, row=512, last=81_920)).window == 100


def test_a_larger_window_is_told_too() -> None:
    assert Case(logged(coin_toss(1.0, 0), envs=8, row=4096, last=1_000_000, window=500)).window in (100, 500)
    rng = np.random.default_rng(0)
    run = logged(lambda _: (int(rng.integers(10, 40)), 1.0), envs=8, row=512, last=81_920, window=500)
    assert Case(run).window == 500


@pytest.mark.parametrize("window", [10, 500])
def test_the_settings_say_the_window(window: int) -> None:
    run = logged(learns_at(10_000), envs=1, row=800, last=20_000, window=window)
    stated = replace(run, settings=Settings(library="sb3", entries={WINDOW_SETTING: window}))
    assert Case(stated).window == window
    assert Case(run).window in (10, 100)
    assert diagnose_run(stated).verdict is Verdict.HEALTHY


def off_policy(episode: Callable[[int], tuple[int, float]], count: int, every: int) -> Run:
    """Return what an off-policy method logs of one environment: a row as each ``every``-th episode ends."""
    recent: deque[tuple[int, float]] = deque(maxlen=100)
    rows, step = [], 0
    for number in range(1, count + 1):
        recent.append(episode(number))
        step += recent[-1][0]
        if number % every == 0:
            lengths, returns = zip(*recent, strict=True)
            rows.append((step, np.mean(returns), np.mean(lengths)))
    steps, returns, lengths = (np.array(column) for column in zip(*rows, strict=True))
    curves = {
        "episode_return": Curve("episode_return", steps, returns, "rollout/ep_rew_mean", WINDOW),
        "episode_length": Curve("episode_length", steps, lengths.astype(float), "rollout/ep_len_mean", WINDOW),
    }
    return Run("x", "sb3", curves, algorithm="sac")


def test_the_last_episodes_of_a_sparse_task_are_seen_behind_its_hundred_failures() -> None:
    run = off_policy(lambda number: (25, -25.0 if number < 90 else -4.0), 100, 2)
    case = Case(run)
    assert case.window == 100
    assert case.curves["episode_return"].values[-1] == pytest.approx(-4.0, abs=0.5)


def test_episodes_that_get_ten_times_as_long_at_the_end_of_many_are_seen() -> None:
    rng = np.random.default_rng(0)

    def episode(number: int) -> tuple[int, float]:
        length = int(rng.integers(8, 13)) if number <= 480 else 200
        return length, float(length)

    run = off_policy(episode, 500, 4)
    assert run.curves["episode_return"].values[-1] < 60
    # The last part holds some of the short ones before.
    assert Case(run).curves["episode_return"].values[-1] > 140


def test_one_environment_has_no_first_round_of_short_episodes() -> None:
    rng = np.random.default_rng(0)
    run = off_policy(lambda number: (int(rng.integers(20, 30)) + number // 2, -5.0 + number / 10), 80, 4)
    assert Case(run).curves["episode_return"].steps[0] < 300


def test_hundreds_of_short_failures_at_the_end_are_a_collapse() -> None:
    rng = np.random.default_rng(0)

    def episode(number: int) -> tuple[int, float]:
        length = int(np.clip(15 + number + rng.integers(-5, 6), 8, 500)) if number <= 600 else int(rng.integers(8, 11))
        return length, float(length)

    run = off_policy(episode, 1200, 10)
    steps = run.curves["episode_return"].steps
    curves = {
        "loss": Curve("loss", steps, np.full(len(steps), 0.3), "train/loss"),
        "learning_rate": Curve("learning_rate", steps, np.full(len(steps), 1e-3), "train/learning_rate"),
        "exploration_rate": Curve(
            "exploration_rate", steps, np.geomspace(1.0, 0.05, len(steps)), "rollout/exploration_rate"
        ),
    }
    subject = diagnose_run(replace(run, algorithm="dqn", curves={**run.curves, **curves}))
    assert "RET306" in [finding.code for finding in subject.findings]
    assert (subject.verdict, subject.diagnoses[0].name) == (Verdict.SICK, "performance-collapse")
