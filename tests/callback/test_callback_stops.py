"""DoctorCallback where measuring or training breaks, and where it warns of a run or stops it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C
from stable_baselines3.common.callbacks import BaseCallback

import rldoctor
from rldoctor.callback import doctor_callback, measuring
from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.errors import UsageError
from rldoctor.logs import read_run
from rldoctor.model import Verdict
from rldoctor.training import algorithm
from tests.callback.small_trainings import CARTPOLE, PENDULUM, logged_by, train


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
    found = logged_by(CARTPOLE, rollouts=3)
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
