"""How far each training's metrics lie from those of healthy trainings of its environment, whatever signs make of them.

A fault that moves no metric beyond what healthy trainings show cannot be found in logs, by anybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.corpus import without_doctor
from benchmarks.laboratory.kept import EARLY_VIEWS, Kept, write_whole
from rldoctor.model import Run

# Metrics of how well the policy does; all others are of how it learns.
OUTCOME = frozenset({"episode_return", "success_rate", "episode_length", "goal_distance", "goal_progress"})
# What no fault is about: the machine's speed.
_LEFT_OUT = frozenset({"fps"})
# A metric's mean is taken in each third of the training.
_PARTS = 3
# Fewer healthy trainings say too little of their spread.
FEWEST = 12
# The spread is at least this share of the usual size: what is the same in all healthy trainings but for rounding.
_LEAST_SPREAD = 0.01

Feature = tuple[str, int]


class Apart(NamedTuple):
    """Shares of the healthy trainings of the environment that lie as far out as a training, in [0, 1].

    Attributes:
        anywhere: By the metric that is farthest out, of all.
        beside_outcome: Of all but those of the outcome.
    """

    anywhere: float
    beside_outcome: float


def features(run: Run, planned: int) -> dict[Feature, float]:
    """Return the mean of each metric in each third of the planned steps; infinity where no value is finite."""
    found = {}
    for metric, curve in run.curves.items():
        if metric in _LEFT_OUT:
            continue
        # A point at the end of a third is about that third.
        part = np.clip((curve.steps - 1) * _PARTS // max(planned, 1), 0, _PARTS - 1)
        for number in range(_PARTS):
            values = curve.values[part == number]
            if len(values):
                finite = values[np.isfinite(values)]
                found[metric, number] = float(finite.mean()) if len(finite) else float("inf")
    return found


def of_all(trainings: Sequence[Kept], healthy: Sequence[bool]) -> list[dict[str, Apart | None]]:
    """Return how far out each training is, as each of ``EARLY_VIEWS`` logs it; ``None`` where too few are healthy."""
    by_environment = defaultdict(list)
    for place, one in enumerate(trainings):
        by_environment[one.label["environment"]].append(place)
    found: list[dict[str, Apart | None]] = [dict.fromkeys(EARLY_VIEWS) for _ in trainings]
    for places in by_environment.values():
        well = np.array([healthy[i] for i in places])
        if well.sum() < FEWEST:
            continue
        for view in EARLY_VIEWS:
            runs = [trainings[i].run if view == "callback" else without_doctor(trainings[i].run) for i in places]
            of_runs = [features(run, int(trainings[i].label["steps"])) for run, i in zip(runs, places, strict=True)]
            names = sorted({name for one in of_runs for name in one})
            table = np.array([[one.get(name, np.nan) for name in names] for one in of_runs])
            beside = [j for j, (metric, _) in enumerate(names) if metric not in OUTCOME]
            both = zip(places, shares(table, well).tolist(), shares(table[:, beside], well).tolist(), strict=True)
            for i, one, other in both:
                found[i][view] = Apart(one, other)
    return found


def shares(table: NDArray[np.float64], healthy: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of healthy rows that lie as far out as each row, a healthy one compared with the others.

    Args:
        table: ``(rows, features)``; NaN where one was not logged, infinity where it was not finite.
        healthy: Which rows are.
    """
    well = np.flatnonzero(healthy)
    most = np.empty(len(table))
    most[~healthy] = _farthest(table[~healthy], table[well])
    for i in well:
        most[i] = _farthest(table[i : i + 1], table[well[well != i]])[0]
    of_healthy = np.sort(most[well])
    at_least = len(well) - np.searchsorted(of_healthy, most, side="left")
    counted: NDArray[np.float64] = at_least / len(well)
    return counted


def _farthest(rows: NDArray[np.float64], healthy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest distance of each row from the healthy median, in spreads of the healthy rows, over all features."""
    logged = np.isfinite(healthy).mean(axis=0) >= 0.5
    healthy, rows = np.where(np.isfinite(healthy), healthy, np.nan)[:, logged], rows[:, logged]
    usual = np.nanmedian(np.abs(healthy), axis=0) + 1e-12
    # Linear near what is usual, logarithmic far beyond it: factors of ten are no larger steps than others.
    healthy, far = np.arcsinh(healthy / usual), np.isinf(rows)
    rows = np.arcsinh(np.where(far, 0.0, rows) / usual)
    low, middle, high = np.nanquantile(healthy, [0.1, 0.5, 0.9], axis=0)
    distance = np.abs(rows - middle) / np.maximum(high - low, _LEAST_SPREAD)
    distance = np.where(far, np.inf, np.nan_to_num(distance, nan=0.0, posinf=np.inf))
    found: NDArray[np.float64] = distance.max(axis=1, initial=0.0)
    return found


def write(path: Path, trainings: Sequence[Kept]) -> None:
    """Write how far out the trainings of a table are into it; of others in it, what is known stays.

    Args:
        path: What ``strengths.collect`` wrote.
        trainings: Those of this generation, whose batches are numbered as in the table.
    """
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    batch, number, views, whole = (table[name].to_pylist() for name in ("batch", "training", "view", "share"))
    learned = dict(zip(zip(batch, number, strict=True), table["learned"].to_pylist(), strict=True))
    keys = [(one.label["batch"], one.label["training"]) for one in trainings]
    healthy = [not one.label["faults"] and bool(learned.get(key)) for one, key in zip(trainings, keys, strict=True)]
    found = dict(zip(keys, of_all(trainings, healthy), strict=True))
    known: list[Apart | None] = []
    for key, view, share in zip(zip(batch, number, strict=True), views, whole, strict=True):
        known.append(found[key].get(view) if share == 1.0 and key in found else None)
    for name, place in (("apart", 0), ("apart_beside_outcome", 1)):
        earlier = table[name].to_pylist() if name in table.column_names else [None] * len(table)
        values = [one[place] if one else before for one, before in zip(known, earlier, strict=True)]
        column = pyarrow.array(values, pyarrow.float32())
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    content = BytesIO()
    pyarrow.parquet.write_table(table, content, compression="zstd", compression_level=15)
    write_whole(path, content.getvalue())
