"""One training's scalars written to MLflow's and trackio's stores by those packages themselves.

    pip install mlflow==3.17.2 trackio==0.43.0
    python -m benchmarks.frameworks.store_runs OUT

The training is a made-up one of SB3's tags: forty points, one value that is not a number, one that is infinite. What is kept is the
store as the package leaves it, made small by SQLite's VACUUM and without MLflow's tables for models and traces.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

POINTS = 40
# Of MLflow's sixty tables, those of runs and their metrics.
KEPT = ("runs", "metrics", "latest_metrics", "alembic_version")


def scalars(point: int) -> dict[str, float]:
    """Return what is logged at one of the points."""
    done = point / (POINTS - 1)
    return {
        "rollout/ep_rew_mean": -1200.0 + 1000.0 * done,
        "rollout/ep_len_mean": 200.0,
        "train/approx_kl": 0.01 + 0.002 * math.sin(point),
        "train/clip_fraction": 0.1,
        "train/explained_variance": 0.9 * done,
        "train/entropy_loss": -1.4 + 0.8 * done,
        "train/value_loss": math.inf if point == 20 else 5.0 - 4.0 * done,
        "train/loss": math.nan if point == 21 else 0.1,
    }


def shrink(database: Path) -> None:
    """Write a database anew, in the smallest pages: most of its tables are empty."""
    store = sqlite3.connect(database)
    store.execute("PRAGMA page_size = 512")
    store.execute("VACUUM")
    store.close()


def mlflow_store(out: Path) -> None:
    import mlflow

    os.chdir(tempfile.mkdtemp())
    with mlflow.start_run(run_name="pendulum"):
        for point in range(POINTS):
            mlflow.log_metrics(scalars(point), step=2048 * (point + 1))
    shutil.copy("mlflow.db", out / "mlflow.db")
    with sqlite3.connect(out / "mlflow.db") as store:
        names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if name not in KEPT and not name.startswith("sqlite_"):
                store.execute(f'DROP TABLE "{name}"')
        store.execute("UPDATE runs SET artifact_uri = '', user_id = '', source_name = '', entry_point_name = ''")
    shrink(out / "mlflow.db")


def trackio_store(out: Path) -> None:
    os.environ["TRACKIO_DIR"] = folder = tempfile.mkdtemp()
    import trackio

    for points in (POINTS, POINTS // 2):  # two runs of one name
        trackio.init(project="pendulum", name="same")
        for point in range(points):
            trackio.log(scalars(point), step=2048 * (point + 1))
        trackio.finish()
    [database] = Path(folder).glob("*.db")
    with sqlite3.connect(database) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.execute("DELETE FROM configs")  # who trained, and on what machine
        store.execute("DELETE FROM system_metrics")
        store.commit()
        store.execute("PRAGMA journal_mode = DELETE")
    shrink(database)
    shutil.copy(database, out / database.name)


def main(out: Path) -> None:
    out = out.resolve()
    for name, record in (("mlflow", mlflow_store), ("trackio", trackio_store)):
        (out / name).mkdir(parents=True, exist_ok=True)
        record(out / name)
        (out / name / "version.json").write_text(json.dumps({name: version(name)}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
