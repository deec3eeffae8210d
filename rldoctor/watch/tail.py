"""Log files followed as they grow: what was read once is not read again, and memory is bounded."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rldoctor.logs.formats import formats_of
from rldoctor.logs.formats.log_file import LogFile, ReadIssues, Wanted, open_log
from rldoctor.logs.formats.tables import RLLIB, TAB_SEPARATED, TABLES, Row, delimiter_of, flat_row, is_json, read_rows
from rldoctor.logs.formats.tfevents import TFEVENTS, begun, read_events_from
from rldoctor.logs.series import Series

# Bytes of a table that are read at once.
_CHUNK = 8 * 2**20
# The last bytes that were read, which are still there if the file has only grown.
_MARK = 64


class Tail:
    """One log file that grows.

    Args:
        path: The file.
        wanted: Tells whether the points of a tag are kept.
    """

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self.path, self._wanted = path, wanted
        self.restarts = 0
        """How often the log began again, in this file or in a new one of its name: what was there is another run's."""
        self._reset()

    def _reset(self) -> None:
        self._at = 0
        self._series: dict[str, Series] = {}
        self._purged: int | None = None
        self._unknown: dict[str, None] = {}
        self._issues = ReadIssues()
        self.first_time = self.last_time = math.nan
        self._mark = b""
        self._looked_at = (0, 0, 0)

    @property
    def points(self) -> int:
        """Points of the longest tag."""
        return max(map(len, self._series.values()), default=0)

    @property
    def step(self) -> int:
        """The last step; 0 before there is any."""
        return max((series.steps[-1] for series in self._series.values() if len(series)), default=0)

    def poll(self) -> bool:
        """Read what was added since the last time, and return whether anything was."""
        try:
            status = self.path.stat()
        except OSError:  # it has gone: what was read stays
            return False
        size, seen = status.st_size, (status.st_size, status.st_mtime_ns, status.st_ino)
        if seen == self._looked_at:
            return False
        if size < self._at or self._marked() != self._mark:
            # It was written anew. Stable-Baselines3 does that too, with the same rows, where a column is added.
            self._reset()
            self.restarts += 1
        self._looked_at = seen
        if size == self._at:
            return False
        before = self._at
        new = self._read(size)
        if not new.issues.counts.keys() <= {"truncated", "empty"}:
            for issue in new.issues.first:
                if issue.kind not in ("truncated", "empty"):
                    self._issues.add(issue.kind, issue.offset, issue.what)
        self._add(new)
        self._mark = self._marked()
        return self._at > before

    def _marked(self) -> bytes:
        """Return the bytes before the place up to which the file was read."""
        try:
            with open_log(self.path, buffering=0) as file:
                file.seek(max(0, self._at - _MARK))
                return file.read(min(self._at, _MARK))
        except OSError:
            return self._mark

    def _read(self, size: int) -> LogFile:
        raise NotImplementedError

    def _add(self, new: LogFile) -> None:
        if new.purges:
            step = min(step for _, step in new.purges)
            self._purged = step if self._purged is None else min(self._purged, step)
            for series in self._series.values():
                series.cut(step)
        self._unknown |= dict.fromkeys(new.unknown_tags)
        if math.isnan(self.first_time):
            self.first_time = new.first_time
        if not math.isnan(new.last_time):
            self.last_time = new.last_time
        for tag, step, value in zip(new.tag_ids.tolist(), new.steps.tolist(), new.values.tolist(), strict=True):
            series = self._series.setdefault(new.tags[tag], Series())
            if len(series) and step < series.steps[-1]:
                # Only the last run of a file is kept (rldoctor.logs.merge).
                self._series = {new.tags[tag]: (series := Series())}
                self.restarts += 1
            series.add(step, value)

    def log_file(self) -> LogFile:
        """Return the points so far, as reading the whole file would."""
        points = {tag: series.points() for tag, series in self._series.items() if len(series)}
        file = LogFile.from_points(self.path, points, self._at, tuple(self._unknown), self._issues)
        purges = ((0, self._purged),) if self._purged is not None else ()
        return LogFile(
            **{name: getattr(file, name) for name in LogFile.__slots__}
            | {"purges": purges, "first_time": self.first_time, "last_time": self.last_time}
        )


class EventTail(Tail):
    """A TensorBoard event file."""

    def _read(self, _size: int) -> LogFile:
        new = read_events_from(self.path, self._wanted, self._at)
        cut = [issue.offset for issue in new.issues.first if issue.kind == "truncated"]
        # A record that is not whole yet is read when it is.
        self._at = cut[-1] if cut else max(new.size, self._at)
        return new


class TableTail(Tail):
    """A table of which lines are added: ``progress.csv``, ``progress.json``, ``progress.txt``, ``result.json``."""

    def _reset(self) -> None:
        super()._reset()
        self._header: list[str] = []
        self._delimiter = ""

    def _read(self, size: int) -> LogFile:
        try:
            with open_log(self.path) as file:
                file.seek(self._at)
                content = file.read(min(size - self._at, _CHUNK))
        except OSError as error:
            return LogFile(self.path, issues=ReadIssues.unreadable(error))
        whole = content[: content.rfind(b"\n") + 1]
        self._at += len(whole)
        rows = [row for line in whole.decode("utf-8-sig", errors="replace").splitlines() if (row := self._row(line))]
        return read_rows(self.path, rows, len(whole), self._wanted, ReadIssues())

    def _row(self, line: str) -> Row | None:
        if is_json(self.path):
            try:
                row = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError):
                self._issues.add("corrupt", self._at, "has a line that is no JSON object")
                return None
            return flat_row(row) if isinstance(row, dict) else None
        self._delimiter = self._delimiter or delimiter_of(line)
        cells = next(csv.reader(io.StringIO(line), delimiter=self._delimiter), [])
        if not self._header:
            self._header = cells
            return None
        return dict(zip(self._header, cells, strict=True)) if len(cells) == len(self._header) else None


def tails_of(directory: Path, wanted: Wanted, known: Mapping[Path, Tail]) -> list[Tail] | None:
    """Return the followed files of a run's main format; ``None`` where that format has to be read as a whole.

    Args:
        directory: The run; or a table that is one itself.
        wanted: Tells whether the points of a tag are kept.
        known: Those that are followed already.
    """
    if directory.is_file():
        return None
    _, folders, files = next(os.walk(directory), ("", [], []))
    kinds: Sequence[tuple[object, Callable[[Path, Wanted], Tail]]] = (
        (TFEVENTS, EventTail),
        (RLLIB, TableTail),
        (TABLES, TableTail),
        (TAB_SEPARATED, TableTail),
    )
    for format_, names in formats_of(sorted(folders), sorted(files), directory):
        if format_.supplement:
            continue
        make = next((make for kind, make in kinds if kind is format_), None)
        if make is None:
            return None
        paths: dict[tuple[int, int], Path] = {}
        for path in sorted((directory / name for name in names), key=os.path.islink):
            try:
                status = path.stat()
            except OSError:
                continue
            paths.setdefault((status.st_dev, status.st_ino), path)
        return [known.get(path) or make(path, wanted) for path in sorted(paths.values())]
    return None


def step_of(tails: Sequence[Tail]) -> int:
    """Return the last step of a run's files, but for those that had ended when the last one began."""
    begun = max((tail.first_time for tail in tails if tail.points and math.isfinite(tail.first_time)), default=math.nan)
    return max((tail.step for tail in tails if not tail.last_time < begun), default=0)


def in_order(tails: Sequence[Tail]) -> list[LogFile]:
    """Return what followed files hold, in the order in which they were begun."""
    files = [tail.log_file() for tail in tails]
    return sorted(files, key=begun) if all(isinstance(tail, EventTail) for tail in tails) else files
