"""Where diagnoses are kept: a database in the user's folder for caches, which any number of processes may use at once.

It holds data alone, checked when it is read. Whatever is wrong with it costs time and never a result: a diagnosis that
cannot be read back is made again.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from rldoctor.caches.folder import cache_folder
from rldoctor.errors import UsageError
from rldoctor.model import RunDiagnosis

NAME = "diagnoses-1.sqlite3"
"""The file; its number is that of its tables."""

# Seconds that one process waits for another that writes.
_PATIENCE = 5.0
# Bytes from which on the diagnoses that were not used for longest are dropped: some 50,000 runs.
_MOST_BYTES = 512 * 2**20
_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, used INTEGER NOT NULL, said BLOB NOT NULL
)"""


class Store:
    """The diagnoses that are kept.

    Args:
        connection: An open database.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def find(self, asked: Mapping[str, str]) -> dict[str, RunDiagnosis]:
        """Return the diagnoses that are kept of runs.

        Args:
            asked: What each run is called, to its fingerprint as it is now.
        """
        found: dict[str, RunDiagnosis] = {}
        with contextlib.suppress(sqlite3.Error):
            for run, fingerprint in asked.items():
                row = self._connection.execute("SELECT fingerprint, said FROM runs WHERE run = ?", (run,)).fetchone()
                if row is not None and row[0] == fingerprint and isinstance(row[1], bytes):
                    with contextlib.suppress(msgspec.MsgspecError, UnicodeDecodeError):
                        found[run] = _decoder().decode(row[1])
        return found

    def keep(self, made: Sequence[tuple[str, str, RunDiagnosis]], used: Sequence[str] = ()) -> None:
        """Keep diagnoses, each with what its run is called and its fingerprint, and note which others were ``used``."""
        now = int(time.time())
        rows = [(run, mark, now, packed) for run, mark, diagnosis in made if (packed := _packed(diagnosis))]
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", rows)
            self._connection.executemany("UPDATE runs SET used = ? WHERE run = ?", [(now, run) for run in used])
            (size,) = self._connection.execute("SELECT sum(length(said)) FROM runs").fetchone()
            if size and size > _MOST_BYTES:
                middle = "SELECT used FROM runs ORDER BY used LIMIT 1 OFFSET (SELECT count(*) / 2 FROM runs)"
                self._connection.execute(f"DELETE FROM runs WHERE used <= ({middle}) AND used < ?", (now,))


def _packed(diagnosis: RunDiagnosis) -> bytes:
    """Return a diagnosis as bytes; none for one that cannot be, as of a path that is not UTF-8."""
    try:
        return msgspec.msgpack.encode(diagnosis)
    except (TypeError, ValueError):
        return b""


@cache
def _decoder() -> msgspec.msgpack.Decoder[RunDiagnosis]:
    return msgspec.msgpack.Decoder(RunDiagnosis)


@contextlib.contextmanager
def open_store() -> Iterator[Store]:
    """Open the diagnoses that are kept, to be closed again.

    Raises:
        UsageError: There is no folder for caches, or it cannot be written to.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = _opened(folder / NAME)
    except (OSError, sqlite3.Error) as error:
        raise UsageError(
            f"The cache {folder} cannot be used: {error}.", "Set $RLDOCTOR_CACHE to a folder, or leave --cache out."
        ) from None
    try:
        yield Store(connection)
    finally:
        connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    """Open the database, an empty one in place of a file that is damaged or none of ours."""
    try:
        return _with_table(path)
    except sqlite3.OperationalError:  # locked, or not to be written: it stays as it is
        raise
    except sqlite3.DatabaseError:
        path.unlink()
        return _with_table(path)


def _with_table(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE)
    try:
        connection.execute(_TABLE)
        connection.execute("SELECT run, fingerprint, used, said FROM runs LIMIT 1").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
