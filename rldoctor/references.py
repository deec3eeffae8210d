"""References: known-good trainings, each a recipe with the bands of its healthy runs.

A reference is a folder with ``recipe.toml`` and, once recorded, ``curves.csv``. The shipped ones are in
``reference_curves/``; a user's own are found through the configuration, and any other folder can be named by its path.

Throughout, ``own`` is the folders of the user's own references.
"""

from __future__ import annotations

import csv
import itertools
import operator
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from msgspec import Struct

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.errors import UsageError, near
from rldoctor.model import Band
from rldoctor.recipe import Recipe, recipe_from_mapping

RECIPE_FILE = "recipe.toml"
CURVES_FILE = "curves.csv"


@dataclass(frozen=True)
class Reference:
    """A known-good training: its recipe and the bands of its healthy runs (empty until recorded).

    ``healthy_seeds`` is how many runs the bands are made of, ``failed_seeds`` how many were left out because they did
    not pass the recipe's criteria; 0 where the provenance comments of the curves do not say.
    """

    recipe: Recipe
    bands: Mapping[str, Band]
    folder: Path
    healthy_seeds: int = 0
    failed_seeds: int = 0

    @cached_property
    def starts(self) -> Mapping[str, tuple[float, float]]:
        """The first values of the bands, low and high, by metric."""
        return {metric: (float(band.low[0]), float(band.high[0])) for metric, band in self.bands.items()}

    @cached_property
    def longest_episode(self) -> float | None:
        """The highest mean length of episodes in its band; ``None`` where there is no such band."""
        lengths = self.bands.get("episode_length")
        return None if lengths is None else float(np.fmax.reduce(lengths.high))


@cache
def names() -> tuple[str, ...]:
    """Return the names of the shipped references, sorted."""
    root = datafile.folder("reference_curves")
    return tuple(sorted(path.parent.relative_to(root).as_posix() for path in root.rglob(RECIPE_FILE)))


def own_names(own: Sequence[Path]) -> dict[str, Path]:
    """Return the user's own references by the name in their recipe.

    Raises:
        UsageError: A recipe is not valid, or a name is taken by another reference.
    """
    found: dict[str, Path] = {}
    for folder in own:
        name = load_recipe(str(folder)).name
        other = found.get(name) or (Path("reference_curves", name) if name in names() else None)
        if other is not None:
            raise UsageError(
                f"The reference in {folder} is called {name!r}, like the one in {other}.",
                f"Rename it in {folder / RECIPE_FILE}.",
            )
        found[name] = folder
    return found


def _full_name(name: str, own: Collection[str]) -> tuple[str, list[str]]:
    """Return the reference that a name or its last part means, and all with that last part; empty where none fits."""
    ends = [known for known in (*names(), *own) if known.split("/")[-1] == name]
    # The environment that rldoctor is checked on: its recipes are meant by their last part alone.
    preferred = [known for known in ends if known.startswith("fetch_reach_dense/") and known in names()]
    if name in names() or name in own:
        return name, ends
    fitting = preferred or ends
    return fitting[0] if len(fitting) == 1 else "", ends


def find_folder(name: str, own: Sequence[Path] = ()) -> Path:
    """Return the folder of a reference: a name, its last part where that is unique, or a path.

    ``smoke``, ``quick`` and ``chapter`` alone mean those of ``fetch_reach_dense``.

    Raises:
        UsageError: There is no such reference, or the last part is shared by several.
    """
    if name in names():
        return datafile.folder("reference_curves") / name
    mine = own_names(own)
    found, ends = _full_name(name, mine)
    if found:
        return mine.get(found, datafile.folder("reference_curves") / found)
    path = Path(name)
    if (path.is_file() and path.suffix == ".toml") or (path / RECIPE_FILE).is_file():
        return path
    if ends:
        raise UsageError(f"{name!r} could mean several references.", f"Name one of: {', '.join(ends)}.")
    raise UsageError(f"There is no reference called {name!r}.", near(name, (*names(), *mine)))


def load_recipe(name: str, own: Sequence[Path] = ()) -> Recipe:
    """Read the recipe of a reference.

    Raises:
        UsageError: There is no such reference, or its recipe is not valid.
    """
    return _recipe(find_folder(name, own))


def load_trainable(name: str, own: Sequence[Path] = ()) -> Recipe:
    """Read the recipe of a reference in order to train with it.

    Raises:
        UsageError: As :func:`load_recipe`, or its recipe was read from logs and lacks settings.
    """
    recipe = load_recipe(name, own)
    if recipe.partial:
        raise UsageError(
            f"The recipe {recipe.name} was read from logs, which do not hold all settings: it cannot be trained.",
            f"Add them to {find_folder(name, own) / RECIPE_FILE} and remove 'partial', or name another reference.",
        )
    return recipe


@cache
def _recipe(folder: Path) -> Recipe:
    path = folder if folder.suffix == ".toml" else folder / RECIPE_FILE
    return recipe_from_mapping(datafile.read_toml(path, "recipe"), str(path))


def is_recorded(name: str) -> bool:
    """Return whether a reference has bands."""
    return (find_folder(name) / CURVES_FILE).is_file()


def load(name: str, own: Sequence[Path] = ()) -> Reference:
    """Read a reference with its bands.

    Raises:
        UsageError: There is no such reference, or one of its files is not valid.
    """
    return _reference(find_folder(name, own))


@cache
def shipped() -> tuple[Reference, ...]:
    """Return the shipped references, by name.

    Raises:
        UsageError: One of their files is not valid.
    """
    return tuple(load(name) for name in names())


def load_own(own: Sequence[Path]) -> tuple[Reference, ...]:
    """Read the user's own references, by name.

    Raises:
        UsageError: One of their files is not valid, or a name is taken by another reference.
    """
    return tuple(_reference(folder) for _, folder in sorted(own_names(own).items()))


def named(name: str, own: Sequence[Reference]) -> Reference:
    """Return a reference by its name among ``own``, which are loaded already, or as :func:`load` does.

    Raises:
        UsageError: There is no such reference, or one of its files is not valid.
    """
    known = {reference.recipe.name: reference for reference in own}
    found, _ = _full_name(name, known)
    return known[found] if found in known else load(name, [reference.folder for reference in own])


@cache
def _reference(folder: Path) -> Reference:
    curves = folder / CURVES_FILE
    if not curves.is_file():
        return Reference(_recipe(folder), {}, folder)
    kept = _shipped_curves().get(str(folder)) or _curves(curves)
    bands = {
        metric: Band(metric, np.frombuffer(steps, np.int64), *(np.frombuffer(v, np.float64) for v in values))
        for metric, (steps, *values) in kept.bands.items()
    }
    return Reference(_recipe(folder), bands, folder, *kept.seeds)


class _Curves(Struct, frozen=True):
    """What ``curves.csv`` holds: by metric the steps, the lower ends, the medians and the upper ends of the band."""

    bands: dict[str, tuple[bytes, bytes, bytes, bytes]]
    seeds: tuple[int, int]


def _curves(path: Path) -> _Curves:
    bands = {
        name: (band.steps.tobytes(), band.low.tobytes(), band.median.tobytes(), band.high.tobytes())
        for name, band in read_bands(path).items()
    }
    return _Curves(bands, _seeds(path))


@cache
def _shipped_curves() -> Mapping[str, _Curves]:
    """Return the curves of the shipped references by the folder of each."""
    folders = [datafile.folder("reference_curves") / name for name in names()]

    def read() -> dict[str, _Curves]:
        return {str(folder): _curves(folder / CURVES_FILE) for folder in folders if (folder / CURVES_FILE).is_file()}

    return compiled("curves", dict[str, _Curves], read)


def _seeds(path: Path) -> tuple[int, int]:
    """Return how many runs the bands are made of and how many were left out, from the provenance comments."""
    with path.open(encoding="utf-8", errors="replace") as file:
        comments = " ".join(itertools.takewhile(lambda line: line.startswith("#"), file))
    # "good runs" is what earlier versions wrote for a project's own references.
    healthy = re.search(r" of (\d+) (?:healthy|good) runs", comments)
    failed = re.search(r"do not pass the recipe's criteria: seeds ([\d, ]+)", comments)
    return int(healthy[1]) if healthy else 0, len(re.findall(r"\d+", failed[1])) if failed else 0


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
