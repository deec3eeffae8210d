"""What a diagnosis was made from: this build, and every file in and around a run that could have had a say in it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from rldoctor.caches import compiled
from rldoctor.settings.find import Finder
from rldoctor.settings.library import libraries

# A run with more files and folders is read each time.
_MOST_ENTRIES = 2_000
_SETTLED = compiled.SETTLED


class Fingerprints:
    """Takes fingerprints of runs.

    Args:
        asked: What else the diagnoses depend on.
    """

    def __init__(self, *asked: str) -> None:
        self._common = "\n".join((_build(), *asked))
        self._outside = [(p, library.prefer) for library in libraries() for p in library.files if p.startswith("..")]

    def of(self, directory: Path) -> str | None:
        """Return the fingerprint of a run; ``None`` for one that cannot have any.

        That is a run that is a file, has very many files, links to folders or what cannot be listed, or has changed so
        lately that it could change again without a trace.
        """
        try:
            found = sorted(_entries(str(directory), directory.is_dir()))
            # Settings may stand beside the run's folder.
            finder = Finder(directory)
            for pattern, prefer in self._outside:
                path = finder.find(pattern, prefer)
                found += [] if path is None else [_entry(str(path), path.stat())]
        except OSError:
            return None
        if not found or len(found) > _MOST_ENTRIES:
            return None
        if time.time_ns() - max(changed for _, _, changed, _ in found) < _SETTLED:
            return None
        return hashlib.sha256(f"{self._common}\n{found!r}".encode("utf-8", "surrogateescape")).hexdigest()


_Entry = tuple[str, int, int, int]


def _entry(path: str, status: os.stat_result) -> _Entry:
    # The time of the inode's change as well, which no program sets back.
    return path, status.st_size, max(status.st_mtime_ns, status.st_ctime_ns), status.st_ino


def _entries(folder: str, is_folder: bool) -> Iterator[_Entry]:
    """Yield all files and folders below one; the caller stops at :data:`_MOST_ENTRIES`.

    Raises:
        OSError: One cannot be listed, is a link to a folder, or there are too many.
    """
    if not is_folder:
        raise NotADirectoryError(folder)
    folders, count = [folder], 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                count += 1
                if count > _MOST_ENTRIES:
                    raise OSError("too many")
                yield _entry(entry.path, entry.stat())
                if entry.is_dir():
                    if entry.is_symlink():
                        raise OSError("a link to a folder")
                    folders.append(entry.path)


@cache
def _build() -> str:
    """Return what tells this build from another one, a checkout that was edited included."""
    return f"{compiled.build()[0]} {np.__version__}"
