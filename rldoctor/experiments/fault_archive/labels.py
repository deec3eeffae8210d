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
        label: What ``label.json`` says; its ``fault`` is empty for a healthy run.
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
    """Return the runs at or below ``folder`` of which is known what is wrong with them (:func:`sorted_runs`).

    Raises:
        UsageError: ``folder`` holds no such run, or one with a fault that the laboratory does not know.
    """
    return sorted_runs(folder)[0]


def sorted_runs(folder: Path) -> tuple[tuple[LabelledRun, ...], dict[Path, str]]:
    """Return the labelled runs at or below ``folder``, and the others with the reason why nothing is known of them.

    A run without a label is of no kind: it may be healthy, or broken in a way that nobody wrote down. Nor is a
    training healthy that has no fault and did not end.

    Raises:
        UsageError: ``folder`` holds no labelled run, or one with a fault that the laboratory does not know.
    """
    found: list[LabelledRun] = []
    left_out: dict[Path, str] = {}
    for directory in discover([folder]):
        if not (directory / LABEL_FILE).is_file():
            left_out[directory] = f"no {LABEL_FILE}"
            continue
        one = _labelled(directory, folder)
        status = str(one.run.record.get("status", "unknown"))
        if one.fault is None and status != "finished":
            left_out[directory] = f"no fault, but its status is {status}"
        else:
            found.append(one)
    if not found:
        record = "Record runs with rldoctor faults run, and healthy ones with rldoctor faults run none."
        if not left_out:
            raise UsageError(f"{folder} holds no run.", record)
        place, reason = next(iter(left_out.items()))
        count = f"{len(left_out)} run{'s' if len(left_out) > 1 else ''}"
        raise UsageError(f"{folder} holds {count}, but none with a usable label ({place.name}: {reason}).", record)
    return tuple(found), left_out


def _labelled(directory: Path, folder: Path) -> LabelledRun:
    run, label = read_run(directory), run_directory.read_json(directory / LABEL_FILE, "label")
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
