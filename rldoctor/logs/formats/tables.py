"""Curves in tables: Stable-Baselines3's ``progress.csv`` and ``progress.json``, and any CSV with a column of steps.

Cells that hold no number are passed over. What is no table at all, or ends in half a row, is told as for event files.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import stat
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rldoctor.logs.formats.tfevents import MAX_UNKNOWN_TAGS, EventFile
from rldoctor.logs.formats.tfrecord import ReadIssues
from rldoctor.model import FloatArray, IntArray

# The first of these columns that is there says at which step a row was written.
STEP_COLUMNS = (
    *("time/total_timesteps", "global_step", "total_timesteps", "timesteps", "env_steps", "num_timesteps"),
    *("step", "steps", "trainer/global_step", "train/global_step", "_step", "Step"),
)
# A million rows of twenty columns; what is larger is no table that a person keeps.
_MOST_BYTES = 512 * 2**20
_LARGEST_STEP = 2**62

Row = Mapping[str, object]
Wanted = Callable[[str], bool]


def read_table(path: Path, wanted: Wanted) -> EventFile:
    """Read what can be read of a CSV or of JSON lines. Never raises for the state or the content of the file.

    Args:
        path: The file; JSON lines by its suffix, a CSV otherwise.
        wanted: Tells whether the points of a column are kept.
    """
    text, troubles = read_text(path)
    if text is None:
        return EventFile(path, troubles=troubles)
    rows = _json_rows(text, troubles) if path.suffix.lower() in (".json", ".jsonl") else _csv_rows(text, troubles)
    return of_rows(path, rows, len(text), wanted, troubles)


def of_rows(
    path: Path, rows: Iterable[Row], size: int, wanted: Wanted, troubles: ReadIssues, column: str = ""
) -> EventFile:
    """Return rows of named cells as the columns of a log file.

    Args:
        path: Where they stood.
        rows: A row a step; cells that hold no number are passed over.
        size: Bytes of the file.
        wanted: Tells whether the points of a column are kept.
        troubles: What was amiss so far; that there is no row, or none with a step, is added.
        column: The column of steps; the first of ``STEP_COLUMNS`` that a row has by default.
    """
    points: dict[str, tuple[array[int], array[float]]] = {}
    unknown: dict[str, None] = {}
    count = 0
    for row in rows:
        count += 1
        column = column or next((name for name in STEP_COLUMNS if name in row), "")
        step = _number(row.get(column))
        if step is None or not 0 <= step < _LARGEST_STEP:
            continue
        for tag, cell in row.items():
            value = _number(cell)
            if value is None or tag == column:
                continue
            if wanted(tag):
                steps, values = points.setdefault(tag, (array("q"), array("d")))
                steps.append(int(step))
                values.append(value)
            elif len(unknown) < MAX_UNKNOWN_TAGS:
                unknown[tag] = None
    if not troubles.counts and not count:
        troubles.add("empty", 0, "holds no row")
    elif count and not column:
        troubles.add("corrupt", 0, f"has no column of steps ({', '.join(STEP_COLUMNS[:3])}, step, ...)")
    arrays = {
        tag: (np.frombuffer(steps, np.int64), np.frombuffer(values, np.float64))
        for tag, (steps, values) in points.items()
    }
    return of_points(path, arrays, size, tuple(unknown), troubles)


def read_text(path: Path) -> tuple[str | None, ReadIssues]:
    """Return the content of a text file, ``None`` where it cannot be read, and why."""
    content, troubles = read_bytes(path)
    # Spreadsheets put a mark before the first column's name.
    return None if content is None else content.decode("utf-8-sig", errors="replace"), troubles


def read_bytes(path: Path) -> tuple[bytes | None, ReadIssues]:
    """Return the content of a file that is read as a whole, ``None`` where it cannot be read, and why."""
    troubles = ReadIssues()
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_BYTES:
                troubles.add("unreadable", 0, f"has {size} bytes, too many for a table")
                return None, troubles
            return file.read(), troubles
    except OSError as error:
        troubles.add("unreadable", 0, f"cannot be read: {(error.strerror or str(error)).lower()}")
        return None, troubles


def open_plain(path: Path) -> BinaryIO:
    """Open a file to read it in bytes, at once: a named pipe would block for ever.

    Raises:
        OSError: It cannot be opened, or is no plain file.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a plain file")
    return file


def of_points(
    path: Path,
    points: Mapping[str, tuple[IntArray, FloatArray]],
    size: int = 0,
    unknown: tuple[str, ...] = (),
    troubles: ReadIssues | None = None,
) -> EventFile:
    """Return points by tag as the columns of a log file."""
    ids = [np.full(len(steps), place, np.int32) for place, (steps, _) in enumerate(points.values())]
    steps = [steps for steps, _ in points.values()]
    values = [values for _, values in points.values()]
    return EventFile(
        path,
        size=size,
        tags=tuple(points),
        tag_ids=np.concatenate([np.empty(0, np.int32), *ids]),
        steps=np.concatenate([np.empty(0, np.int64), *steps]),
        values=np.concatenate([np.empty(0, np.float64), *values]),
        unknown_tags=unknown,
        troubles=troubles or ReadIssues(),
    )


def _csv_rows(text: str, troubles: ReadIssues) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(text, newline=""))
    short: list[str] | None = None
    try:
        header = next(lines, [])
        for cells in lines:
            if short is not None:
                troubles.add("corrupt", 0, _short(short, header))
            short = cells if cells and len(cells) != len(header) else None
            if len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        troubles.add("corrupt", 0, f"is no CSV: {error}")
    if short is not None:
        # A writer that was killed, or is still writing, leaves half a row at the end.
        troubles.add("torn", 0, _short(short, header))


def _short(cells: list[str], header: list[str]) -> str:
    return f"has a row of {len(cells)} cells under {len(header)}"


def _json_rows(text: str, troubles: ReadIssues) -> Iterator[Row]:
    offset = 0
    lines = text.splitlines()
    for place, line in enumerate(lines):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            last = place == len(lines) - 1
            troubles.add("torn" if last else "corrupt", offset, "has a line that is no JSON object")
            row = None
        if isinstance(row, dict):
            yield row
        offset += len(line) + 1


def _number(cell: object) -> float | None:
    """Return a cell as a number; ``None`` for text, an empty cell and a truth value."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def recent_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of each value and the ``window - 1`` before it, of fewer at the beginning; shape ``(n,)``.

    Values that are not finite stay what they are and count in no other's mean.
    """
    whole = np.isfinite(values)
    means: FloatArray = values.astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(values[whole])])
    ends = np.arange(1, len(sums))
    begins = np.maximum(ends - window, 0)
    means[whole] = (sums[ends] - sums[begins]) / (ends - begins)
    return means
