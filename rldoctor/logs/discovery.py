"""Find the directories that hold runs: a directory with logs of any format is one run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from rldoctor.errors import UsageError
from rldoctor.logs.formats import formats_of, is_log_file
from rldoctor.logs.formats.tables import is_table
from rldoctor.logs.remote import fetch, is_remote
from rldoctor.run_directory import require


def discover(paths: Sequence[Path | str]) -> list[Path]:
    """Return every directory at or below ``paths`` that holds a run, sorted, each once.

    A run is a directory with logs in one of the formats of :data:`rldoctor.logs.formats.FORMATS`. Supplements (monitor
    files, ``evaluations.npz``) make a run only where nothing else does. A table that is named itself is a run.

    The logs at an address of an object store (``s3://bucket/runs``) are fetched first, and the directories are those
    of their mirror (:mod:`rldoctor.logs.remote`).

    Symbolic links are followed where they are given, not below. A directory below the given ones that cannot be listed
    is returned as well, since it may hold a run: ``read_run`` reports it.

    Raises:
        UsageError: A path does not exist, cannot be read, or is a file that is no log.
    """
    found: dict[tuple[int, int], Path] = {}
    for path in paths:
        remote = isinstance(path, str) and is_remote(path)
        for directory in fetch(str(path)) if remote else _runs_below(_searchable(Path(path))):
            try:
                status = directory.stat()
            except OSError:  # gone since it was listed
                continue
            found.setdefault((status.st_dev, status.st_ino), directory)
    return sorted(found.values())


def _searchable(path: Path) -> Path:
    """Return the directory to search for a path that the user gave, or a table of curves itself."""
    if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises where a part of the path may not be read
        return require(path)
    if is_table(path.name):
        return path
    if is_log_file(path.name):
        return path.parent
    raise UsageError(f"{path} is a file, not a directory.", "Name the directory that holds the event files.")


def _runs_below(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
        return
    unlisted: list[Path] = []
    supplements: list[Path] = []
    found = False
    walk = os.walk(root, onerror=lambda error: unlisted.append(Path(os.fsdecode(error.filename))))
    for directory, folders, files in walk:
        formats = [format_ for format_, _ in formats_of(folders, files)]
        if formats and formats[0].supplement:
            supplements.append(Path(directory))
        elif formats:
            found = True
            yield Path(directory)
            if any(format_.includes_subfolders for format_ in formats):
                folders.clear()
    yield from unlisted
    if not found:
        yield from supplements
