"""Kinds of trainings that were once judged wrongly, drawn again: policies that collapse, and the size of updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Verdict
from tests.diagnosis.made_up_runs import CALM, first, noisy, run


@pytest.mark.parametrize("returns", [(0, 5, 15, 25), (-300, -100, 150, 240), (20, 60, 300, 490)])
@pytest.mark.parametrize("peak", [0.01, 0.008])
def test_an_adaptive_learning_rate_is_judged_by_the_kl_that_it_controls(returns: Sequence[float], peak: float) -> None:
    rates = (3e-4, 1e-3, peak, 2e-3, 8e-4, 5e-4)
    assert diagnose_run(run({"episode_return": returns, "learning_rate": rates, **CALM})).verdict is Verdict.HEALTHY


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


def test_a_small_discrete_policy_that_collapses_late() -> None:
    curves = {
        "episode_return": (20, 200, 400, 480, 60, 10, 9, 9),
        "entropy": (0.69, 0.6, 0.5, 0.4, 0.05, 0.001, 0.001, 0.001),
        **CALM,
    }
    subject = diagnose_run(run(curves, points=100))
    assert subject.verdict is Verdict.SICK
    assert "policy-collapsed" in [d.name for d in subject.diagnoses[:2]]


def test_augmented_random_search_has_a_learning_rate_of_its_own() -> None:
    curves = {"episode_return": (10, 100, 400, 800), "learning_rate": (0.02, 0.02)}
    subject = diagnose_run(replace(run(curves), algorithm="ars"))
    assert subject.verdict is Verdict.HEALTHY
    assert not [f.code for f in subject.findings if f.code.startswith("UPD")]


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
