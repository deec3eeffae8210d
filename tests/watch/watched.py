"""Runs to be watched, and what watches them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from benchmarks.corpus import RECORDED
from rldoctor.diagnosis.context import shipped_context
from rldoctor.watch import writer as writer_module
from rldoctor.watch.watcher import Watcher

SICK = RECORDED / "sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"
HEALTHY = RECORDED / "healthy/pendulum/zoo/as-recorded-20"


def events_of(directory: Path) -> Path:
    (found,) = (path for path in directory.iterdir() if "tfevents" in path.name)
    return found


def table(path: Path, rows: range, last: str = "") -> None:
    with path.open("a") as file:
        if not file.tell():
            file.write("time/total_timesteps,rollout/ep_rew_mean,train/approx_kl,train/clip_fraction\n")
        file.writelines(f"{1000 * row},{row},0.01,0.1\n" for row in rows)
        file.write(last)


def watcher(place: Path, clock: list[float], **options: Any) -> Watcher:
    return Watcher([str(place)], shipped_context(), clock=lambda: clock[0], **options)


def running_copy(directory: Path, monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    """Copy the sick run as if it still ran, and with ``monkeypatch`` as if its writer, long gone, were alive."""
    shutil.copytree(SICK, directory)
    (directory / "run.json").write_text((SICK / "run.json").read_text().replace('"finished"', '"running"'))
    if monkeypatch:
        monkeypatch.setattr(writer_module, "writer_of", lambda _: "alive")
