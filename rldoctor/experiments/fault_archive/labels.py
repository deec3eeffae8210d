"""Recorded runs with what is known of them: the fault, the causes that are right, and whether it did harm."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rldoctor import references, run_directory
from rldoctor.errors import UsageError
from rldoctor.experiments.faults import Fault, find
from rldoctor.experiments.faults.run import LABEL_FILE
from rldoctor.logs import discover, read_run
from rldoctor.model import Json, Run

HEALTHY = "healthy"
# The true outcome of a run, whatever the fault did to the logged reward: (band, key of the label's outcome).
_OUTCOME = {"FetchReachDense-v4": ("success_rate", "success")}
# Of what healthy runs gain, allowed on top of their band: outcomes are means over a hundred episodes.
_ALLOWED = 0.1


@dataclass(frozen=True, eq=False)
class LabelledRun:
    """A recorded run whose fault is known.

    Attributes:
        directory: Where it was recorded.
        name: Its place below the folder of runs; says the fault, so that no tool should see it.
        run: Its curves and record.
        label: What ``label.json`` says; empty for a healthy run.
        fault: The fault that was put in; none for a healthy run.
        severity: Of the fault.
        right: The diagnoses that would be right, best first; ``("healthy",)`` for none.
        harmed: Whether the true outcome is worse than that of healthy runs (:func:`outcome_is_harmed`).
    """

    directory: Path
    name: str
    run: Run
    label: Mapping[str, Json]
    fault: Fault | None
    severity: str
    right: tuple[str, ...]
    harmed: bool

    @property
    def id(self) -> str:
        """A name that says nothing of the fault, the same each time."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:8]

    @property
    def recipe(self) -> Mapping[str, Json]:
        """The recipe in ``run.json``."""
        recipe = self.run.record.get("recipe")
        return recipe if isinstance(recipe, Mapping) else {}

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return int(str(self.run.record.get("seed", 0)))

    @property
    def kind(self) -> str:
        """``healthy``, ``harmful``, or ``harmless`` for a fault that the training copes with."""
        return HEALTHY if self.fault is None else "harmful" if self.harmed else "harmless"

    @property
    def split(self) -> str:
        """``train`` for even seeds, ``test`` for odd ones."""
        return "test" if self.seed % 2 else "train"


def labelled_runs(folder: Path) -> tuple[LabelledRun, ...]:
    """Return the runs at or below ``folder``; those without a ``label.json`` are healthy.

    Raises:
        UsageError: ``folder`` holds no run, or one with a fault that the laboratory does not know.
    """
    found = tuple(_labelled(directory, folder) for directory in discover([folder]))
    if not found:
        raise UsageError(f"{folder} holds no run.", "Name a folder of runs that rldoctor faults run recorded.")
    return found


def _labelled(directory: Path, folder: Path) -> LabelledRun:
    run, file = read_run(directory), directory / LABEL_FILE
    label = run_directory.read_json(file, "label") if file.is_file() else {}
    name, _, severity = str(label.get("fault", "")).partition(":")
    fault = find(name) if name else None
    right = (fault.diagnoses if fault else ()) or (HEALTHY,)
    place = directory.relative_to(folder).as_posix()
    harmed = fault is not None and right != (HEALTHY,) and outcome_is_harmed(run, fault, label)
    return LabelledRun(directory, place, run, label, fault, severity, right, harmed)


def outcome_is_harmed(run: Run, fault: Fault, label: Mapping[str, Json]) -> bool:
    """Return whether the true outcome is worse than that of every healthy run of the reference at the same step.

    A training that broke off reached nothing, however well it did before. Harm that was not measured, for want of
    recorded healthy runs, is not claimed.
    """
    if run.record.get("status") == "failed" or fault.always_harms:
        return True
    recipe = run.record.get("recipe")
    env = str(recipe.get("env", "")) if isinstance(recipe, Mapping) else ""
    metric, key = _OUTCOME.get(env, ("episode_return", "return"))
    outcome = label.get("outcome")
    reached = outcome.get(key) if isinstance(outcome, Mapping) else None
    if not isinstance(reached, (int, float)) or not math.isfinite(reached):
        return True
    band = references.load(str(label["reference"])).bands.get(metric)
    if band is None:
        return False
    low = float(np.interp(run.last_step, band.steps, band.low))
    gained = float(np.interp(run.last_step, band.steps, band.median)) - float(band.median[0])
    return bool(reached < low - _ALLOWED * abs(gained))
