"""Event files that differ in times, values and checksums alone, as those of the runs of a sweep do.

At which steps such a file holds which tags was found out of another one. What is left to do is to see that all other
bytes are the same, to prove the checksums, and to take the values from their places.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rldoctor.logs.formats.checksums import FOOT, unaligned, wrong_checksums
from rldoctor.logs.formats.event_columns import is_version
from rldoctor.logs.formats.log_file import LogFile, ReadIssues, Wanted, open_log
from rldoctor.logs.formats.scalar_events import OTHER, decode
from rldoctor.logs.formats.tfrecord import batches
from rldoctor.model import FloatArray, IntArray

# Bytes of the largest file whose layout is kept, and how many sizes of files are remembered.
_LARGEST, _MOST_SIZES = 2**20, 32

Read = Callable[[Path, Wanted], LogFile]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Layout:
    """What all files say that differ in times, values and checksums alone, and where these are.

    Attributes:
        starts: Where the data of each record begins, shape ``(records,)``.
        ends: Where it ends.
        fixed: 255 for each byte that is the same in all of the files, 0 for the others.
        same: Those bytes, and zeros for the others.
        values: Where the values are, tag by tag.
        tags: Each tag to its steps, and to those of the values that are its own.
        times: Where the wall times of the first and of the last point are.
        unknown_tags: Scalar tags that were not wanted.
    """

    starts: IntArray
    ends: IntArray
    fixed: Bytes
    same: Bytes
    values: IntArray
    tags: dict[str, tuple[IntArray, slice]]
    times: IntArray
    unknown_tags: tuple[str, ...]

    def fits(self, content: bytes) -> bool:
        """Return whether a file is one of these, and its checksums are right."""
        if not np.array_equal(np.frombuffer(content, np.uint8) & self.fixed, self.same):
            return False
        return not wrong_checksums(content, self.starts, self.ends)

    def file(self, path: Path, content: bytes) -> LogFile:
        """Return what is in a file that fits."""
        values: FloatArray = unaligned(content, "<f4")[self.values].astype(np.float64)
        first_time, last_time = unaligned(content, "<f8")[self.times].tolist()
        return LogFile(
            path,
            len(content),
            tuple(self.tags),
            unknown_tags=self.unknown_tags,
            first_time=first_time,
            last_time=last_time,
            points={tag: (steps, values[own]) for tag, (steps, own) in self.tags.items()},
        )

    @classmethod
    def of(cls, content: bytes, file: LogFile) -> Layout | None:
        """Return the layout of a file that was read as ``file``; ``None`` where other bytes than these tell its points.

        Those are files with damages, with points out of order, or with events that are no plain scalars.
        """
        issues = ReadIssues()
        found = [*batches(lambda at, count: content[at : at + count], len(content), issues)]
        if len(found) != 1 or issues.counts or file.issues.counts or file.purges or not file.count or file.grew:
            return None
        (batch,) = found
        numbers = defaultdict(lambda: -1, {tag.encode(): number for number, tag in enumerate(file.tags)})
        plain = decode(batch, numbers)
        ids, steps, starts, ends = plain.tag_ids, plain.steps, batch.starts, batch.ends
        if not all(is_version(content[starts[i] : ends[i]]) for i in np.flatnonzero(ids == OTHER)):
            return None
        kept = np.flatnonzero(ids >= 0)
        order = kept[np.argsort(ids[kept], kind="stable")]
        ids, steps = ids[order], steps[order]
        begins = np.flatnonzero(np.diff(ids)) + 1
        later = np.diff(steps) > 0
        later[begins - 1] = True
        if not later.all():
            return None
        fixed = np.full(len(content), 255, np.uint8)
        unaligned(fixed, "<u8")[starts + 1] = 0
        unaligned(fixed, "<u4")[ends] = 0
        unaligned(fixed, "<u4")[ends[plain.tag_ids != OTHER] - FOOT] = 0
        bounds = [*pairwise([0, *begins.tolist(), len(order)])]
        # Tags of the same steps share them.
        shared = {steps[a:b].tobytes(): steps[a:b] for a, b in bounds}
        return cls(
            starts,
            ends,
            fixed,
            np.frombuffer(content, np.uint8) & fixed,
            ends[order] - FOOT,
            {file.tags[ids[a]]: (shared[steps[a:b].tobytes()], slice(a, b)) for a, b in bounds},
            starts[kept[[0, -1]]] + 1,
            file.unknown_tags,
        )


# By size, and by what is wanted: a layout, or whether it is worth while to look for one when such a file comes again.
_known: dict[tuple[int, Wanted], Layout | bool] = {}


def read_alike(path: Path, wanted: Wanted, read: Read) -> LogFile:
    """Return what ``read`` does of an event file, in less time where others like it have been read."""
    try:
        key = path.stat().st_size, wanted
    except OSError:  # reported when it is read
        return read(path, wanted)
    layout = _known.get(key)
    if isinstance(layout, Layout):
        content = _content(path)
        if layout.fits(content):
            return layout.file(path, content)
    file = read(path, wanted)
    if layout is None and key[0] <= _LARGEST:
        if len(_known) >= _MOST_SIZES:
            _known.clear()
        _known[key] = True
    elif layout is True:
        # Of runs that are each of their own kind, two have hardly ever the same size.
        _known[key] = Layout.of(_content(path), file) or False
    return file


def _content(path: Path) -> bytes:
    """Return what is in a file; nothing where that cannot be read, or is still being written."""
    try:
        with open_log(path, buffering=0) as opened:
            content = opened.read(os.fstat(opened.fileno()).st_size)
            return content if os.fstat(opened.fileno()).st_size == len(content) else b""
    except OSError:
        return b""
