"""The recorded runs with their labels: the fault that was put in, its effect, and the diagnoses that are right."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import TESTS
from rldoctor import references
from rldoctor.experiments.faults import find
from rldoctor.logs import discover, read_run
from rldoctor.model import Curve, Run

RECORDED = TESTS / "runs"
# The true outcome of a run, whatever the fault did to the logged reward: (band, key of the label's outcome).
OUTCOME = {"FetchReachDense-v4": ("success_rate", "success")}


@dataclass(frozen=True, eq=False)
class RecordedRun:
    """A recorded run whose fault is known.

    Attributes:
        run: The curves.
        name: Place in the corpus.
        env: Environment id.
        fault: Name of the fault that was put in; empty for a healthy run.
        severity: Of the fault.
        seed: Of the training.
        right: The diagnoses that would be right, best first; ``("healthy",)`` for none.
        harmed: Whether the true outcome, which the fault cannot distort, is outside the band of healthy runs at that step.
    """

    run: Run
    name: str
    env: str
    fault: str
    severity: str
    seed: int
    right: tuple[str, ...]
    harmed: bool

    @property
    def healthy(self) -> bool:
        return self.right == ("healthy",)

    def without_doctor(self) -> RecordedRun:
        """Return the run as plain Stable-Baselines3 would have logged it."""
        return replace(self, run=without_doctor(self.run))

    def until(self, share: float) -> RecordedRun:
        """Return the first part of the run, as it stood after ``share`` of its steps."""
        last = share * self.run.last_step
        curves = {name: _cut(curve, last) for name, curve in self.run.curves.items() if curve.steps[0] <= last}
        record = {**self.run.record, "status": "running"} if share < 1 else self.run.record
        return replace(self, run=replace(self.run, curves=curves, record=record))


def without_doctor(run: Run) -> Run:
    """Return the run without what the DoctorCallback logged."""
    curves = {name: curve for name, curve in run.curves.items() if not curve.tag.startswith("doctor/")}
    return replace(run, curves=curves)


def _cut(curve: Curve, last: float) -> Curve:
    keep = curve.steps <= last
    return Curve(curve.metric, curve.steps[keep], curve.values[keep], curve.tag, curve.aggregation)


@cache
def recorded_runs(roots: tuple[Path, ...] = (RECORDED,)) -> tuple[RecordedRun, ...]:
    return tuple(_recorded_run(directory, roots) for directory in discover(list(roots)))


def _recorded_run(directory: Path, roots: Sequence[Path]) -> RecordedRun:
    run = read_run(directory)
    label: dict[str, Any] = {}
    if (directory / "label.json").is_file():
        label = json.loads((directory / "label.json").read_text())
    recipe = run.record.get("recipe")
    env = str(recipe.get("env", "")) if isinstance(recipe, dict) else ""
    root = next(root for root in roots if directory.is_relative_to(root))
    name, _, severity = str(label.get("fault", "")).partition(":")
    right = (find(name).diagnoses or ("healthy",)) if name else ("healthy",)
    # A training that broke off reached nothing, however well it did before.
    broke = run.record.get("status") == "failed"
    harmed = bool(name) and right != ("healthy",) and (broke or find(name).always_harms or _outside(env, run, label))
    seed = int(str(run.record.get("seed", 0)))
    return RecordedRun(run, directory.relative_to(root).as_posix(), env, name, severity, seed, right, harmed)


def _outside(env: str, run: Run, label: dict[str, Any]) -> bool:
    """Whether the true outcome is worse than that of every healthy run of the reference at the same step.

    A tenth of what healthy runs gain is allowed on top: outcomes are means over a hundred episodes.
    """
    metric, key = OUTCOME.get(env, ("episode_return", "return"))
    reached = label.get("outcome", {}).get(key)
    if reached is None or not math.isfinite(reached):
        return True
    band = references.load(str(label["reference"])).bands.get(metric)
    if band is None:
        # A reference without recorded seeds: harm that was not measured is not claimed.
        return False
    low = float(np.interp(run.last_step, band.steps, band.low))
    gained = float(np.interp(run.last_step, band.steps, band.median)) - float(band.median[0])
    return bool(reached < low - 0.1 * abs(gained))
