"""Where the settings files of a run are: patterns of paths, matched against listings that runs side by side share."""

from __future__ import annotations

import fnmatch
import os
import re
import time
from collections.abc import Collection, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

# A folder with more entries than this is no run directory, and is not searched for folders with settings.
_MOST_ENTRIES = 1_000
# Nanoseconds after which the time of a folder's last change tells whether it has changed again: file systems count in
# steps of up to two seconds.
_SETTLED = 3 * 10**9
_Entries = Mapping[str, os.DirEntry[str]]


class _Part(NamedTuple):
    """One part of a pattern between slashes, and what names it fits, ``None`` for a name as it stands."""

    text: str
    fits: re.Pattern[str] | None

    def among(self, entries: _Entries) -> list[str]:
        """Return which of the names in a folder fit."""
        if self.fits is None:
            return [self.text] if self.text in entries else []
        return [*filter(self.fits.match, entries)]


@cache
def _parts(pattern: str) -> tuple[_Part, ...]:
    return tuple(
        _Part(text, re.compile(fnmatch.translate(text)) if any(mark in text for mark in "*?[") else None)
        for text in pattern.split("/")
    )


class Needed(NamedTuple):
    """The names that must be in a run's folder, and in the one above, for a pattern to fit; empty where any may do."""

    here: str
    above: str


@cache
def needed(pattern: str) -> Needed:
    """Return which names a pattern needs."""
    first, *others = [part.text if part.fits is None else "" for part in _parts(pattern)]
    if first != "..":
        return Needed(first, "")
    return Needed("", others[0] if others[0] != ".." else "")


class Finder:
    """Finds settings files in and around one directory, whose folders are listed once.

    Args:
        directory: The run.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)
        self._above = ""
        self._listed: dict[str, _Entries] = {}

    def names(self) -> Collection[str]:
        """Return the names in the directory."""
        return self._entries(self._directory, False).keys()

    def names_above(self) -> Collection[str] | None:
        """Return the names in the folder above; ``None`` where it has only just changed."""
        above = os.path.dirname(self._absolute())  # noqa: PTH120
        return None if _settled(above) is None else self._entries(above, True).keys()

    def find(self, pattern: str, prefer: Sequence[str]) -> Path | None:
        """Return the file that a pattern means; ``None`` where there is none, or where it cannot be told.

        Args:
            pattern: As :class:`~rldoctor.settings.library.Library` describes it.
            prefer: Names of files to prefer where several fit.
        """
        *parents, last = _parts(pattern)
        folder, outside = self._directory, False
        for part in parents:
            if part.text == "..":
                folder, outside = os.path.dirname(folder if outside else self._absolute()), True  # noqa: PTH120
                continue
            fits, entries = self._among(part, folder, outside)
            if part.text == "*":
                folders = [fit for fit in fits if _is_folder(entries[fit])]
                fits = [fit for fit in folders if self._among(last, f"{folder}/{fit}", outside)[0]]
            # Of several folders none can be told to be this run's.
            if len(fits) != 1:
                return None
            folder = f"{folder}/{fits[0]}"
        found, entries = self._among(last, folder, outside)
        if len(found) > 1:
            ranks = {wanted: place for place, wanted in enumerate(prefer)}
            # The newest model; of event files the first, which states the settings.
            newest = last.text.endswith(".zip")

            def rank(name: str) -> tuple[int, float, str]:
                return ranks.get(name, len(ranks)), -_changed(entries[name]) if newest else 0.0, name

            found.sort(key=rank)
        return Path(folder, found[0]) if found else None

    def _absolute(self) -> str:
        self._above = self._above or str(Path(self._directory).absolute())
        return self._above

    def _among(self, part: _Part, folder: str, outside: bool) -> tuple[list[str], _Entries]:
        """Return which names in a folder fit a part of a pattern, and the entries that they are among.

        A folder above that has just changed cannot be remembered, and may have one entry for each run.
        """
        if outside and part.fits is None and folder not in self._listed and _settled(folder) is None:
            return ([part.text] if os.path.lexists(f"{folder}/{part.text}") else []), {}
        entries = self._entries(folder, outside)
        return part.among(entries), entries

    def _entries(self, folder: str, shared: bool) -> _Entries:
        if folder not in self._listed:
            changed = _settled(folder) if shared else None
            self._listed[folder] = _listing(folder) if changed is None else _remembered(folder, changed)
        return self._listed[folder]


def _settled(folder: str) -> int | None:
    """Return when a folder changed last, in nanoseconds; ``None`` where there is none, or it has only just changed."""
    try:
        changed = os.stat(folder).st_mtime_ns  # noqa: PTH116
    except OSError:
        return None
    return changed if time.time_ns() - changed > _SETTLED else None


@lru_cache(maxsize=16)
def _remembered(folder: str, _changed: int) -> _Entries:
    return _listing(folder)


def _listing(folder: str) -> _Entries:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry, _ in zip(entries, range(_MOST_ENTRIES), strict=False)}
    except OSError:
        return {}


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a loop of symbolic links
        return False


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0
