"""DoctorCallback on real trainings: healthy ones, and ones with a fault of the laboratory put in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.logs import read_run
from rldoctor.model import Curve
from rldoctor.rulebook import load_rulebook
from tests.callback.small_trainings import CARTPOLE, FETCH, PENDULUM, SMALL, logged_by, train

SLOW = pytest.mark.slow


@pytest.fixture(scope="module")
def curves(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Mapping[str, Curve]]:
    """Train once for each environment and fault; return the curves read back from the event files."""

    @cache
    def curves(env: str, fault: str = "", severity: str = "") -> Mapping[str, Curve]:
        directory = tmp_path_factory.mktemp("run")
        train(env, directory, DoctorCallback(warn=False, budget=math.inf), fault, severity)
        return read_run(directory).curves

    return curves


# Metric: lowest and highest value that a healthy run may have at any point.
HEALTHY: Mapping[str, tuple[float, float]] = {
    "first_ratio_error": (0.0, 1e-4),
    "stored_data_repeated": (0.0, 0.0),
    "advantage_identity_error": (0.0, 1e-3),
    "gae_error": (0.0, 1e-3),
    "gradient_norm": (0.05, 1e4),
    "policy_weight_change": (1e-3, 0.5),
    "critic_weight_change": (1e-3, 0.5),
    "weights_nonfinite": (0.0, 0.0),
    "observation_abs_max": (0.1, 20.0),
    "observation_scale": (0.01, 5.0),
    "observation_constant_fraction": (0.0, 0.2),
    "observation_nonfinite": (0.0, 0.0),
    "observation_autocorrelation": (0.3, 1.0),
    "action_observation_effect": (0.15, 1.0),
    "reward_nonfinite": (0.0, 0.0),
}
HEALTHY_HERE: Mapping[str, Mapping[str, tuple[float, float]]] = {
    FETCH: {
        "goal_constant": (0.0, 0.0),
        "reward_goal_correlation": (0.99, 1.0),
        "reward_unique_fraction": (0.95, 1.0),
        "reward_max": (-0.2, 0.0),
        "success_distance_mismatch": (0.0, 0.0),
        "timeout_fraction": (1.0, 1.0),
        "action_saturated_fraction": (0.0, 0.2),
    },
    CARTPOLE: {
        "timeout_fraction": (0.0, 0.0),
        "action_entropy_fraction": (0.5, 1.0),
        "reward_std": (0.0, 0.0),
    },
    PENDULUM: {
        "timeout_fraction": (1.0, 1.0),
        "reward_unique_fraction": (0.95, 1.0),
        "action_saturated_fraction": (0.0, 0.2),
    },
}


@pytest.mark.parametrize("env", [env if env == CARTPOLE else pytest.param(env, marks=SLOW) for env in SMALL])
def test_a_healthy_run_is_in_the_healthy_range_at_every_point(env: str, curves: Any) -> None:
    found = curves(env)
    for metric, (low, high) in {**HEALTHY, **HEALTHY_HERE[env]}.items():
        values = found[metric].values
        assert low <= values.min() and values.max() <= high, (metric, values)
    # A faint signal, which no single update is judged by.
    assert np.median(found["update_alignment"].values) > {FETCH: 0.1, CARTPOLE: 0.05, PENDULUM: -0.1}[env]
    for metric in ("policy_observation_sensitivity", "critic_observation_sensitivity"):
        assert found[metric].values[-1] > found[metric].values[0]


@pytest.mark.parametrize(
    ("env", "fault", "severity", "metric", "low", "high"),
    [
        pytest.param(FETCH, "advantage-sign", "", "gae_error", 1.99, 2.01, marks=SLOW),
        pytest.param(FETCH, "advantage-sign", "", "advantage_identity_error", 0.5, 5.0, marks=SLOW),
        pytest.param(FETCH, "advantage-sign", "", "update_alignment", -0.9, -0.05, marks=SLOW),
        pytest.param(CARTPOLE, "advantages-shuffled", "", "gae_error", 1.2, 1.6, marks=SLOW),
        (CARTPOLE, "advantages-shuffled", "", "advantage_identity_error", 0.1, 5.0),
        pytest.param(CARTPOLE, "stale-data", "", "stored_data_repeated", 1.0, 1.0, marks=SLOW),
        pytest.param(CARTPOLE, "stale-data", "", "first_ratio_error", 0.01, math.inf, marks=SLOW),
        (CARTPOLE, "critic-frozen", "", "critic_weight_change", 0.0, 0.0),
        (CARTPOLE, "critic-frozen", "", "critic_improvement", 0.0, 0.0),
        pytest.param(CARTPOLE, "policy-frozen", "", "policy_weight_change", 0.0, 0.0, marks=SLOW),
        pytest.param(FETCH, "goal-hidden", "", "goal_constant", 1.0, 1.0, marks=SLOW),
        pytest.param(FETCH, "goal-hidden", "", "policy_goal_sensitivity", 0.0, 0.0, marks=SLOW),
        pytest.param(FETCH, "goal-hidden", "", "critic_goal_sensitivity", 0.0, 0.0, marks=SLOW),
        pytest.param(CARTPOLE, "observations-frozen", "", "observation_constant_fraction", 1.0, 1.0, marks=SLOW),
        pytest.param(CARTPOLE, "observations-frozen", "", "action_observation_effect", 0.0, 0.0, marks=SLOW),
        pytest.param(PENDULUM, "observations-unscaled", "", "observation_scale", 1_000.0, math.inf, marks=SLOW),
        pytest.param(PENDULUM, "observations-tiny", "", "observation_scale", 0.0, 1e-3, marks=SLOW),
        pytest.param(PENDULUM, "observations-noisy", "", "observation_autocorrelation", -0.3, 0.3, marks=SLOW),
        pytest.param(FETCH, "actions-ignored", "", "action_observation_effect", 0.0, 0.06, marks=SLOW),
        pytest.param(PENDULUM, "exploration-wild", "", "action_saturated_fraction", 0.9, 1.0, marks=SLOW),
        pytest.param(PENDULUM, "reward-constant", "zero", "reward_std", 0.0, 0.0, marks=SLOW),
        pytest.param(PENDULUM, "reward-times-large", "strong", "reward_min", -math.inf, -1_000.0, marks=SLOW),
        pytest.param(FETCH, "reward-sparse", "", "reward_unique_fraction", 0.0, 0.05, marks=SLOW),
        pytest.param(FETCH, "reward-sign-flipped", "", "reward_goal_correlation", -1.0, -0.99, marks=SLOW),
        pytest.param(FETCH, "reward-sign-flipped", "", "reward_max", 0.01, math.inf, marks=SLOW),
        pytest.param(PENDULUM, "time-limit-as-end", "", "timeout_fraction", 0.0, 0.0, marks=SLOW),
    ],
)
def test_a_fault_moves_its_metric(
    env: str, fault: str, severity: str, metric: str, low: float, high: float, curves: Any
) -> None:
    values = curves(env, fault, severity)[metric].values
    # The first rollout of stale data is not stale yet.
    late = values[1:] if fault == "stale-data" and metric == "first_ratio_error" else values
    assert low <= np.median(late) <= high, values


@pytest.mark.slow
def test_a_dead_success_flag_disagrees_with_the_distance_once_goals_are_reached() -> None:
    memory = logged_by(FETCH, fault="success-flag-dead", rollouts=10)
    assert max(memory["doctor/success_distance_mismatch"]) > 0.0


@pytest.mark.parametrize("env", [pytest.param(FETCH, marks=SLOW), CARTPOLE])
def test_the_training_is_the_same_with_and_without(env: str, tmp_path: Path, curves: Any) -> None:
    plain = train(env, tmp_path / "without", None)
    watched = train(env, tmp_path / "with", DoctorCallback(budget=math.inf))
    without, with_it = (read_run(tmp_path / name).curves for name in ("without", "with"))
    assert {name for name in without if name != "throughput"} <= set(with_it)
    for metric, curve in without.items():
        if metric != "throughput":
            np.testing.assert_array_equal(curve.steps, with_it[metric].steps)
            np.testing.assert_array_equal(curve.values, with_it[metric].values)
    for one, other in zip(plain.policy.parameters(), watched.policy.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.slow
def test_every_metric_is_in_the_dictionary(curves: Any) -> None:
    known = load_rulebook().metrics
    for env in SMALL:
        own = {curve.metric for curve in curves(env).values() if curve.tag.startswith("doctor/")}
        assert len(own) > 25
        assert own <= set(known)


@pytest.mark.slow
def test_points_stand_where_sb3_logs_and_every_thins_them() -> None:
    each = logged_by(CARTPOLE, rollouts=6)
    assert len(each["doctor/gae_error"]) == len(each["time/fps"]) == 6
    assert len(logged_by(CARTPOLE, rollouts=6, every=2)["doctor/gae_error"]) == 3
    assert len(logged_by(CARTPOLE, rollouts=6, log_interval=3)["doctor/gae_error"]) == 2


@pytest.mark.slow
def test_two_dozen_rollouts_of_a_long_training_are_measured_evenly_whatever_the_clock_says() -> None:
    found = logged_by(CARTPOLE, budget=0.02, rollouts=90, n_steps=16, batch_size=64, n_epochs=1)
    assert len(found["doctor/gae_error"]) == 24 < len(found["time/fps"])
