"""Record a reference: write the bands in which the curves of its healthy runs lie."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rldoctor import machine, run_directory, stats
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import read_run
from rldoctor.model import FloatArray, IntArray, Run
from rldoctor.recipe import Recipe
from rldoctor.references import CURVES_FILE

# A band of three runs is three runs; ten is the least from which the spread of a healthy patient can be read.
FEWEST_SEEDS = 3
# Bands are smooth: more points than this only make the file larger.
_MOST_POINTS = 60
# Not the extremes: one unlucky seed in twenty (CartPole has one that falls back at the end) must not open the band.
_BAND = (0.05, 0.5, 0.95)
_SETTINGS = frozenset({"clip_range", "clip_range_vf", "throughput"})


def write_bands(recipe: Recipe, directories: Sequence[Path], folder: Path, left_out: Sequence[Path] = ()) -> Path:
    """Write ``curves.csv`` from finished runs: 5th percentile, median and 95th percentile of each metric over them.

    Returns:
        The file.

    Raises:
        UsageError: Fewer than ``FEWEST_SEEDS`` runs, or the folder cannot be written to.
        CannotJudge: A run holds no curves, or its logs are damaged.
    """
    if len(directories) < FEWEST_SEEDS:
        raise UsageError(f"{len(directories)} seeds make no band.", f"Train at least {FEWEST_SEEDS}.")
    runs = [read_run(directory) for directory in directories]
    for run in runs:
        if not run.curves or run.findings:
            raise CannotJudge(f"The logs of {run.path} are not clean.", "Train that seed again.")
    return write_curves(runs, folder, _provenance(recipe, directories, left_out))


def write_curves(runs: Sequence[Run], folder: Path, provenance: Sequence[str]) -> Path:
    """Write ``curves.csv``: the bands of the metrics that all of ``runs`` have, under lines of provenance.

    Raises:
        UsageError: The folder cannot be written to.
    """
    path = folder / CURVES_FILE
    with run_directory.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        for line in provenance:
            file.write(f"# {line}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("metric", "step", "low", "median", "high"))
        for metric in sorted(set.intersection(*map(_measured, runs)) - _SETTINGS):
            steps, table = _aligned(runs, metric)
            for i, step in enumerate(steps):
                numbers = np.quantile(table[:, i], _BAND)
                writer.writerow((metric, int(step), *(f"{number:.6g}" for number in numbers)))
    return path


def _measured(run: Run) -> set[str]:
    return {metric for metric, curve in run.curves.items() if len(curve.finite())}


def _aligned(runs: Sequence[Run], metric: str) -> tuple[IntArray, FloatArray]:
    """Return common steps, shape ``(n,)``, and the metric of each run there, shape ``(runs, n)``."""
    curves = [run.curves[metric].finite() for run in runs]
    first, last = max(int(curve.steps[0]) for curve in curves), min(int(curve.steps[-1]) for curve in curves)
    grid = curves[0].steps[(curves[0].steps >= first) & (curves[0].steps <= last)]
    if len(grid) > _MOST_POINTS:
        grid = grid[np.unique(np.linspace(0, len(grid) - 1, _MOST_POINTS).round().astype(int))]
    table = np.stack([stats.interpolate(curve.steps, curve.values, grid) for curve in curves])
    return grid, table


def _provenance(recipe: Recipe, directories: Sequence[Path], left_out: Sequence[Path]) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions().items() if version)
    about = machine.describe()
    seeds, failed = (", ".join(path.name.removeprefix("seed-") for path in paths) for paths in (directories, left_out))
    failures = f" Left out, since they do not pass the recipe's criteria: seeds {failed}." if failed else ""
    return [
        f"{recipe.name}: 5th percentile, median and 95th percentile of {len(directories)} healthy runs at each step.",
        f"Seeds {seeds}.{failures} Remade by: rldoctor record {recipe.name}",
        f"Recorded {datetime.now(UTC).date()} on {about['cores']} cores of {about['processor']}, {about['system']}.",
        f"Versions: {versions}.",
    ]
