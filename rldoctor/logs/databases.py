"""Runs in a database of one file: MLflow's SQLite store (``mlflow.db``, its default since 3.7) and trackio's.

One file holds many runs. Each is written out as a table of its metrics to the cache, as runs of object stores are, and
is called ``sqlite://FILE/RUN`` in reports. The database is opened for reading alone; nothing in it is executed.
Sources: mlflow/store/tracking/dbmodels/models.py; trackio/sqlite_storage.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rldoctor import datafile
from rldoctor.caches.folder import cache_folder
from rldoctor.errors import UsageError
from rldoctor.logs.formats.log_file import LARGEST_STEP, begins_with

if TYPE_CHECKING:
    import sqlite3

_MAGIC = b"SQLite format 3\0"
_SUFFIXES = (".db", ".sqlite", ".sqlite3")
# What MLflow stores for infinity, which some databases cannot hold.
_LARGEST = 1.7976931348623157e308
_TABLE = "progress.json"
# More would be no training's.
_MOST_POINTS = 5_000_000
_MLFLOW = """
SELECT m.run_uuid, m.step, m.key, m.value, m.is_nan FROM metrics m JOIN runs r ON r.run_uuid = m.run_uuid
WHERE r.lifecycle_stage = 'active' ORDER BY m.run_uuid, m.step, m.timestamp"""
# Runs may share a name; each has an id of its own since some version before 0.43.
_TRACKIO = "SELECT run_name, {id}, step, metrics FROM metrics ORDER BY id"


def is_database(path: Path) -> bool:
    """Return whether a file is a database by its name and its first bytes."""
    return path.suffix.lower() in _SUFFIXES and begins_with(path, len(_MAGIC)) == _MAGIC


def unpack(path: Path) -> list[Path]:
    """Write the runs of a database to the cache, and return their folders, sorted; none where it holds no run.

    Raises:
        UsageError: It cannot be read, or the cache cannot be written to.
    """
    import sqlite3  # Late: few logs are databases.

    whole = path.resolve()
    place = (cache_folder() / "remote" / "sqlite").joinpath(*whole.parts[1:])
    try:
        runs = dict(_runs(whole))
    except sqlite3.Error as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", "Copy it while nothing writes to it, and name the copy."
        ) from None
    found = []
    for name, rows in runs.items():
        folder = place / _as_name(name)
        text = "".join(json.dumps({"step": step, **values}) + "\n" for step, values in sorted(rows.items()))
        _write(folder / _TABLE, text)
        found.append(folder)
    return sorted(found)


def _runs(path: Path) -> Iterator[tuple[str, dict[int, dict[str, float]]]]:
    """Yield the name of each run, and its metrics by step."""
    import sqlite3  # Late, as above.

    found: dict[str, dict[int, dict[str, float]]] = {}
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(metrics)")}
        if {"run_uuid", "key", "value", "step"} <= columns:
            points = _of_mlflow(connection)
        elif {"run_name", "step", "metrics"} <= columns:
            points = _of_trackio(connection, "run_id" if "run_id" in columns else "run_name")
        else:
            points = iter(())
        for count, (name, step, tag, value) in enumerate(points):
            if count >= _MOST_POINTS:
                break
            if 0 <= step < LARGEST_STEP:
                found.setdefault(name, {}).setdefault(step, {})[tag] = value
    finally:
        connection.close()
    yield from found.items()


def _of_mlflow(connection: sqlite3.Connection) -> Iterator[tuple[str, int, str, float]]:
    for run, step, key, value, is_nan in connection.execute(_MLFLOW):
        if not (isinstance(step, int) and isinstance(value, (int, float))):
            continue
        number = math.nan if is_nan else float(value)
        if abs(number) >= _LARGEST:
            number = math.copysign(math.inf, number)
        yield str(run), step, str(key), number


def _of_trackio(connection: sqlite3.Connection, column: str) -> Iterator[tuple[str, int, str, float]]:
    first: dict[str, str] = {}
    for name, run_id, step, text in connection.execute(_TRACKIO.format(id=column)):
        run = str(name) if first.setdefault(str(name), run_id) == run_id else f"{name}-{str(run_id)[:8]}"
        try:
            row: Any = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            continue
        for key, value in row.items() if isinstance(row, dict) and isinstance(step, int) else ():
            number = _number(value)
            if number is not None:
                yield run, step, str(key), number


def _number(value: Any) -> float | None:
    """Return a number; trackio writes those that are not finite as texts."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _as_name(name: str) -> str:
    """Return a name that a folder can have."""
    return re.sub(r"[^\w.+=-]", "_", name).strip(".")[:120] or "run"


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with datafile.replacing(place) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"The cache {place.parent} cannot be written to: {error.strerror}.", "Set $RLDOCTOR_CACHE to a folder."
        ) from None
