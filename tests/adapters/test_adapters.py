"""The doctor in loops of one's own and in other libraries, told what recorded trainings logged."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

import rldoctor
from benchmarks.corpus import RECORDED
from rldoctor.adapters.rsl_rl import DoctorLogWriter
from rldoctor.errors import UsageError
from rldoctor.logs import read_run
from rldoctor.model import Verdict

SICK = "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"
HEALTHY = "healthy/pendulum/zoo/as-recorded-20"


def told(place: str, doctor: rldoctor.Doctor) -> list[Verdict]:
    curves = read_run(RECORDED / place).curves
    steps = sorted({int(step) for curve in curves.values() for step in curve.steps})
    verdicts = []
    for step in steps:
        at = {name: float(value) for name, curve in curves.items() for value in curve.values[curve.steps == step]}
        verdicts.append(doctor.log(step, **at))
    return verdicts


def test_a_sick_loop_is_told_early_and_says_so_at_the_end(caplog: Any) -> None:
    with rldoctor.Doctor(30_000, name="my loop") as doctor:
        verdicts = told(SICK, doctor)
    assert verdicts.index(Verdict.SICK) < len(verdicts) / 2 and doctor.should_stop
    assert doctor.standing.cause == "learning-rate-too-high" and 0.5 < doctor.standing.confidence < 1
    said = [record.message for record in caplog.records]
    assert any("my loop: step" in line and "Withdrawn when" in line for line in said)
    assert sum(line.startswith("rldoctor: sick after") for line in said) == 1


def test_a_healthy_loop_is_left_in_peace(caplog: Any) -> None:
    with caplog.at_level(logging.INFO, "rldoctor"), rldoctor.Doctor(100_000) as doctor:
        verdicts = told(HEALTHY, doctor)
    assert verdicts[-1] is Verdict.HEALTHY and Verdict.SICK not in verdicts and not doctor.should_stop
    assert [record.message.split(" after")[0] for record in caplog.records] == ["rldoctor: healthy"]


def test_tags_of_other_libraries_are_known() -> None:
    doctor = rldoctor.Doctor(1000, warn=False)
    for step in range(0, 500, 100):
        doctor.log(step, {"charts/episodic_return": step, "losses/approx_kl": 0.01, "losses/clipfrac": 0.1})
    report = doctor.report
    assert report is not None and report.subjects[0].framework == "cleanrl"  # type: ignore[union-attr]


def test_what_is_no_number_is_left_out_and_nan_is_kept() -> None:
    doctor = rldoctor.Doctor(warn=False)
    doctor.log(1, episode_return="high", approx_kl=math.nan)  # type: ignore[arg-type]
    assert set(doctor._live.memory) == {"approx_kl"}


def test_an_error_of_the_doctor_does_not_reach_the_loop(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    doctor = rldoctor.Doctor(100, warn=False)
    monkeypatch.setattr(doctor._live, "is_due", lambda: 1 / 0)
    assert doctor.log(1, episode_return=1.0) is doctor.log(2, episode_return=1.0) is Verdict.UNJUDGED
    assert ["skips the live diagnosis" in record.message for record in caplog.records] == [True]


@pytest.mark.parametrize(
    "options", [{"total_steps": 0}, {"reference": "no_such/one"}, {"framework": "none"}, {"notify": "no-such-command"}]
)
def test_wrong_arguments_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        rldoctor.Doctor(**options)


def test_the_log_writer_of_rsl_rl_writes_what_it_is_given_and_diagnoses_it(tmp_path: Any, caplog: Any) -> None:
    writer = DoctorLogWriter(str(tmp_path))
    writer.store_config({}, {"max_iterations": 40})
    for iteration in range(40):
        for tag, value in (("Train/mean_reward", 1.0), ("Loss/value", 1.0), ("Policy/mean_std", 0.5)):
            writer.add_scalar(tag, value, iteration)
    writer.stop()
    assert writer.doctor.standing.examinations > 20
    assert read_run(tmp_path).curves["episode_return"].values.tolist() == [1.0] * 40
