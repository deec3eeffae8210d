"""What every log format is read into: the scalars of a file in flat columns, and what could not be read."""

from __future__ import annotations

import codecs
import errno
import math
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from rldoctor.model import FloatArray, IntArray

Wanted = Callable[[str], bool]
"""Tells whether the points of a tag are kept."""

# Tags that no tag mapping knows are only listed, and a hostile file can hold millions of them.
MAX_UNKNOWN_TAGS = 10_000
# Beyond this a step is not one, and would not fit into an int64 once it is scaled.
LARGEST_STEP = 2**62
# Kept for the message; beyond this issues are only counted.
_MAX_ISSUES = 8
# A table with a million rows of twenty columns.
_MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True)
class ReadIssue:
    """Something in a file that could not be read.

    Attributes:
        kind: ``truncated``, ``corrupt``, ``oversized``, ``too-many-tags``, ``empty``, ``no-metrics`` or ``unreadable``.
        offset: Where it begins, in bytes from the start of the file.
        what: What is wrong there, as the second half of a sentence.
    """

    kind: str
    offset: int
    what: str


@dataclass(slots=True)
class ReadIssues:
    """The first few issues of a file, and the number of each kind in all."""

    first: list[ReadIssue] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, offset: int, what: str) -> None:
        """Add an issue."""
        if kind not in self.counts or len(self.first) < _MAX_ISSUES:
            self.first.append(ReadIssue(kind, offset, what))
        self.counts[kind] = self.counts.get(kind, 0) + 1

    def add_line(self, index: int, count: int, what: str, offset: int = 0) -> None:
        """Add line ``index`` of ``count``: the last one may be half-written, any other is damaged."""
        self.add("truncated" if index == count - 1 else "corrupt", offset, what)

    @classmethod
    def unreadable(cls, error: OSError, verb: str = "read") -> ReadIssues:
        """Return the issue of a file that cannot be opened, or of a folder that cannot be listed."""
        found = cls()
        reason = "it is a loop of symbolic links" if error.errno == errno.ELOOP else (error.strerror or str(error))
        found.add("unreadable", 0, f"cannot be {verb}: {reason.lower()}")
        return found


@dataclass(frozen=True, slots=True)
class LogFile:
    """The scalars of one log file, in the order in which they were written.

    Attributes:
        path: The file.
        size: Bytes of the file when it was opened.
        tags: Known tags; ``tag_ids`` are positions in this tuple.
        tag_ids: Tag of each point, shape ``(n,)``.
        steps: Step of each point, shape ``(n,)``.
        values: Value of each point as logged, shape ``(n,)``.
        purges: ``(position, step)``: a session that began before point ``position`` and replaced all earlier points at
            or after ``step``.
        unknown_tags: Scalar tags that were not wanted, at most ``MAX_UNKNOWN_TAGS``.
        issues: What could not be read.
        first_time: Wall time of the first event with a scalar, seconds since 1970; NaN where there is none.
        last_time: Wall time of the last one.
        grew: The file was appended to while it was read.
        points: Tag to its steps and values, in place of the columns: of a large file whose steps never go back.
        axis: What the steps of a printed log count, where that is not what its tags count; otherwise empty.
        planned: The steps that the training will have, by what a printed log says; 0 where it does not.
        error: What broke the training, in the words of the error that a printed log ends with.
    """

    path: Path
    size: int = 0
    tags: tuple[str, ...] = ()
    tag_ids: NDArray[np.integer[Any]] = field(default_factory=lambda: np.empty(0, np.int32))
    steps: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    values: FloatArray = field(default_factory=lambda: np.empty(0, np.float64))
    purges: tuple[tuple[int, int], ...] = ()
    unknown_tags: tuple[str, ...] = ()
    issues: ReadIssues = field(default_factory=ReadIssues)
    first_time: float = math.nan
    last_time: float = math.nan
    grew: bool = False
    points: Mapping[str, tuple[IntArray, FloatArray]] = field(default_factory=dict)
    axis: str = ""
    planned: int = 0
    error: str = ""

    @property
    def count(self) -> int:
        """The number of points."""
        return len(self.steps) + sum(len(steps) for steps, _ in self.points.values())

    def flat(self) -> LogFile:
        """Return the file with columns, whatever it holds its points in."""
        if not self.points:
            return self
        new = LogFile.from_points(self.path, self.points)
        return replace(self, points={}, tags=new.tags, tag_ids=new.tag_ids, steps=new.steps, values=new.values)

    @classmethod
    def from_points(
        cls,
        path: Path,
        points: Mapping[str, tuple[IntArray, FloatArray]],
        size: int = 0,
        unknown_tags: Sequence[str] = (),
        issues: ReadIssues | None = None,
    ) -> LogFile:
        """Make one of the steps and values of each tag."""
        ids = [np.full(len(steps), place, np.int32) for place, (steps, _) in enumerate(points.values())]
        return cls(
            path,
            size=size,
            tags=tuple(points),
            tag_ids=np.concatenate([np.empty(0, np.int32), *ids]),
            steps=np.concatenate([np.empty(0, np.int64), *(steps for steps, _ in points.values())]),
            values=np.concatenate([np.empty(0, np.float64), *(values for _, values in points.values())]),
            unknown_tags=tuple(unknown_tags),
            issues=issues or ReadIssues(),
        )


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A log format: how its files are found and read.

    Attributes:
        find: Given the names of a directory's folders and files, returns those that hold a run in this format.
        read: Reads these paths of one directory. Never raises for the state or the content of a file.
        supplement: Its files accompany logs of another format and add the metrics that those lack. Alone they make a
            run only where nothing else does.
        shows_training: A supplement whose files alone show a whole training: a folder of them is a run also where
            folders beside it hold other logs.
        last_resort: It is read only where nothing else was logged: what a training printed is a part of its logs.
        includes_subfolders: What lies below a run belongs to it and may be copies of its logs.
        confirm: Whether a file that ``find`` returned is one by its content, for names that anything may have.
        trainings: Sorts the files of one directory by the training that they are of, the earliest training first;
            without it they are all of one.
    """

    find: Callable[[Sequence[str], Sequence[str]], list[str]]
    read: Callable[[Sequence[Path], Wanted], list[LogFile]]
    supplement: bool = False
    shows_training: bool = False
    last_resort: bool = False
    includes_subfolders: bool = False
    confirm: Callable[[Path], bool] | None = None
    trainings: Callable[[Sequence[Path]], list[list[Path]]] | None = None


def by_name(is_one: Callable[[str], bool]) -> Callable[[Sequence[str], Sequence[str]], list[str]]:
    """Return the ``find`` of a format whose files are told apart by their names alone."""
    return lambda folders, files: [name for name in files if is_one(name)]


def one_by_one(read: Callable[[Path, Wanted], LogFile]) -> Callable[[Sequence[Path], Wanted], list[LogFile]]:
    """Return the ``read`` of a format whose files are read independently of each other."""
    return lambda paths, wanted: [read(path, wanted) for path in paths]


def open_log(path: Path, buffering: int = -1) -> BinaryIO:
    """Open a file for reading bytes without waiting: opening a named pipe would otherwise block for ever.

    Raises:
        OSError: It cannot be opened, or is not a plain file.
    """
    file: BinaryIO = open(path, "rb", buffering=buffering, opener=_without_waiting)  # noqa: SIM115  # returned open
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a plain file")
    return file


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def begins_with(path: Path, count: int) -> bytes:
    """Return the first ``count`` bytes of a file, none where it cannot be read."""
    try:
        with open_log(path) as file:
            return file.read(count)
    except OSError:
        return b""


def read_bytes(path: Path) -> tuple[bytes | None, ReadIssues]:
    """Return the content of a file that is read as a whole, ``None`` where it cannot be read, and why."""
    issues = ReadIssues()
    try:
        with open_log(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > _MOST_BYTES:
                issues.add("unreadable", 0, f"has {size} bytes, too many for a table")
                return None, issues
            return file.read(), issues
    except OSError as error:
        return None, ReadIssues.unreadable(error)


def read_text(path: Path) -> tuple[str | None, ReadIssues]:
    """Return the content of a text file, ``None`` where it cannot be read, and why."""
    content, issues = read_bytes(path)
    return None if content is None else decoded(content), issues


def decoded(content: bytes) -> str:
    """Return bytes as text. Spreadsheets write a mark of the byte order first, PowerShell 5 two bytes a character."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if wide else "utf-8-sig", errors="replace")
