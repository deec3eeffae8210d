"""Runs of a project, and a reference of its own made from them."""

from __future__ import annotations

from pathlib import Path

from rldoctor.config import Config
from rldoctor.recording.from_runs import RecordingSpec, record_existing

HEALTHY = Path(__file__).parents[1] / "runs/healthy"
SICK = Path(__file__).parents[1] / "runs/sick"
QUICK = HEALTHY / "fetch_reach_dense/quick"
FETCH = "FetchReachDense-v4"
GOOD = ("as-recorded-20", "as-recorded-25", "as-recorded-31")


def recorded(folder, tmp_path, **spec):
    made = record_existing([folder], RecordingSpec(**{"name": "our_env/ours", "out": tmp_path / "kept", **spec}))
    return made, Config(references=(made.folder,))
