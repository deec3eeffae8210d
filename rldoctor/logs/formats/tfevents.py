"""One TensorBoard event file read into flat columns of scalars.

How its records become points is in :mod:`rldoctor.logs.formats.event_columns`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.event_columns import EventColumns, OrderedColumns
from rldoctor.logs.formats.layouts import read_alike
from rldoctor.logs.formats.log_file import (
    LogFile,
    LogFormat,
    ReadIssues,
    Wanted,
    begins_with,
    by_name,
    open_log,
)
from rldoctor.logs.formats.tfrecord import batches

# Bytes from which on a file's points are sorted by tag while it is read.
_LARGE = 16 * 2**20
# What add_hparams writes is two kilobytes, and as much again for each dozen of settings.
_LARGEST_HPARAMS = 2**20
_HPARAMS = b"_hparams_/"


def is_event_file(name: str) -> bool:
    """Return whether a file is an event file by its name, as TensorBoard does (``IsSummaryEventsFile``)."""
    return "tfevents" in name and not name.endswith(".profile-empty")


def read_event_files(paths: Sequence[Path], wanted: Wanted) -> list[LogFile]:
    """Read the event files of one run, in the order in which they were begun."""
    files = [_read_in_order(path, wanted) or read_alike(path, wanted, read_event_file) for path in paths]
    return sorted(files, key=begun) if len(files) > 1 else files


def begun(file: LogFile) -> tuple[int, float, list[tuple[int, str]]]:
    """Return a key that sorts event files by the second in their name, then by their first point's time, then by name.

    ``events.out.tfevents.<seconds>.<host>.<process>.<count>``: a run may be killed and resumed within one second, and
    the process that resumes it may have the lower number. Numbers in names count as numbers.
    """
    name = file.path.name
    found = re.search(r"tfevents\.(\d+)", name, re.ASCII)
    parts = re.split(r"(\d+)", name, flags=re.ASCII)
    natural = [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]
    # One without points purges what came before it; sorted last of its second it would purge that second's points.
    first = file.first_time if math.isfinite(file.first_time) else -math.inf
    return int(found[1]) if found else 0, first, natural


def read_event_file(path: Path, wanted: Wanted) -> LogFile:
    """Read what can be read of an event file.

    Never raises for the state or the content of the file: ``issues`` holds what could not be read.

    Args:
        path: The file.
        wanted: Tells whether the points of a tag are kept.
    """
    return read_events_from(path, wanted, 0)


def _read_in_order(path: Path, wanted: Wanted) -> LogFile | None:
    """Read a large file whose steps never go back, by tag; ``None`` for any other."""
    try:
        if path.stat().st_size < _LARGE:
            return None
    except OSError:  # reported when it is read
        return None
    columns = OrderedColumns(wanted)
    file = read_events_from(path, wanted, 0, columns)
    return file if columns.in_order else None


def read_events_from(path: Path, wanted: Wanted, start: int, columns: EventColumns | None = None) -> LogFile:
    """Read what can be read of an event file from ``start`` on, where an earlier reading ended between two records."""
    columns = columns or EventColumns(wanted)
    try:
        with open_log(path, buffering=0) as file:

            def read(offset: int, count: int) -> bytes:
                file.seek(offset)
                return file.read(count)

            size = os.fstat(file.fileno()).st_size
            for batch in batches(read, size, columns.issues, start):
                columns.add_batch(batch)
                if not columns.in_order:
                    break
            grew = os.fstat(file.fileno()).st_size > size
    except OSError as error:
        return LogFile(path, issues=ReadIssues.unreadable(error))
    if not size:
        columns.issues.add("empty", 0, "has zero bytes")
    elif not columns.count and not columns.numbers.unknown and not columns.issues.counts:
        columns.issues.add("empty", 0, "holds no scalars")
    return columns.to_file(path, size, grew)


def holds_hparams_alone(path: Path) -> bool:
    """Return whether an event file holds settings of ``add_hparams`` and at most one point of each result."""
    return _is_small(path) and _HPARAMS in begins_with(path, _LARGEST_HPARAMS) and _most_points(path) <= 1


def holds_no_point(path: Path) -> bool:
    """Return whether an event file holds no point."""
    return _is_small(path) and _most_points(path) == 0


def _is_small(path: Path) -> bool:
    try:
        return path.is_file() and 0 < path.stat().st_size <= _LARGEST_HPARAMS
    except OSError:
        return False


def _most_points(path: Path) -> float:
    """Return how many points the tag of an event file has that has most; infinity where it cannot be read."""
    log = read_event_file(path, lambda _: True)
    if log.issues.counts.keys() - {"empty"}:
        return math.inf
    return int(np.bincount(log.tag_ids).max(initial=0))


TFEVENTS = LogFormat(by_name(is_event_file), read_event_files)
