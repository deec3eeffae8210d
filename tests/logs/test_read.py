"""A run directory, read: its curves, several files of one run, its record and its evaluation."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from rldoctor.logs import read_run
from rldoctor.logs.frame import COLUMNS, frame_of
from rldoctor.model import Aggregation, Severity
from tests.logs.found import only


def test_a_healthy_run_is_canonical_and_silent(tmp_path, make):
    path = make.file(
        tmp_path / "events.out.tfevents.5.host",
        [
            make.scalars(100, {"rollout/ep_rew_mean": -2.0, "train/entropy_loss": -5.5, "time/fps": 0.0}),
            make.scalars(200, {"rollout/ep_rew_mean": -1.0, "train/entropy_loss": 1.25, "own/tag": 3.0}),
            make.scalars(200, {"doctor/gradient_norm": 0.5, "doctor/entropy": 9.0}),
        ],
    )
    run = read_run(tmp_path)
    assert run.findings == ()
    assert (run.path, run.framework, run.last_step) == (str(tmp_path), "sb3", 200)
    assert list(run.curves) == ["entropy", "episode_return", "gradient_norm", "throughput"]
    assert run.curves["entropy"].values.tolist() == [5.5, -1.25]
    assert run.curves["entropy"].tag == "train/entropy_loss", "the framework's own word comes first"
    assert run.curves["episode_return"].aggregation is Aggregation.WINDOW
    assert run.unknown_tags == ("own/tag",)
    assert run.size_bytes == path.stat().st_size
    assert not math.copysign(1, run.curves["throughput"].values[0]) < 0


def test_a_run_as_a_table(tmp_path, make):
    make.file(
        tmp_path / "tfevents",
        [
            make.scalars(100, {"rollout/ep_rew_mean": -2.0}),
            make.scalars(200, {"rollout/ep_rew_mean": -1.0, "train/approx_kl": math.nan}),
            make.scalars(300, {"train/approx_kl": math.inf}),
        ],
    )
    frame = frame_of([read_run(tmp_path)] * 2)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == 8
    kl = frame[frame["metric"] == "approx_kl"][:2]
    assert kl["step"].tolist() == [200, 300]
    assert np.array_equal(kl["value"], [math.nan, math.inf], equal_nan=True)
    assert set(kl["tag"]) == {"train/approx_kl"}
    assert set(kl["run"]) == {str(tmp_path)}
    assert frame_of([]).empty


def test_nan_and_infinities_are_kept(tmp_path, make):
    values = [math.nan, math.inf, -math.inf, 1.0]
    make.curve(tmp_path, range(4), value=values.__getitem__)
    assert np.array_equal(read_run(tmp_path).curves["approx_kl"].values, values, equal_nan=True)


def test_files_are_taken_by_their_second_and_then_by_number(tmp_path, make):
    make.curve(tmp_path, [1, 2], begun=999)
    make.curve(tmp_path, [3, 4], begun=1000, count=9)
    make.curve(tmp_path, [5, 6], begun=1000, count=10)
    run = read_run(tmp_path)
    assert run.findings == ()
    assert run.curves["approx_kl"].steps.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_run_killed_and_resumed_within_one_second_by_a_process_of_lower_number(tmp_path, make):
    first = [make.scalars(step, {"train/approx_kl": step}, 1000.1) for step in (1, 2, 3)]
    second = [make.scalars(step, {"train/approx_kl": -step}, 1000.7) for step in (3, 4)]
    make.file(tmp_path / "events.out.tfevents.1000.host.88.0", first)
    make.file(tmp_path / "events.out.tfevents.1000.host.77.0", [make.purge(3), *second])
    run = read_run(tmp_path)
    assert run.findings == ()
    assert run.curves["approx_kl"].values.tolist() == [1, 2, -3, -4]


def test_a_run_killed_twice_within_one_second_keeps_what_the_third_part_logged(tmp_path, make):
    first = [make.scalars(step, {"train/approx_kl": step}, 1000.1) for step in (1, 2, 3)]
    third = [make.scalars(step, {"train/approx_kl": -step}, 1000.9) for step in (3, 4)]
    make.file(tmp_path / "events.out.tfevents.999.host.1.0", first)
    # The second part was killed before its first point.
    make.file(tmp_path / "events.out.tfevents.1000.host.2.0", [make.purge(3)])
    make.file(tmp_path / "events.out.tfevents.1000.host.3.0", [make.purge(3), *third])
    make.file(tmp_path / "events.out.tfevents.1000.host.4.0", [make.start])
    run = read_run(tmp_path)
    assert run.curves["approx_kl"].values.tolist() == [1, 2, -3, -4]


def test_hundreds_of_files_with_one_point_each_are_one_run(tmp_path, make):
    for i in range(300):
        make.curve(tmp_path, [64 * (i + 1)], begun=1000 + i)
    run = read_run(tmp_path)
    assert run.findings == ()
    assert len(run.curves["approx_kl"]) == 300


def test_two_runs_in_one_directory(tmp_path, make):
    make.curve(tmp_path, range(2048, 20481, 2048), begun=1000)
    make.curve(tmp_path, range(2048, 10241, 2048), begun=2000, value=lambda step: -step)
    run = read_run(tmp_path)
    finding = only(run, "LOG201")
    assert (finding.name, finding.severity) == ("mixed-runs", Severity.ERROR)
    assert run.curves["episode_return"].values.tolist() == [-2048.0, -4096.0, -6144.0, -8192.0, -10240.0]
    assert "goes back from 20480 to 2048" in finding.message
    assert "10 points of events.out.tfevents.2000.host.77.0" in finding.message
    assert finding.evidence["files"] == ["events.out.tfevents.1000.host.77.0", "events.out.tfevents.2000.host.77.0"]
    assert finding.evidence["dropped_points"] == 20


def test_a_run_resumed_without_a_purge_is_a_note(tmp_path, make):
    make.curve(tmp_path, range(1000, 20001, 1000), begun=1000)
    make.curve(tmp_path, range(18000, 30001, 1000), begun=2000, value=lambda step: step + 0.5)
    run = read_run(tmp_path)
    assert only(run, "LOG202").severity is Severity.NOTE
    assert run.curves["approx_kl"].steps.tolist() == list(range(1000, 30001, 1000))


def test_a_run_resumed_with_a_purge_is_silent(tmp_path):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    for purge_step, steps in ((None, range(0, 100, 10)), (41, range(50, 150, 10))):
        writer = tensorboard.SummaryWriter(str(tmp_path), purge_step=purge_step)
        for step in steps:
            writer.add_scalar("train/approx_kl", step, step)
        writer.close()
    run = read_run(tmp_path)
    assert run.findings == ()
    assert run.curves["approx_kl"].steps.tolist() == list(range(0, 150, 10))


def test_tags_that_nobody_knows(tmp_path, make):
    make.curve(tmp_path, range(5), tags=["train/loss", "train/grad_norm", "x\n[red]"])
    run = read_run(tmp_path)
    assert (run.framework, run.curves) == ("", {})
    assert set(run.unknown_tags) == {"train/loss", "train/grad_norm", "x\n[red]"}
    assert only(run, "LOG301").evidence["known"] == []


def test_the_record_is_kept(tmp_path, make):
    make.curve(tmp_path, range(5))
    (tmp_path / "run.json").write_text('{"status": "finished", "seed": 3}')
    assert read_run(tmp_path).record == {"status": "finished", "seed": 3}


def test_reading_imports_no_deep_learning():
    code = (
        "import sys, rldoctor.logs, rldoctor.logs.frameworks as f; f.shipped_tag_mappings();"
        "print([m for m in ('torch', 'tensorflow', 'gymnasium', 'stable_baselines3', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def evaluation(steps, **aggregate):
    return {"rldoctor_evaluation": 1, "aggregate": aggregate, "policy": {"file": "policy.zip", "steps": steps}}


def test_an_evaluation_is_the_last_point_of_the_evaluations(make, tmp_path):
    make.curve(tmp_path, range(100, 600, 100), tags=("rollout/ep_rew_mean", "eval/mean_reward"))
    (tmp_path / "evaluation.json").write_text(json.dumps(evaluation(500, success_rate=1.0, return_mean=-0.5)))
    run = read_run(tmp_path)
    assert run.curves["evaluation_success_rate"].values.tolist() == [1.0]
    assert run.curves["evaluation_return"].steps.tolist() == [100, 200, 300, 400, 500]
    assert run.curves["evaluation_return"].values.tolist() == [100.0, 200.0, 300.0, 400.0, -0.5]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        json.dumps(evaluation("500", success_rate=1.0)),
        json.dumps(evaluation(-1, success_rate=1.0)),
        json.dumps(evaluation(2**70, success_rate=1.0)),
        json.dumps(evaluation(500, success_rate=True)),
        json.dumps(evaluation(500, success_rate=None)),
        json.dumps({"aggregate": [], "policy": []}),
    ],
)
def test_an_evaluation_that_cannot_be_used_is_left_to_the_gate(make, tmp_path, content):
    make.curve(tmp_path, range(100, 600, 100))
    (tmp_path / "evaluation.json").write_text(content)
    run = read_run(tmp_path)
    assert "evaluation_success_rate" not in run.curves
    assert not run.findings
