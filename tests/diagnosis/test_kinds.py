"""Kinds of trainings that were once judged wrongly, several of each kind: cases from public reports, drawn again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Aggregation, Curve, Run, RunDiagnosis, Verdict
from tests.diagnosis.made_up_runs import run

CALM = {"approx_kl": (0.01, 0.012, 0.01), "clip_fraction": (0.1, 0.12, 0.1)}


def noisy(drawn: Run, sizes: Mapping[str, float], seed: int = 0) -> Run:
    """Return the run with noise of these standard deviations on its curves."""
    rng = np.random.default_rng(seed)
    curves = {
        name: Curve(name, c.steps, c.values + rng.normal(0, sizes.get(name, 0.0), len(c)), c.tag)
        for name, c in drawn.curves.items()
    }
    return replace(drawn, curves=curves)


def thinned(drawn: Run, every: int) -> Run:
    curves = {name: replace(c, steps=c.steps[::every], values=c.values[::every]) for name, c in drawn.curves.items()}
    return replace(drawn, curves=curves)


def first(subject: RunDiagnosis) -> str:
    return subject.diagnoses[0].name


@pytest.mark.parametrize("returns", [(0, 5, 15, 25), (-300, -100, 150, 240), (20, 60, 300, 490)])
@pytest.mark.parametrize("peak", [0.01, 0.008])
def test_an_adaptive_learning_rate_is_judged_by_the_kl_that_it_controls(returns: Sequence[float], peak: float) -> None:
    rates = (3e-4, 1e-3, peak, 2e-3, 8e-4, 5e-4)
    assert diagnose_run(run({"episode_return": returns, "learning_rate": rates, **CALM})).verdict is Verdict.HEALTHY


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


# About minus one a step, as a sparse reward that a twentieth of the episodes escape: only distinct rewards tell.
@pytest.mark.parametrize(("reward", "measured"), [(-0.87, {}), (-0.8, {}), (-0.93, {"reward_unique_fraction": (1, 1)})])
def test_minus_the_distance_is_no_sparse_reward(reward: float, measured: Mapping[str, Sequence[float]]) -> None:
    drawn = run(
        {
            "episode_return": (100 * reward, 95 * reward, 102 * reward, 98 * reward),
            "episode_length": (100, 100),
            "success_rate": (0.05, 0.1, 0.06),
            "explained_variance": (0.0, 0.02, 0.0),
            "value_loss": (180, 70, 65, 60, 62, 60, 60),
            **measured,
            **CALM,
        }
    )
    subject = diagnose_run(noisy(drawn, {"episode_return": 2.0, "explained_variance": 0.02}))
    assert subject.verdict is Verdict.SICK
    assert {d.name for d in subject.diagnoses[:3]} & {"goal-not-observed", "observations-uninformative"}
    assert first(subject) != "sparse-reward"


@pytest.mark.parametrize("error", [20.0, 279.0, 1117.0])
def test_ratios_that_do_not_start_at_one_are_a_fault_of_the_code(error: float) -> None:
    drawn = run(
        {
            "episode_return": (-60, -55, -58, -57),
            "approx_kl": (5.0, 7.0, 6.0),
            "clip_fraction": (0.55, 0.6, 0.57),
            "first_ratio_error": (error / 2, error),
            "std": (1.0, 0.8, 0.7),
        },
        constants={"learning_rate": 3e-4},
    )
    assert first(diagnose_run(drawn)) == "rollout-update-mismatch"


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


def test_a_small_discrete_policy_that_collapses_late() -> None:
    curves = {
        "episode_return": (20, 200, 400, 480, 60, 10, 9, 9),
        "entropy": (0.69, 0.6, 0.5, 0.4, 0.05, 0.001, 0.001, 0.001),
        **CALM,
    }
    subject = diagnose_run(run(curves, points=100))
    assert subject.verdict is Verdict.SICK
    assert "policy-collapsed" in [d.name for d in subject.diagnoses[:2]]


def test_a_value_loss_that_explodes_where_no_return_is_logged() -> None:
    curves = {"value_loss": (3, 3, 4, 50, 1e5, 1e8, 3e8), "entropy": (5.6, 5.0, 4.0)}
    subject = diagnose_run(run(curves, points=60))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and first(subject) == "critic-diverges"


def test_augmented_random_search_has_a_learning_rate_of_its_own() -> None:
    curves = {"episode_return": (10, 100, 400, 800), "learning_rate": (0.02, 0.02)}
    subject = diagnose_run(replace(run(curves), algorithm="ars"))
    assert subject.verdict is Verdict.HEALTHY
    assert not [f.code for f in subject.findings if f.code.startswith("UPD")]


@pytest.mark.parametrize("returns", [(13, 30, 60, 78), (20, 50, 90, 120), (-200, -90, -40, -20)])
def test_a_critic_with_nothing_to_explain_is_no_fault_where_the_return_doubles(returns: Sequence[float]) -> None:
    """MaskablePPO with few valid actions: every state is worth the same."""
    curves = {"episode_return": returns, "explained_variance": (0, 0), "entropy": (0.35, 0.2, 0.1), **CALM}
    drawn = run(curves, points=98, constants={"learning_rate": 3e-4})
    sizes = {"episode_return": 0.01 * max(abs(r) for r in returns), "explained_variance": 0.006}
    assert diagnose_run(noisy(drawn, sizes)).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("returns", [(-1200, -1000, -800, -550), (21, 30, 40, 50), (-100, -80, -60, -45)])
@pytest.mark.parametrize("reward", [30.0, 600.0])
def test_targets_that_the_critic_predicts_are_not_too_large(returns: Sequence[float], reward: float) -> None:
    curves = {
        "episode_return": [reward * r for r in returns],
        "episode_length": (200, 200),
        "value_loss": (reward**2 * 400, reward**2 * 300, reward**2 * 100),
        "explained_variance": (0.0, 0.4, 0.7, 0.8),
        **CALM,
    }
    subject = diagnose_run(noisy(run(curves, points=12), {"episode_return": 5 * reward}))
    assert first(subject) != "reward-scale-too-large"
    assert subject.verdict is not Verdict.SICK


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_targets_that_the_critic_does_not_predict_are(scale: float) -> None:
    curves = {
        "episode_return": (-1e6 * scale, -1.05e6 * scale, -1.02e6 * scale),
        "episode_length": (200, 200),
        "value_loss": (2e7 * scale**2, 2e7 * scale**2),
        "explained_variance": (0.0, 0.0),
        **CALM,
    }
    subject = diagnose_run(noisy(run(curves), {"explained_variance": 1e-6}))
    assert (subject.verdict, first(subject)) == (Verdict.SICK, "reward-scale-too-large")


@pytest.mark.parametrize(
    ("algorithm", "metrics"),
    [
        ("a2c", {"value_loss", "entropy", "explained_variance", "std", "policy_loss", "learning_rate"}),
        ("trpo", {"value_loss", "explained_variance", "line_search_success", "std", "kl_divergence"}),
        ("sac", {"critic_loss", "actor_loss", "ent_coef", "value_per_return"}),
        ("td3", {"critic_loss", "actor_loss", "value_per_return"}),
        ("dqn", {"loss", "exploration_rate"}),
    ],
)
def test_every_algorithm_has_key_metrics_of_its_own(algorithm: str, metrics: set[str]) -> None:
    usual = {"kl_divergence": (0.008, 0.009, 0.01), "learning_rate": (7e-4, 4e-4, 1e-4)}
    logged = {metric: usual.get(metric, (0.9, 0.5, 0.3)) for metric in metrics}
    curves = {"episode_return": (10, 100, 300, 400), **logged}
    rows = {row.metric: row for row in diagnose_run(replace(run(curves), algorithm=algorithm)).table}
    assert rows.keys() == {"episode_return", "success_rate", *metrics}
    assert {rows[metric].mark for metric in metrics} == {"ok"}


@pytest.mark.parametrize(("returns", "mark"), [((10, 200, 300), "ok"), ((10, 11, 9, 10), "odd")])
def test_a_kl_that_ends_far_above_the_textbook_gets_no_tick(returns: Sequence[float], mark: str) -> None:
    subject = diagnose_run(run({"episode_return": returns, "approx_kl": (0.04, 0.05, 0.05, 0.07)}))
    row = next(row for row in subject.table if row.metric == "approx_kl")
    # What says why is shown without a tick.
    assert row.mark == mark and "outside the textbook range" in row.why


@pytest.mark.parametrize("bound", [1e-5, 3e-4])
def test_updates_that_a_tiny_target_kl_stops_need_no_larger_learning_rate(bound: float) -> None:
    curves = {"episode_return": (-1200, -1190, -1180), "approx_kl": (1.5 * bound, 1.6 * bound), "clip_fraction": (0, 0)}
    drawn = run(curves, constants={"learning_rate": 3e-4, "clip_range": 0.2})
    subject = diagnose_run(noisy(drawn, {"approx_kl": 0.1 * bound, "episode_return": 20.0}))
    assert first(subject) == "updates-too-small"
    assert "target_kl" in subject.diagnoses[0].remedy and "learning_rate" not in subject.diagnoses[0].remedy
    assert not [f for f in subject.findings if "learning_rate" in f.remedy]


@pytest.mark.parametrize(
    "curves", [{"approx_kl": (0.5, 5, 50, 300), "clip_fraction": (0.6, 0.8, 0.9)}, {"value_loss": (1, 1, 1e4, 1e9)}]
)
def test_logs_without_an_outcome_do_not_show_that_training_failed(curves: Mapping[str, Sequence[float]]) -> None:
    subject = diagnose_run(run(curves, points=30))
    assert subject.verdict is Verdict.SICK
    assert subject.summary.startswith("Errors, and no return is logged. Most likely cause:")


@pytest.mark.parametrize(("points", "words"), [(1, "1 logged point,"), (3, "3 logged points,")])
def test_a_single_point_is_one_point(points: int, words: str) -> None:
    assert words in diagnose_run(run({"episode_return": (10, 11)}, points=points)).summary


@pytest.mark.parametrize(("returns", "entropy"), [((17, 21, 19, 20), (0.693, 0.692)), ((-9, -11, -10), (0.69, 0.69))])
def test_a_handful_of_points_shows_nothing_yet(returns: Sequence[float], entropy: Sequence[float]) -> None:
    """A2C for 640 steps."""
    drawn = run({"episode_return": returns, "entropy": entropy, "value_loss": (9, 8)}, points=5, last_step=640)
    subject = diagnose_run(replace(drawn, algorithm="a2c"))
    assert (subject.verdict, first(subject)) == (Verdict.UNJUDGED, "too-short-to-judge")


@pytest.mark.parametrize("points", [6, 9])
def test_a_handful_of_points_shows_what_is_plain(points: int) -> None:
    curves = {"episode_return": (10, 12, 9, 11), "approx_kl": (0.0, 0.0), "clip_fraction": (0, 0)}
    assert diagnose_run(run(curves, points=points, last_step=640)).verdict is Verdict.SICK
    well = {"episode_return": (-300, -100, 150, 240), **CALM}
    assert diagnose_run(run(well, points=points, last_step=100_000)).verdict is Verdict.HEALTHY


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


@pytest.mark.parametrize("returns", [(20, 9, 9.1, 9, 9.05, 9), (-120, -480, -500, -500, -500, -500)])
def test_a_discrete_policy_that_is_worse_than_at_random_has_collapsed(returns: Sequence[float]) -> None:
    curves = {
        "episode_return": returns,
        "entropy": (1.0, 0.05, 0.001, 0.0005, 0.0003),
        "approx_kl": (0.01, 0.001, 1e-5, 1e-6),
        "clip_fraction": (0.1, 0.001, 0, 0),
    }
    subject = diagnose_run(run(curves, points=120, constants={"learning_rate": 3e-4}))
    assert subject.verdict is Verdict.SICK
    assert "policy-collapsed" in [d.name for d in subject.diagnoses[:3]]


# CartPole of other libraries: the return doubles three times, up and down by half.
WALK = (17, 30, 75, 221, 131, 140, 218, 201, 236, 185, 215, 129, 266, 156, 412, 336, 451, 365, 500, 194, 443, 387)


@pytest.mark.parametrize("points", [22, 45, 90])
def test_ups_and_downs_on_the_way_up_are_no_noise(points: int) -> None:
    drawn = run({"episode_return": WALK, **CALM}, points=points)
    assert diagnose_run(drawn).verdict is Verdict.HEALTHY


@pytest.mark.parametrize("explained", [(0.0, 0.04, 0.05, 0.06), (-0.5, -2.0, -5.0, -4.0)])
def test_a_critic_that_moves_has_reached_the_scale_of_its_targets(explained: Sequence[float]) -> None:
    curves = {
        "episode_return": (2000, 2100, 1950, 2050),
        "episode_length": (20, 20),
        "value_loss": (1.4e5, 1.3e5, 1.3e5),
        "explained_variance": explained,
        **CALM,
    }
    subject = diagnose_run(noisy(run(curves), {"episode_return": 60.0}))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and first(subject) != "reward-scale-too-large"


@pytest.mark.parametrize("algorithm", ["sac", "ppo"])
def test_large_rewards_that_are_normalised_for_the_critic_are_not_too_large(algorithm: str) -> None:
    curves = {
        "episode_return": (-9e5, -9.2e5, -8.9e5),
        "episode_length": (200, 200),
        "value_loss": (1.2, 0.9, 0.7),
        **CALM,
    }
    drawn = noisy(run(curves), {"episode_return": 1e4})
    assert first(diagnose_run(replace(drawn, algorithm=algorithm))) != "reward-scale-too-large"


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


@pytest.mark.parametrize("bottom", [-200.0, -500.0, -90.0])
def test_a_policy_that_settles_before_it_has_found_anything_has_collapsed(bottom: float) -> None:
    """MountainCar, Acrobot, a maze with costs: episodes last to the limit, one action is left after a few updates."""
    share = np.linspace(0, 1, 60)
    curves = {
        "episode_return": tuple(bottom + 0.002 * abs(bottom) * np.sin(20 * share)),
        "entropy": tuple(np.interp(share, (0, 0.04, 0.07, 1), (1.098, 0.2, 0.002, 0.0002))),
        "approx_kl": tuple(np.interp(share, (0, 0.04, 0.08, 1), (0.03, 0.5, 1e-5, 1e-8))),
        "clip_fraction": tuple(np.interp(share, (0, 0.05, 0.1, 1), (0.3, 0.5, 0, 0))),
    }
    subject = diagnose_run(replace(run(curves, points=60), algorithm="ppo"))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT)
    assert "policy-collapsed" in (first(subject), *subject.tied)


@pytest.mark.parametrize("count", [1, 3])
def test_a_return_of_too_few_points_is_not_said_to_be_missing(count: int) -> None:
    drawn = run({"approx_kl": (0.5, 5, 50, 300), "clip_fraction": (0.6, 0.8, 0.9)}, points=30)
    rare = run({"episode_return": (20, 21, 20)}, points=30).curves["episode_return"]
    cut = replace(rare, steps=rare.steps[:count], values=rare.values[:count])
    subject = diagnose_run(replace(drawn, curves={**drawn.curves, "episode_return": cut}))
    assert subject.summary.startswith("Errors, and too few points of the return to judge it. Most likely cause:")


def of_few_rows(plateau: float, start: float, reached: float, seed: int, rows: int = 12) -> Run:
    """Return a run that is at its level from the second row on, and on its way there, as a fraction, in the first."""
    returns = plateau + np.random.default_rng(seed).normal(0, 0.02 * abs(plateau - start), rows)
    returns[0] = start + reached * (plateau - start)
    converged = {
        "episode_return": returns.tolist(),
        "explained_variance": (0.85, 0.93, 0.95),
        "entropy": (0.5, 0.3, 0.2),
        "value_loss": (5, 4, 6, 5),
        "approx_kl": (0.006, 0.005, 0.004),
        "clip_fraction": (0.06, 0.05, 0.04),
    }
    drawn = run(converged, points=rows, last_step=1_000_000)
    return noisy(drawn, {"explained_variance": 0.02, "value_loss": 0.5}, seed)


@pytest.mark.parametrize("reached", [0.0, 0.3, 0.5, 0.7])
@pytest.mark.parametrize(("plateau", "start"), [(499, 20), (250, -180), (-150, -1200), (0.95, 0.05), (3000, 100)])
def test_what_is_learned_before_the_second_of_a_dozen_rows_is_no_fault(
    plateau: float, start: float, reached: float
) -> None:
    said = [diagnose_run(of_few_rows(plateau, start, reached, seed)) for seed in range(2)]
    assert {one.verdict for one in said} <= {Verdict.HEALTHY, Verdict.UNJUDGED}, said[0].summary
    assert reached > 0.3 or {one.verdict for one in said} == {Verdict.HEALTHY}


@pytest.mark.parametrize("level", [9.4, -500.0, -1200.0, 0.1])
@pytest.mark.parametrize("rows", [12, 20])
def test_a_dozen_rows_that_never_rose_are_not_healthy(level: float, rows: int) -> None:
    for seed in range(2):
        flat = of_few_rows(level, level * 1.001, 0.0, seed, rows)
        noise = np.random.default_rng(seed).normal(0, 0.02 * abs(level), rows)
        logged = flat.curves["episode_return"]
        drawn = replace(flat, curves={**flat.curves, "episode_return": replace(logged, values=level + noise)})
        assert diagnose_run(drawn).verdict in (Verdict.SICK, Verdict.SUSPECT)


@pytest.mark.parametrize("returns", [(-1.8, -1.7, -1.8, -1.75), (-20, -21, -20), (0.97, 0.96, 0.98)])
def test_a_flat_return_is_no_fault_where_the_task_is_solved(returns: Sequence[float]) -> None:
    curves = {
        "episode_return": returns,
        "success_rate": (0.97, 0.98, 0.97),
        "explained_variance": (0.85, 0.9, 0.92),
        "value_loss": (3, 2, 1.5),
        **CALM,
    }
    subject = diagnose_run(noisy(run(curves, points=12), {"success_rate": 0.01}))
    assert subject.verdict is Verdict.HEALTHY
    assert subject.summary == "The policy does what the task asks for."


@pytest.mark.parametrize("seed", [0, 2, 5])
@pytest.mark.parametrize("entropy", [(1.4, 1.1, -2), (1.4, 1.0, -2.5)])
def test_a_healthy_verdict_has_odds_for_it(entropy: Sequence[float], seed: int) -> None:
    """A fifth is gained, with ups and downs, while the policy narrows without bound."""
    drawn = run({"episode_return": (-200, -180, -190, -150, -160), "entropy": entropy}, points=100)
    subject = diagnose_run(replace(noisy(drawn, {"episode_return": 4.0}, seed), framework="tianshou"))
    assert subject.verdict is not Verdict.HEALTHY or (subject.health or 0) >= 0.05
