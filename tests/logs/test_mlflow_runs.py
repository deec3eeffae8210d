"""Runs of MLflow's file store; data/mlflow was written by mlflow-skinny 3.17.2 (paths and user replaced)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import rldoctor
from rldoctor.logs import discover, read_run

STORE = Path(__file__).parent / "data/mlflow"
RUN = STORE / "1/run"


@pytest.fixture
def run(tmp_path):
    return Path(shutil.copytree(RUN, tmp_path / "run"))


def test_a_run_of_mlflow_is_read_as_any_other():
    assert discover([STORE]) == [RUN]
    found = read_run(RUN)
    assert (found.framework, found.findings, found.unknown_tags) == ("sb3", (), ("my/own",))
    assert found.curves["episode_return"].steps.tolist() == [2048 * i for i in range(1, 41)]
    assert found.curves["episode_return"].values.tolist() == [20.0 + 10 * i for i in range(1, 41)]
    # The sign is the framework's, as in event files.
    assert found.curves["entropy"].values[0] == pytest.approx(0.685)
    (subject,) = rldoctor.diagnose(STORE).subjects
    assert (subject.path, subject.steps) == (str(RUN), 81_920)


def test_what_artifacts_hold_is_no_other_run(run):
    (run / "artifacts").mkdir()
    (run / "artifacts/events.out.tfevents.1").write_bytes(b"")
    assert discover([run.parent]) == [run]


@pytest.mark.parametrize(
    ("lines", "steps", "codes"),
    [
        (["1 0.5 10", "2 0.6 20"], [10, 20], []),
        (["2 0.6 20", "1 0.5 10"], [10, 20], []),
        (["1 0.5 10", "2 0.6 20", "3 0."], [10, 20], ["LOG101"]),
        (["1 0.5 10", "x", "2 0.6 20"], [10, 20], ["LOG102"]),
        (["1 0.5 -3", "1 0.5 1e3", "1 0.5 10 4", "2 nan 20"], [20], ["LOG102"]),
        ([], [], []),
    ],
)
def test_lines_in_any_state(run, lines, steps, codes):
    (run / "metrics/train/approx_kl").write_text("\n".join(lines))
    found = read_run(run)
    assert [finding.code for finding in found.findings] == codes
    curve = found.curves.get("approx_kl")
    assert (curve.steps.tolist() if curve else []) == steps
    assert len(found.curves["episode_return"]) == 40
