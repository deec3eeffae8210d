"""Kinds of trainings that were once judged wrongly, drawn again: critics, their targets, and the scale of rewards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.model import Verdict
from tests.diagnosis.made_up_runs import CALM, first, noisy, run


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


def test_a_value_loss_that_explodes_where_no_return_is_logged() -> None:
    curves = {"value_loss": (3, 3, 4, 50, 1e5, 1e8, 3e8), "entropy": (5.6, 5.0, 4.0)}
    subject = diagnose_run(run(curves, points=60))
    assert subject.verdict in (Verdict.SICK, Verdict.SUSPECT) and first(subject) == "critic-diverges"


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
