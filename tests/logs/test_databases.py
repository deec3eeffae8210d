"""Runs in databases of one file, and in the log of a trainer of language models."""

from __future__ import annotations

import json
import math
import sqlite3
from pathlib import Path

import pytest

from rldoctor.errors import UsageError
from rldoctor.logs import discover, read_run

STORES = Path(__file__).resolve().parents[1] / "stores"
# The columns that are read, as mlflow 3.17.2 and trackio 0.43.0 create them.
MLFLOW = """
CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), status VARCHAR(9), lifecycle_stage VARCHAR(20));
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
    run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL);
"""
TRACKIO = "CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT);"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLDOCTOR_CACHE", str(tmp_path / "cache"))


def mlflow_store(folder: Path) -> Path:
    file = folder / "mlflow.db"
    with sqlite3.connect(file) as store:
        store.executescript(MLFLOW)
        for run, stage in (("aa", "active"), ("bb", "active"), ("cc", "deleted")):
            store.execute("INSERT INTO runs VALUES (?, ?, 'FINISHED', ?)", (run, "same name", stage))
            for i in range(12):
                row = ("rollout/ep_rew_mean", float(i), 1000 + i, run, 100 * i, 0)
                store.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
        store.execute("INSERT INTO metrics VALUES ('train/value_loss', 0.0, 1, 'bb', 0, 1)")
        store.execute("INSERT INTO metrics VALUES ('train/value_loss', 1.7976931348623157e308, 2, 'bb', 100, 0)")
    return file


def test_each_run_of_mlflows_database_is_one(tmp_path: Path) -> None:
    file = mlflow_store(tmp_path)
    for place in (file, tmp_path):
        found = discover([place])
        assert [run.name for run in found] == ["aa", "bb"]
    first, second = map(read_run, found)
    assert first.path == f"sqlite:/{file.resolve()}/aa"
    assert first.framework == "sb3"
    assert first.curves["episode_return"].values.tolist() == list(range(12))
    losses = second.curves["value_loss"].values.tolist()
    assert math.isnan(losses[0])
    assert losses[1] == math.inf


def test_trackios_rows_are_read(tmp_path: Path) -> None:
    file = tmp_path / "project.db"
    with sqlite3.connect(file) as store:
        store.executescript(TRACKIO)
        for i in range(8):
            row = json.dumps({"train/reward": i / 8, "train/reward_std": 0.1, "note": "text", "on": True})
            store.execute(
                "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('', 'a/../b', ?, ?)", (i, row)
            )
        store.execute("INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('', 'a/../b', 9, '{broken')")
    (run,) = discover([file])
    assert run.is_relative_to(tmp_path / "cache")
    assert read_run(run).curves["episode_return"].values[-1] == 7 / 8


@pytest.mark.parametrize("package", ["mlflow", "trackio"])
def test_a_store_that_the_package_wrote_is_read(package: str) -> None:
    """Recorded by benchmarks.frameworks.store_runs; trackio's holds two runs of one name, of 40 and of 20 points."""
    found = sorted(
        (read_run(place) for place in discover([STORES / package])), key=lambda run: -len(run.curves["loss"])
    )
    assert [len(run.curves["episode_return"]) for run in found] == ([40] if package == "mlflow" else [40, 20])
    first = found[0]
    assert (first.framework, first.unknown_tags) == ("sb3", ())
    assert first.curves["episode_return"].steps[[0, -1]].tolist() == [2048, 81_920]
    assert first.curves["value_loss"].values[20] == math.inf
    assert math.isnan(first.curves["loss"].values[21])


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as store:
        store.execute("CREATE TABLE people (name TEXT)")
    with pytest.raises(UsageError, match="holds no run of MLflow or trackio"):
        discover([file])
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"SQLite format 3\0" + b"x" * 200)
    with pytest.raises(UsageError, match="cannot be read"):
        discover([damaged])


def test_of_a_trainers_checkpoints_the_last_one_is_the_run(tmp_path: Path) -> None:
    for updates in (4, 12):
        place = tmp_path / f"checkpoint-{updates}"
        place.mkdir()
        history = [
            {"step": i, "reward": i / 12, "reward_std": 0.2, "frac_reward_zero_std": 0.1, "entropy": 1.0}
            for i in range(updates)
        ]
        (place / "trainer_state.json").write_text(
            json.dumps({"log_history": [*history, {"step": updates, "train_runtime": 9.0}]})
        )
    (run,) = discover([tmp_path])
    assert run.name == "checkpoint-12"
    read = read_run(run)
    assert (read.framework, read.algorithm, read.step_axis) == ("trl_grpo", "grpo", "updates")
    assert len(read.curves["episode_return"]) == 12
    (run / "trainer_state.json").write_text("{")
    assert [found.code for found in read_run(run).findings] == ["LOG102"]
