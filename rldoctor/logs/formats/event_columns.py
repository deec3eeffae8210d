"""The points of an event file as its records come, tags as numbers.

What is no plain scalar is parsed by TensorBoard's compiled protobuf classes, which need neither TensorFlow nor PyTorch.
Source of the fields: tensorflow/core/util/event.proto and tensorflow/core/framework/{summary,tensor}.proto.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor.logs.formats.checksums import HEAD
from rldoctor.logs.formats.log_file import MAX_UNKNOWN_TAGS, LogFile, ReadIssues, Wanted
from rldoctor.logs.formats.ordered_points import OrderedPoints
from rldoctor.logs.formats.scalar_events import OTHER, Plain, decode
from rldoctor.logs.formats.tfrecord import Batch
from rldoctor.model import FloatArray, IntArray

# Of one file; some 3 seconds of asking whether they are known. No framework logs so many.
_MOST_TAGS = 100_000
# What is longer is no tag of a framework, and a hostile one may have megabytes.
_LONGEST_TAG, _SHOWN_OF_A_TAG = 1_000, 100

# DataType numbers of tensor.proto: the field that holds small tensors, and the numpy type of tensor_content.
_DTYPES = {
    1: ("float_val", "<f4"),
    2: ("double_val", "<f8"),
    3: ("int_val", "<i4"),
    4: ("int_val", "u1"),
    5: ("int_val", "<i2"),
    6: ("int_val", "i1"),
    9: ("int64_val", "<i8"),
    10: ("bool_val", "?"),
    17: ("int_val", "<u2"),
    19: ("half_val", "<f2"),
    22: ("uint32_val", "<u4"),
    23: ("uint64_val", "<u8"),
}
_HALF = 19
# Fewer points than this are collected before they become an array.
_SMALL = 32
# So many points of a large file are sorted by tag at a time.
_AT_A_TIME = 2**17


class _Numbers(dict[bytes, int]):
    """A number for each tag in UTF-8: its place in ``tags``, -1 for one that is not wanted."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__()
        self._wanted = wanted
        self.tags: list[str] = []
        self.unknown: list[str] = []
        # The limit is reached: no new tag is taken.
        self.full = False

    def __missing__(self, tag: bytes) -> int:
        if len(self) >= _MOST_TAGS:
            self.full = True
            return -1
        try:
            text = tag.decode()
        except UnicodeDecodeError:
            return OTHER
        if len(tag) > _LONGEST_TAG:
            if len(self.unknown) < MAX_UNKNOWN_TAGS:
                self.unknown.append(f"{text[:_SHOWN_OF_A_TAG]}...")
            return -1
        if self._wanted(text):
            self[tag] = len(self.tags)
            self.tags.append(text)
            return self[tag]
        if len(self.unknown) < MAX_UNKNOWN_TAGS:
            self.unknown.append(text)
        self[tag] = -1
        return -1


class EventColumns:
    """The points of a file as they come, tags as numbers.

    Attributes:
        numbers: A number for each tag.
        issues: What could not be read.
        count: Points so far.
        in_order: Whether this way of collecting points is still the right one.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.numbers = _Numbers(wanted)
        self.issues = ReadIssues()
        self.count = 0
        # What is finished, and the points after it that came one by one.
        self._done: list[tuple[IntArray, IntArray, FloatArray]] = []
        self._ids, self._steps, self._values = array("q"), array("q"), array("d")
        self._purges: list[tuple[int, int]] = []
        self._first_time = self._last_time = math.nan
        self.in_order = True

    def add_batch(self, batch: Batch) -> None:
        """Add the points of records that follow those before."""
        plain = decode(batch, self.numbers)
        self._report_too_many_tags(batch.offset)
        others = np.flatnonzero(plain.tag_ids == OTHER).tolist()
        begin = 0
        for i in [*others, len(plain.tag_ids)]:
            self._add(plain, begin + np.flatnonzero(plain.tag_ids[begin:i] >= 0))
            if i < len(plain.tag_ids):
                start, end = int(batch.starts[i]), int(batch.ends[i])
                self._add_record(batch.offset + start - HEAD, batch.block[start:end])
            begin = i + 1

    def _add(self, plain: Plain, kept: IntArray) -> None:
        if not len(kept):
            return
        ids, steps, values = plain.tag_ids[kept], plain.steps[kept], plain.values[kept]
        if len(kept) < _SMALL:
            self._ids.extend(ids.tolist())
            self._steps.extend(steps.tolist())
            self._values.extend(values.tolist())
        else:
            self._finish()
            self._done.append((ids, steps, values))
        self._seen(len(kept), float(plain.times[kept[0]]), float(plain.times[kept[-1]]))

    def _add_record(self, offset: int, data: bytes) -> None:
        if is_version(data):
            return
        # Late: it takes as long to load as all of numpy, and most files hold plain scalars alone.
        from google.protobuf.message import DecodeError
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        try:
            event = Event.FromString(data)
        except DecodeError:
            self.issues.add("corrupt", offset, f"has a record of {len(data)} bytes that is no TensorBoard event")
            return
        scalars = event.summary.value
        if not scalars:
            if event.HasField("session_log") and event.session_log.status == SessionLog.START:
                self._purges.append((self.count, event.step))
            return
        for scalar in scalars:
            value = scalar.simple_value
            if value == 0.0 and not scalar.HasField("simple_value"):
                tensor_value = _tensor_scalar(scalar)
                if tensor_value is None:
                    continue
                value = tensor_value
            number = self.numbers[scalar.tag.encode()]
            if number >= 0:
                self._ids.append(number)
                self._steps.append(event.step)
                self._values.append(value)
                self._seen(1, event.wall_time, event.wall_time)
        self._report_too_many_tags(offset)

    def _report_too_many_tags(self, offset: int) -> None:
        if self.numbers.full and "too-many-tags" not in self.issues.counts:
            self.issues.add("too-many-tags", offset, f"has more than {_MOST_TAGS:,} different tags")

    def _seen(self, points: int, first_time: float, last_time: float) -> None:
        if not self.count:
            self._first_time = first_time
        self._last_time = last_time
        self.count += points

    def _finish(self) -> None:
        if len(self._ids):
            ids, steps = np.frombuffer(self._ids, np.int64), np.frombuffer(self._steps, np.int64)
            self._done.append((ids, steps, np.frombuffer(self._values, np.float64)))
            self._ids, self._steps, self._values = array("q"), array("q"), array("d")

    def to_file(self, path: Path, size: int, grew: bool) -> LogFile:
        """Return what was read of a file of ``size`` bytes, which ``grew`` or did not."""
        self._finish()
        nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
        ids, steps, values = zip(*(self._done or [nothing]), strict=True)
        return LogFile(
            path,
            size,
            tuple(self.numbers.tags),
            np.concatenate(ids),
            np.concatenate(steps),
            np.concatenate(values),
            tuple(self._purges),
            tuple(self.numbers.unknown),
            self.issues,
            self._first_time,
            self._last_time,
            grew,
        )


def is_version(data: bytes) -> bool:
    """Return whether an event holds a time and the version of the format, as the first of each file does.

    The writers of current versions of TensorBoard also say what wrote the file (event.proto: file_version 3,
    source_metadata 10; its writer 1); nothing else may follow.
    """
    if data[:1] != b"\x09" or data[9:10] != b"\x1a":
        return False
    text, rest = _short_text(data[10:])
    if text is None or not rest:
        return text is not None
    inner, rest = _short_text(rest[1:]) if rest[:1] == b"\x52" else (None, rest)
    if inner is None or rest or inner[:1] != b"\x0a":
        return False
    writer, rest = _short_text(inner[1:])
    return writer is not None and not rest


def _short_text(data: bytes) -> tuple[bytes | None, bytes]:
    """Return the ASCII text that begins with its length, and what is behind it; ``None`` where there is none."""
    if not data or data[0] >= 0x80 or len(data) <= data[0]:
        return None, data
    text = data[1 : 1 + data[0]]
    return (text if text.isascii() else None), data[1 + data[0] :]


def _tensor_scalar(scalar: Any) -> float | None:
    """Return the number in a new-style scalar (a tensor of shape () or (1,)), None for anything else."""
    if not scalar.HasField("tensor") or scalar.metadata.plugin_data.plugin_name not in ("", "scalars"):
        return None
    tensor = scalar.tensor
    shape = [dimension.size for dimension in tensor.tensor_shape.dim]
    if tensor.dtype not in _DTYPES or shape not in ([], [1]) or tensor.tensor_shape.unknown_rank:
        return None
    name, dtype = _DTYPES[tensor.dtype]
    content = tensor.tensor_content
    if content:
        if len(content) != np.dtype(dtype).itemsize:
            return None
        return float(np.frombuffer(content, dtype)[0])
    numbers = getattr(tensor, name)
    if len(numbers) != 1:
        return None
    if tensor.dtype == _HALF:  # the bits of the half, in an int
        return float(np.array(numbers[0] & 0xFFFF, np.uint16).view(np.float16))
    return float(numbers[0])


class OrderedColumns(EventColumns):
    """The points of a large file by tag; ``in_order`` is false once that can no longer be done."""

    def __init__(self, wanted: Wanted) -> None:
        super().__init__(wanted)
        self._points = OrderedPoints()

    def add_batch(self, batch: Batch) -> None:
        """Add the points of records, and sort what there is now and then."""
        super().add_batch(batch)
        # What purges earlier points of this very file needs them in the order in which they were written.
        self.in_order = self.in_order and not any(position for position, _ in self._purges)
        if sum(len(ids) for ids, _, _ in self._done) >= _AT_A_TIME:
            self._sort()

    def _sort(self) -> None:
        self._finish()
        if self._done and self.in_order:
            ids, steps, values = (np.concatenate(columns) for columns in zip(*self._done, strict=True))
            self.in_order = self._points.add(ids, steps, values)
        self._done = []

    def to_file(self, path: Path, size: int, grew: bool) -> LogFile:
        """Return what was read, by tag; of no use where it is not ``in_order``."""
        self._sort()
        points = self._points.take(tuple(self.numbers.tags)) if self.in_order else {}
        return replace(super().to_file(path, size, grew), points=points)
