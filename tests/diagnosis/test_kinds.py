"""Kinds of trainings that were once judged wrongly, drawn again: returns that rise, fall and level out.

Several of each kind, from public reports; kinds/ has others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Aggregation, Curve, Verdict
from tests.diagnosis.made_up_runs import CALM, first, noisy, run, thinned


@pytest.mark.parametrize("returns", [(0.25, 2.2), (15, 100, 300, 864), (17, 200, 600, 770)])
@pytest.mark.parametrize("every", [1, 5, 20])
def test_a_rising_return_is_healthy_however_densely_it_is_logged(returns: Sequence[float], every: int) -> None:
    drawn = run({"episode_return": returns}, points=1400)
    assert diagnose_run(thinned(noisy(drawn, {"episode_return": 0.08 * returns[-1]}), every)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize(
    "returns", [(1370, 1700, 2000, 2150, 2172, 2170), (0.2, 0.4, 0.43, 0.44, 0.43), (-60, -40, -31, -30, -30, -30)]
)
def test_a_long_run_that_rises_by_half_and_levels_out_is_not_too_short(returns: Sequence[float]) -> None:
    drawn = run({"episode_return": returns}, points=1000, last_step=40_000_000)
    subject = diagnose_run(noisy(drawn, {"episode_return": 0.02 * max(abs(r) for r in returns)}))
    assert subject.verdict is Verdict.HEALTHY, subject.summary


@pytest.mark.parametrize("returns", [(20, 480, 500, 500), (-180, 230, 250, 250), (-1200, -160, -150, -150)])
def test_what_is_learned_in_the_first_hundredth_of_a_long_run_counts(returns: Sequence[float]) -> None:
    drawn = run({"episode_return": returns}, points=2400, last_step=5_000_000, steps=(2083, 60_000, 100_000, 5_000_000))
    assert diagnose_run(noisy(drawn, {"episode_return": 3.0})).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("returns", [(-96, 200, 341, 100, -111), (-85, 100, 163, 0, -80), (20, 300, 480, 100, 25)])
def test_a_rise_that_is_lost_again_is_a_collapse(returns: Sequence[float]) -> None:
    drawn = run({"episode_return": returns}, points=900, last_step=1_000_000)
    subject = diagnose_run(noisy(drawn, {"episode_return": 10.0}))
    assert (subject.verdict, first(subject)) == (Verdict.SICK, "performance-collapse")


@pytest.mark.parametrize("returns", [(-20, -400, -350, -100, -21), (-150, -1400, -900, -300, -155)])
def test_an_early_dip_is_not_where_the_run_starts(returns: Sequence[float]) -> None:
    steps = (2_000, 20_000, 100_000, 300_000, 500_000)
    wild = {"approx_kl": (0.1, 306, 40, 90, 20), "clip_fraction": (0.5, 0.8, 0.7)}
    subject = diagnose_run(run({"episode_return": returns, **wild}, points=240, steps=steps))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert first(subject) in ("learning-rate-too-high", "updates-too-aggressive", "rollout-update-mismatch")


@pytest.mark.parametrize("returns", [(-46.7, -25, -12, -7.3), (-90, -60, -40, -30), (-12, -9, -7, -5)])
def test_a_return_that_still_rises_before_the_first_success_is_learning(returns: Sequence[float]) -> None:
    drawn = run({"episode_return": returns, "success_rate": (0, 0, 0, 0.02), **CALM}, points=15, last_step=30_000)
    assert diagnose_run(drawn).verdict is not Verdict.SICK


@pytest.mark.parametrize("length", [1.0, 1.05])
@pytest.mark.parametrize("returns", [(0.1, 0.1, 0.11), (-1, -1, -1.02), (5, 5.2, 5.1)])
def test_episodes_of_one_step_are_a_fault_of_the_environment(length: float, returns: Sequence[float]) -> None:
    drawn = run({"episode_return": returns, "episode_length": (length, length), **CALM})
    subject = diagnose_run(noisy(drawn, {"episode_return": 0.02}))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert "environment-misconfigured" in [d.name for d in subject.diagnoses[:2]]


@pytest.mark.parametrize("points", [60, 300])
@pytest.mark.parametrize(("returns", "noise"), [((100, 110, 118, 122, 121), 3.0), ((-50, -46, -44, -42, -42), 0.8)])
def test_a_small_rise_without_a_doubt_shows_that_actions_have_an_effect(
    returns: Sequence[float], noise: float, points: int
) -> None:
    curves = {
        "episode_return": returns,
        "episode_length": (50, 50),
        "entropy": (2.6, 2.4, 2.2),
        "value_loss": (4, 6, 5, 6),
        "explained_variance": (0.0, 0.5, 0.8, 0.85),
        **CALM,
    }
    drawn = run(curves, points=points, last_step=2_000_000, constants={"learning_rate": 3e-4})
    subject = diagnose_run(noisy(drawn, {"episode_return": noise, "value_loss": 1.0}))
    assert subject.verdict in (Verdict.HEALTHY, Verdict.UNJUDGED), subject.summary


@pytest.mark.parametrize("returns", [(-900, -400, -200, -210, -500, -690, -700), (0, 150, 300, 310, 150, 100, 105)])
def test_a_fall_to_a_third_of_the_peak_is_a_collapse_though_the_critic_is_good(returns: Sequence[float]) -> None:
    curves = {
        "episode_return": returns,
        "explained_variance": (0.0, 0.5, 0.8, 0.85),
        "entropy": (1.4, 1.1, 0.9),
        **CALM,
    }
    subject = diagnose_run(noisy(run(curves, points=300, last_step=2_000_000), {"episode_return": 12.0}))
    assert (subject.verdict, first(subject)) == (Verdict.SICK, "performance-collapse")


# CartPole of other libraries: the return doubles three times, up and down by half.
WALK = (17, 30, 75, 221, 131, 140, 218, 201, 236, 185, 215, 129, 266, 156, 412, 336, 451, 365, 500, 194, 443, 387)


@pytest.mark.parametrize("points", [22, 45, 90])
def test_ups_and_downs_on_the_way_up_are_no_noise(points: int) -> None:
    drawn = run({"episode_return": WALK, **CALM}, points=points)
    assert diagnose_run(drawn).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("seed", range(3))
def test_a_coin_that_decides_how_long_episodes_are_is_not_learning(seed: int) -> None:
    """Episodes of 10 or 400 steps in 16 environments, a reward of 1 a step: the short ones end first."""
    rng = np.random.default_rng(seed)
    lengths = np.where(rng.random((16, 400)) < 0.5, 10, 400)
    ends = np.cumsum(lengths, axis=1) * 16
    order = np.argsort(ends, axis=None)
    ended, long = ends.ravel()[order], lengths.ravel()[order]
    grid = np.arange(1024, 40_000, 1024)
    means = np.array([long[: np.searchsorted(ended, step, "right")][-100:].mean() for step in grid])
    blind = {"explained_variance": (0.0, 0.0), "entropy": (1.098, 1.09), **CALM}
    drawn = noisy(run(blind, points=len(grid), last_step=int(grid[-1])), {"explained_variance": 0.01})
    logged = {name: Curve(name, grid, means, name, Aggregation.WINDOW) for name in ("episode_return", "episode_length")}
    subject = diagnose_run(replace(drawn, curves={**drawn.curves, **logged}))
    assert means[0] == 10.0 and subject.verdict in (Verdict.SICK, Verdict.SUSPECT)


@pytest.mark.parametrize("returns", [(10, 200, 400, 480), (-300, -100, 150, 240)])
def test_a_training_that_improves_with_values_that_are_not_finite_is_not_healthy(returns: Sequence[float]) -> None:
    drawn = run({"episode_return": returns, "value_loss": (9, 8, 7), **CALM}, constants={"learning_rate": 3e-4})
    loss = drawn.curves["value_loss"]
    broken = replace(loss, values=np.where(np.arange(len(loss)) == 30, np.nan, loss.values))
    subject = diagnose_run(replace(drawn, curves={**drawn.curves, "value_loss": broken}))
    assert (subject.verdict, first(subject)) == (Verdict.SUSPECT, "non-finite-values")


@pytest.mark.parametrize("seed", [0, 2, 5])
@pytest.mark.parametrize("entropy", [(1.4, 1.1, -2), (1.4, 1.0, -2.5)])
def test_a_healthy_verdict_has_odds_for_it(entropy: Sequence[float], seed: int) -> None:
    """A fifth is gained, with ups and downs, while the policy narrows without bound."""
    drawn = run({"episode_return": (-200, -180, -190, -150, -160), "entropy": entropy}, points=100)
    subject = diagnose_run(replace(noisy(drawn, {"episode_return": 4.0}, seed), framework="tianshou"))
    assert subject.verdict is not Verdict.HEALTHY or (subject.health or 0) >= 0.05
