"""Healthy trainings on every environment of the laboratory, as far as they learned, of those that were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.laboratory import kept
from benchmarks.laboratory.harm import Training, judged, lines
from benchmarks.laboratory.kept import Kept


def healthy_trainings(folder: Path) -> list[Kept]:
    """Return the healthy trainings that learned, of those that ``benchmarks.laboratory.generate --out`` kept in a folder.

    Raises:
        SystemExit: It holds none.
    """
    batches = sorted((folder / "curves").glob("batch-*.npz"))
    if not batches:
        raise SystemExit(f"{folder / 'curves'} holds no batch: give the --out of benchmarks.laboratory.generate.")
    made = [one for path in batches for one in kept.read(path) if not one.label["faults"]]
    # Without their recipes, as any other trainings.
    return [replace(one, run=replace(one.run, record={})) for one in learned(made)]


def learned(trainings: Sequence[Kept]) -> list[Kept]:
    """Return the trainings that learned, as far as the others of their environment tell."""
    outcomes = [
        Training(
            one.label["environment"],
            one.label["steps"],
            True,
            _numbers(one.label["returns"]),
            _numbers(one.label["successes"]),
            one.label["failed"],
        )
        for one in trainings
    ]
    line = lines(outcomes)
    return [
        one
        for one, training in zip(trainings, outcomes, strict=True)
        if training.environment in line and judged(training, line[training.environment])[0]
    ]


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]
