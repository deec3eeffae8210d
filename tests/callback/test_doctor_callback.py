"""DoctorCallback on real trainings: healthy ones, and ones with a fault of the laboratory put in."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure

import rldoctor
from rldoctor.callback import doctor_callback, measuring
from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.callback.live import ScalarMemory
from rldoctor.environments.vec_envs import make_training_envs, training_seed
from rldoctor.errors import UsageError
from rldoctor.experiments.faults import find
from rldoctor.logs import read_run
from rldoctor.model import Curve, Verdict
from rldoctor.recipe import Recipe
from rldoctor.rulebook import load_rulebook
from rldoctor.training import algorithm

SLOW = pytest.mark.slow
FETCH, CARTPOLE, PENDULUM = "FetchReachDense-v4", "CartPole-v1", "Pendulum-v1"
# Rollouts, and settings under which each learns something in them.
_SETTINGS = {"n_steps": 128, "batch_size": 128, "n_epochs": 8, "gae_lambda": 0.9}
SMALL: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    FETCH: (4, {**_SETTINGS, "gamma": 0.8, "learning_rate": 2e-3, "log_std_init": -0.5}),
    CARTPOLE: (6, {**_SETTINGS, "gamma": 0.98, "learning_rate": 1e-3}),
    PENDULUM: (4, {**_SETTINGS, "n_steps": 256, "gamma": 0.9, "learning_rate": 1e-3}),
}


def train(
    env: str,
    directory: Path | None,
    callback: Any,
    fault: str = "",
    severity: str = "",
    rollouts: int = 0,
    log_interval: int = 1,
    **settings: Any,
) -> PPO:
    usual, hyperparameters = SMALL[env]
    recipe = Recipe(env, env, 1, 4, {**hyperparameters, **settings})
    wrap = adjust = None
    if fault:
        found = find(fault)
        knob = found.knob(severity or list(found.severities)[-1])
        wrap = found.wrap(knob) if found.wrap else None
        adjust = found.adjust(knob) if found.adjust else None
        recipe = recipe.with_overrides(found.settings(knob)) if found.settings else recipe
    envs = make_training_envs(recipe, wrap)
    try:
        model = algorithm.build(recipe, envs, seed=0)
        envs.seed(training_seed(0))
        if adjust:
            adjust(model)
        if directory is not None:
            model.set_logger(configure(str(directory), ["tensorboard"]))
        with algorithm.one_thread():
            model.learn((rollouts or usual) * 4 * model.n_steps, callback=callback, log_interval=log_interval)
        if directory is not None:
            model.logger.close()
        return model
    finally:
        envs.close()


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
        (CARTPOLE, "stale-data", "", "stored_data_repeated", 1.0, 1.0),
        (CARTPOLE, "stale-data", "", "first_ratio_error", 0.01, math.inf),
        pytest.param(CARTPOLE, "gae-ignores-dones", "", "gae_error", 0.1, 2.0, marks=SLOW),
        (CARTPOLE, "critic-frozen", "", "critic_weight_change", 0.0, 0.0),
        (CARTPOLE, "critic-frozen", "", "critic_improvement", 0.0, 0.0),
        pytest.param(CARTPOLE, "policy-frozen", "", "policy_weight_change", 0.0, 0.0, marks=SLOW),
        pytest.param(FETCH, "goal-hidden", "", "goal_constant", 1.0, 1.0, marks=SLOW),
        pytest.param(FETCH, "goal-hidden", "", "policy_goal_sensitivity", 0.0, 0.0, marks=SLOW),
        pytest.param(FETCH, "goal-hidden", "", "critic_goal_sensitivity", 0.0, 0.0, marks=SLOW),
        (CARTPOLE, "observations-frozen", "", "observation_constant_fraction", 1.0, 1.0),
        (CARTPOLE, "observations-frozen", "", "action_observation_effect", 0.0, 0.0),
        pytest.param(PENDULUM, "observations-unscaled", "", "observation_scale", 1_000.0, math.inf, marks=SLOW),
        pytest.param(PENDULUM, "observations-tiny", "", "observation_scale", 0.0, 1e-3, marks=SLOW),
        pytest.param(PENDULUM, "observations-noisy", "", "observation_autocorrelation", -0.3, 0.3, marks=SLOW),
        pytest.param(FETCH, "actions-ignored", "", "action_observation_effect", 0.0, 0.06, marks=SLOW),
        pytest.param(CARTPOLE, "actions-ignored", "", "action_observation_effect", 0.0, 0.06, marks=SLOW),
        pytest.param(PENDULUM, "actions-ignored", "", "action_observation_effect", 0.0, 0.06, marks=SLOW),
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
    memory = _watched(FETCH, fault="success-flag-dead", rollouts=10)
    assert max(memory["doctor/success_distance_mismatch"]) > 0.0


def _watched(env: str, budget: float = math.inf, every: int = 1, **arguments: Any) -> dict[str, list[float]]:
    """Train and return what was logged, by tag."""
    memory = ScalarMemory()

    class Listening(BaseCallback):
        def _on_training_start(self) -> None:
            self.logger.output_formats.append(memory)

        def _on_step(self) -> bool:
            return True

    train(env, None, [Listening(), DoctorCallback(warn=False, budget=budget, every=every)], **arguments)
    return {tag: memory.memory.values(tag) for tag in memory.memory}


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
    each = _watched(CARTPOLE, rollouts=6)
    assert len(each["doctor/gae_error"]) == len(each["time/fps"]) == 6
    assert len(_watched(CARTPOLE, rollouts=6, every=2)["doctor/gae_error"]) == 3
    assert len(_watched(CARTPOLE, rollouts=6, log_interval=3)["doctor/gae_error"]) == 2


@pytest.mark.slow
def test_two_dozen_rollouts_of_a_long_training_are_measured_evenly_whatever_the_clock_says() -> None:
    found = _watched(CARTPOLE, budget=0.02, rollouts=90, n_steps=16, batch_size=64, n_epochs=1)
    assert len(found["doctor/gae_error"]) == 24 < len(found["time/fps"])


def test_weights_that_turn_nan_are_logged_and_the_callback_survives(caplog: Any) -> None:
    class Breaks(BaseCallback):
        def _on_rollout_end(self) -> None:
            if self.num_timesteps >= 1024:
                with torch.no_grad():
                    next(self.model.policy.parameters()).fill_(math.nan)

        def _on_step(self) -> bool:
            return True

    callback = DoctorCallback(budget=math.inf)
    with pytest.raises(ValueError, match="nan"):
        train(CARTPOLE, None, [Breaks(), callback], rollouts=4)
    assert callback._scalars.memory.values("doctor/weights_nonfinite")[-1] > 0
    assert not caplog.records


def test_observations_that_turn_nan_are_reported_before_sb3_raises(tmp_path: Path, caplog: Any) -> None:
    with pytest.raises(ValueError, match="nan"):
        train(PENDULUM, tmp_path, DoctorCallback(budget=math.inf), "observations-nan", "early")
    said = [record.message for record in caplog.records]
    assert sum("NaN or infinite" in message for message in said) == 1
    assert sum("before-nan.npz" in message for message in said) == 1
    with np.load(tmp_path / "before-nan.npz", allow_pickle=False) as kept:
        assert len(kept["steps"]) == len(kept["actions"]) == len(kept["rewards"]) <= 100
        assert np.isfinite(kept["observations"][:-1]).all()
        assert not np.isfinite(kept["observations"][-1]).all()
    assert read_run(tmp_path).curves["observation_nonfinite"].values[-1] > 0


def test_a_measurement_that_fails_is_skipped_with_one_warning(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(rollout: Any) -> dict[str, float]:
        raise RuntimeError("out of order")

    monkeypatch.setattr(measuring, "MEASURES", (broken, *measuring.MEASURES))
    found = _watched(CARTPOLE, rollouts=3)
    assert len(found["doctor/gae_error"]) == 3
    assert [record.message for record in caplog.records] == [
        "DoctorCallback skips the measurement of broken: RuntimeError: out of order"
    ]


def test_a2c_is_measured(caplog: Any) -> None:
    callback = DoctorCallback(budget=math.inf)
    with algorithm.one_thread():
        A2C("MlpPolicy", CARTPOLE, n_steps=64, device="cpu", seed=0).learn(640, callback=callback, log_interval=2)
    assert len(callback._scalars.memory.values("doctor/gae_error")) == 5
    assert max(callback._scalars.memory.values("doctor/first_ratio_error")) < 1e-4
    assert not caplog.records


@pytest.mark.parametrize(
    "arguments",
    [{"stop_when": "suspect"}, {"every": 0}, {"patience": 1}, {"budget": 0.0}, {"reference": "no_such/reference"}],
)
def test_wrong_arguments_are_refused_before_training(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        DoctorCallback(**arguments)


def test_a_doomed_run_is_warned_about_and_stopped_with_a_report(tmp_path: Path, caplog: Any) -> None:
    callback = DoctorCallback(stop_when="sick", patience=3, budget=math.inf)
    model = train(CARTPOLE, tmp_path, callback, rollouts=60, n_steps=32, learning_rate=1.0)
    assert callback.stopped
    assert model.num_timesteps < 0.3 * 60 * 128
    assert callback.report is not None and callback.report.verdict is Verdict.SICK
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "sick"
    assert "SICK" in (tmp_path / "report.txt").read_text()
    leading = callback.report.subjects[0].diagnoses[0].name
    assert any(f"rldoctor explain {leading}" in record.message for record in caplog.records)
    assert sum("training stopped" in record.message for record in caplog.records) == 1


def test_what_stops_a_run_is_its_steps_and_not_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_at = []
    for pace in (1.0, 50.0):
        clock = doctor_callback.time.perf_counter
        monkeypatch.setattr(doctor_callback.time, "perf_counter", lambda clock=clock, pace=pace: pace * clock())
        callback = DoctorCallback(stop_when="sick", warn=False)
        stopped_at.append(train(CARTPOLE, None, callback, rollouts=60, n_steps=32, learning_rate=1.0).num_timesteps)
        monkeypatch.undo()
    assert stopped_at[0] == stopped_at[1] < 60 * 128


def test_the_verdict_is_said_in_one_line_when_the_training_ends(caplog: Any, capsys: Any) -> None:
    # Too short to be warned about, but sick.
    train(CARTPOLE, None, DoctorCallback(), rollouts=5, learning_rate=1.0)
    said = [record.message for record in caplog.records if record.message.startswith("rldoctor: ")]
    said += [line for line in capsys.readouterr().err.splitlines() if line.startswith("rldoctor: ")]
    assert len(said) == 1 and "steps." in said[0]


@pytest.mark.slow
def test_a_healthy_run_is_not_stopped() -> None:
    callback = DoctorCallback(stop_when="sick", patience=2, budget=math.inf)
    train(CARTPOLE, None, callback, rollouts=40, n_steps=64)
    assert not callback.stopped
    assert callback.report is not None and callback.report.verdict is not Verdict.SICK


def test_the_callback_is_offered_without_loading_torch() -> None:
    code = (
        "import sys, rldoctor; assert 'torch' not in sys.modules and not hasattr(rldoctor, 'nonsense');"
        "print(rldoctor.DoctorCallback.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "DoctorCallback"
    assert rldoctor.DoctorCallback is DoctorCallback
