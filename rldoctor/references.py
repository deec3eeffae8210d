"""References: known-good patients, each a recipe with the bands of its healthy runs.

A reference is a folder with ``recipe.toml`` and, once recorded, ``curves.csv``. The shipped ones stand in
``reference_curves/``; any other folder can be named by its path.
"""

from __future__ import annotations

import csv
import operator
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rldoctor import shipped
from rldoctor.errors import UsageError
from rldoctor.model import FloatArray, IntArray
from rldoctor.recipe import Recipe, near, recipe_from_mapping

RECIPE_FILE = "recipe.toml"
CURVES_FILE = "curves.csv"


@dataclass(frozen=True)
class Band:
    """What a metric does on healthy runs: 5th, 50th, 95th percentile over seeds at each step, shape ``(n,)`` each."""

    metric: str
    steps: IntArray
    low: FloatArray
    median: FloatArray
    high: FloatArray


@dataclass(frozen=True)
class Reference:
    """A known-good patient: its recipe and the bands of its healthy runs (empty until recorded)."""

    recipe: Recipe
    bands: Mapping[str, Band]
    folder: Path


@cache
def names() -> tuple[str, ...]:
    """Return the names of the shipped references, sorted."""
    root = shipped.folder("reference_curves")
    return tuple(sorted(path.parent.relative_to(root).as_posix() for path in root.rglob(RECIPE_FILE)))


def find_folder(name: str) -> Path:
    """Return the folder of a reference: a shipped name, its last part where that is unique, or a path.

    ``quick`` and ``chapter`` alone mean those of ``fetch_reach_dense``, the truth serum.

    Raises:
        UsageError: There is no such reference, or the last part is shared by several.
    """
    root = shipped.folder("reference_curves")
    if name in names():
        return root / name
    matches = [known for known in names() if known.split("/")[-1] == name]
    preferred = [known for known in matches if known.startswith("fetch_reach_dense/")]
    if len(preferred or matches) == 1:
        return root / (preferred or matches)[0]
    path = Path(name)
    if path.is_file() and path.suffix == ".toml":
        return path
    if (path / RECIPE_FILE).is_file():
        return path
    if matches:
        raise UsageError(f"{name!r} could mean several references.", f"Name one of: {', '.join(matches)}.")
    raise UsageError(f"There is no reference called {name!r}.", near(name, names()))


@cache
def load_recipe(name: str) -> Recipe:
    """Read the recipe of a reference.

    Raises:
        UsageError: There is no such reference, or its recipe is not valid.
    """
    folder = find_folder(name)
    path = folder if folder.suffix == ".toml" else folder / RECIPE_FILE
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"The recipe {path} cannot be read: {error}.") from error
    return recipe_from_mapping(data, str(path))


def is_recorded(name: str) -> bool:
    """Tell whether a reference has bands."""
    return (find_folder(name) / CURVES_FILE).is_file()


@cache
def load(name: str) -> Reference:
    """Read a reference with its bands.

    Raises:
        UsageError: There is no such reference, or one of its files is not valid.
    """
    folder = find_folder(name)
    curves = folder / CURVES_FILE
    return Reference(load_recipe(name), read_bands(curves) if curves.is_file() else {}, folder)


def read_bands(path: Path) -> dict[str, Band]:
    """Read ``curves.csv``: columns metric, step, low, median, high; lines that begin with ``#`` are provenance.

    Raises:
        UsageError: The file is not such a table.
    """
    points: dict[str, list[tuple[int, float, float, float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(line for line in file if not line.startswith("#"))
            places = operator.itemgetter(*map(next(rows, []).index, ("metric", "step", "low", "median", "high")))
            for row in rows:
                metric, step, low, median, high = places(row)
                points.setdefault(metric, []).append((int(step), float(low), float(median), float(high)))
    except (OSError, UnicodeDecodeError, IndexError, ValueError, csv.Error) as error:
        raise UsageError(f"The reference curves {path} cannot be read: {error!r}.", "Record them again.") from error
    return {metric: _band(metric, rows) for metric, rows in points.items()}


def _band(metric: str, rows: list[tuple[int, float, float, float]]) -> Band:
    steps = np.array([row[0] for row in rows], dtype=np.int64)
    low, median, high = (np.array([row[i] for row in rows], dtype=np.float64) for i in (1, 2, 3))
    return Band(metric, steps, low, median, high)
