"""The bands of a reference: where the curves of its healthy runs lie."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rldoctor import machine, run_directory, stats
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import read_run
from rldoctor.model import Run
from rldoctor.recipe import Recipe
from rldoctor.references import CURVES_FILE

# Ours: three runs give a rough band; ten are the least that show the spread of healthy runs.
FEWEST_SEEDS = 3
# Bands are smooth: more points would only make the file larger.
_MOST_POINTS = 60
# Not the extremes: one bad seed in twenty (CartPole has one that falls back at the end) must not widen the band.
_BAND = (0.05, 0.5, 0.95)
_SETTINGS = frozenset({"clip_range", "clip_range_vf", "throughput"})


def write_bands(recipe: Recipe, directories: Sequence[Path], folder: Path, left_out: Sequence[Path] = ()) -> Path:
    """Write ``curves.csv`` from finished runs, and return the file.

    Raises:
        UsageError: Fewer than ``FEWEST_SEEDS`` runs, or the folder cannot be written to.
        CannotJudge: A run holds no curves, or its logs are damaged.
    """
    if len(directories) < FEWEST_SEEDS:
        raise UsageError(f"{len(directories)} seeds are too few for a band.", f"Train at least {FEWEST_SEEDS}.")
    runs = [read_run(directory) for directory in directories]
    for run in runs:
        if not run.curves or run.findings:
            raise CannotJudge(f"The logs of {run.path} are not clean.", "Train that seed again.")
    seeds, failed = (", ".join(path.name.removeprefix("seed-") for path in paths) for paths in (directories, left_out))
    failures = f" Left out, since they do not pass the recipe's criteria: seeds {failed}." if failed else ""
    about = machine.describe()
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions().items() if version)
    return write_curves(
        recipe,
        runs,
        folder,
        f"Seeds {seeds}.{failures} Remade by: rldoctor record {recipe.name}",
        f" on {about['cores']} cores of {about['processor']}, {about['system']}",
        f"Versions: {versions}.",
    )


def write_curves(recipe: Recipe, runs: Sequence[Run], folder: Path, source: str, where: str = "", *more: str) -> Path:
    """Write ``curves.csv``: 5th percentile, median and 95th percentile of each metric that all of ``runs`` have.

    Args:
        recipe: Of the reference.
        runs: Healthy runs.
        folder: Of the reference.
        source: A comment in the file: which runs these are.
        where: Where they were recorded, to follow the date.
        more: Further comments.

    Raises:
        UsageError: The folder cannot be written to.
    """
    path = folder / CURVES_FILE
    comments = [
        f"{recipe.name}: 5th percentile, median and 95th percentile of {len(runs)} healthy runs at each step.",
        source,
        f"Recorded {datetime.now(UTC).date()}{where}.",
        *more,
    ]
    with run_directory.replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in comments)
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("metric", "step", "low", "median", "high"))
        for metric in sorted(set.intersection(*map(_measured, runs)) - _SETTINGS):
            steps, table = stats.align([run.curves[metric] for run in runs], _MOST_POINTS)
            for step, values in zip(steps, table.T, strict=True):
                writer.writerow((metric, int(step), *(f"{number:.6g}" for number in np.quantile(values, _BAND))))
    return path


def _measured(run: Run) -> set[str]:
    return {metric for metric, curve in run.curves.items() if len(curve.finite())}
