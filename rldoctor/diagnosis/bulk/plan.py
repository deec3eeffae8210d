"""Which folders are searched for runs, each by itself, and the runs that each holds."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rldoctor.errors import UsageError
from rldoctor.logs import discover
from rldoctor.logs.databases import is_database
from rldoctor.logs.discovery import is_link_to_run_elsewhere
from rldoctor.logs.formats import formats_of
from rldoctor.logs.remote import entries, is_remote, list_runs
from rldoctor.run_directory import require

# With fewer folders than this, those of the next floor are listed too, so that many machines can share the search.
_FEW = 64
# Folders of one unit: most hold a run each.
_A_UNIT = 64
# With more folders than this they are no groups of a report.
_MOST_GROUPS = 1_000


class Found(NamedTuple):
    """A run by its folder or address, and the first folder below the named one that it is in."""

    run: str
    folder: str


@dataclass(frozen=True)
class Unit:
    """Folders that one process searches.

    Attributes:
        paths: Folders or addresses.
        folder: The group of their runs.
        roots: What was named on this machine.
        mark: The names in the first folder, by which another machine knows that it sees the same; empty for addresses.
    """

    paths: tuple[str, ...]
    folder: str
    roots: tuple[str, ...] = ()
    mark: str = ""


def plan(names: Sequence[str], marked: bool = False) -> list[Unit]:
    """Return the folders to search at or below ``names``, without looking into each of them.

    A folder is divided into its folders where it holds no log itself. What tells runs apart by comparing folders, such
    as monitor files beside other runs, then works within each of these.

    Args:
        names: Folders, files or addresses of object stores.
        marked: Mark the units for other machines.

    Raises:
        UsageError: A path does not exist or cannot be read.
    """
    names = _without_nested(names)
    roots = tuple(os.path.realpath(name) for name in names if not is_remote(name))
    units: list[Unit] = []
    for name in names:
        folders = _folders_of(name)
        is_grouped = len(folders) <= _MOST_GROUPS
        if not folders:
            units.append(Unit((name,), "", roots))
        grown: dict[str, list[str]] = {}
        for folder in folders:
            below = _folders_of(folder) if len(folders) < _FEW else []
            group = _last(folder) if is_grouped else ""
            grown.setdefault(group, []).extend(below if len(below) >= _FEW else [folder])
        for group, paths in grown.items():
            units += [Unit(tuple(paths[i : i + _A_UNIT]), group, roots) for i in range(0, len(paths), _A_UNIT)]
    if not marked:
        return units
    return [Unit(one.paths, one.folder, one.roots, _mark(one.paths[0])) for one in units]


def list_unit(unit: Unit) -> list[Found]:
    """Return the runs of a unit, sorted.

    Raises:
        UsageError: This machine does not see its folders.
    """
    remote = [path for path in unit.paths if is_remote(path)]
    if remote:
        return [Found(run, unit.folder) for path in remote for run in list_runs(path)]
    if unit.mark and _mark(unit.paths[0]) != unit.mark:
        raise UsageError(
            f"A machine of the cluster does not see {unit.paths[0]}.",
            "Put the runs on a file system that all machines share, or in an object store (s3://bucket/runs).",
        )
    runs = (run for run in discover(unit.paths) if not is_link_to_run_elsewhere(run, unit.paths, unit.roots))
    return [Found(str(run), unit.folder) for run in runs]


def _without_nested(names: Sequence[str]) -> list[str]:
    """Leave out what is named twice, or lies below another."""
    places = {name: name.rstrip("/") if is_remote(name) else os.path.realpath(name) for name in names}
    first = {place: name for name, place in reversed(places.items())}
    return [
        name
        for name, place in places.items()
        if first[place] is name and not any(place.startswith(other + os.sep) for other in first if other != place)
    ]


def _folders_of(name: str) -> list[str]:
    """Return the folders in a folder that may be divided into them; none where it holds logs, or is a file."""
    if is_remote(name):
        folders, files = entries(name)
        return [] if formats_of((), files) else [f"{name.rstrip('/')}/{folder}" for folder in folders]
    path = Path(name)
    if path.is_file():
        return []
    with os.scandir(require(path)) as listed:
        inside = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listed)
    folders, files = [n for n, is_folder in inside if is_folder], [n for n, is_folder in inside if not is_folder]
    has_logs = formats_of(folders, files, path) or any(is_database(path / n) for n in files if n.endswith(".db"))
    return [] if has_logs else [str(path / folder) for folder in folders]


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/" if is_remote(path) else os.sep)[2]


def _mark(path: str) -> str:
    if is_remote(path):
        return ""
    try:
        return repr(sorted(_names(path)))
    except OSError:
        return "unreadable"


def _names(path: str) -> Iterator[str]:
    if Path(path).is_file():
        yield _last(path)
        return
    with os.scandir(path) as listed:
        yield from (entry.name for entry in listed)
