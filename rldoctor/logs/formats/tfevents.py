"""One TensorBoard event file read into flat columns of scalars.

The messages are parsed by TensorBoard's compiled protobuf classes, which need neither TensorFlow nor PyTorch.
Source of the fields: tensorflow/core/util/event.proto and tensorflow/core/framework/{summary,tensor}.proto.
"""

from __future__ import annotations

import errno
import math
import os
import stat
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorboard.compat.proto.event_pb2 import Event, SessionLog

from rldoctor.logs.formats.scalar_events import OTHER, Plain, decode
from rldoctor.logs.formats.tfrecord import HEAD, Batch, ReadIssues, batches, records
from rldoctor.model import FloatArray, IntArray

# Tags that no dictionary knows are only listed, and a hostile file can hold millions of them.
MAX_UNKNOWN_TAGS = 10_000
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
# Fewer points than this are not worth arrays of their own.
_SMALL = 32


@dataclass(frozen=True, slots=True)
class EventFile:
    """The scalars of one event file, in the order in which they were written.

    Attributes:
        path: The file.
        size: Bytes of the file when it was opened.
        tags: Known tags; ``tag_ids`` count in this tuple.
        tag_ids: Tag of each point, shape ``(n,)``.
        steps: Step of each point, shape ``(n,)``.
        values: Value of each point as logged, shape ``(n,)``.
        purges: ``(position, step)``: a session that began before point ``position`` and overtook all earlier points at
            or after ``step``.
        unknown_tags: Scalar tags that were not wanted, at most ``MAX_UNKNOWN_TAGS``.
        troubles: What could not be read.
        first_time: Wall time of the first event with a scalar, seconds since 1970; NaN where there is none.
        last_time: Wall time of the last one.
        grew: Somebody appended to the file while it was read.
    """

    path: Path
    size: int = 0
    tags: tuple[str, ...] = ()
    tag_ids: NDArray[np.integer[Any]] = field(default_factory=lambda: np.empty(0, np.int32))
    steps: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    values: FloatArray = field(default_factory=lambda: np.empty(0, np.float64))
    purges: tuple[tuple[int, int], ...] = ()
    unknown_tags: tuple[str, ...] = ()
    troubles: ReadIssues = field(default_factory=ReadIssues)
    first_time: float = math.nan
    last_time: float = math.nan
    grew: bool = False


def read_event_file(path: Path, wanted: Callable[[str], bool]) -> EventFile:
    """Read what can be read of an event file.

    Never raises for the state or the content of the file: that is what ``troubles`` tells.

    Args:
        path: The file.
        wanted: Tells whether the points of a tag are kept.
    """
    troubles = ReadIssues()
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:  # Path.open has none
            descriptor = file.fileno()
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                troubles.add("unreadable", 0, "is not a plain file")
                return EventFile(path, troubles=troubles)

            def read(offset: int, count: int) -> bytes:
                file.seek(offset)
                return file.read(count)

            return _parse(path, read, status.st_size, troubles, wanted, lambda: os.fstat(descriptor).st_size)
    except OSError as error:
        troubles = ReadIssues()
        troubles.add("unreadable", 0, "is a loop of symbolic links" if error.errno == errno.ELOOP else _reason(error))
        return EventFile(path, troubles=troubles)


def _open_at_once(path: str, flags: int) -> int:
    # Without O_NONBLOCK a named pipe under an event file's name would block for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _reason(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _parse(
    path: Path,
    read: Callable[[int, int], bytes],
    size: int,
    troubles: ReadIssues,
    wanted: Callable[[str], bool],
    size_now: Callable[[], int],
) -> EventFile:
    columns = _Columns(wanted)
    if size == 0:
        troubles.add("empty", 0, "has zero bytes")
    rest = size
    for batch in batches(read, size):
        if isinstance(batch, int):
            rest = batch
            break
        columns.add_batch(batch, troubles)
    for offset, data in records(read, size, troubles, rest):
        columns.add_record(offset, data, troubles)
    if size and not columns.count and not columns.numbers.unknown and not troubles.counts:
        troubles.add("empty", 0, "holds no scalar")
    return columns.to_file(path, size, troubles, size_now() > size)


class _Numbers(dict[bytes, int]):
    """A number for each tag in UTF-8: its place in ``tags``, -1 for one that is not wanted."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        super().__init__()
        self._wanted = wanted
        self.tags: list[str] = []
        self.unknown: list[str] = []
        # There were more tags than anybody can use; no new one is taken.
        self.crowded = False

    def __missing__(self, tag: bytes) -> int:
        if len(self) >= _MOST_TAGS:
            self.crowded = True
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


class _Columns:
    """The points of a file as they come, tags as numbers."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self.numbers = _Numbers(wanted)
        self.count = 0
        # What is finished, and the points after it that came one by one.
        self._done: list[tuple[IntArray, IntArray, FloatArray]] = []
        self._ids, self._steps, self._values = array("q"), array("q"), array("d")
        self._purges: list[tuple[int, int]] = []
        self._first_time = self._last_time = math.nan

    def add_batch(self, batch: Batch, troubles: ReadIssues) -> None:
        plain = decode(batch, self.numbers)
        self._tell_if_crowded(batch.offset, troubles)
        others = np.flatnonzero(plain.tag_ids == OTHER).tolist()
        begin = 0
        for i in [*others, len(plain.tag_ids)]:
            self._add(plain, begin + np.flatnonzero(plain.tag_ids[begin:i] >= 0))
            if i < len(plain.tag_ids):
                start, end = int(batch.starts[i]), int(batch.ends[i])
                self.add_record(batch.offset + start - HEAD, batch.block[start:end], troubles)
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

    def add_record(self, offset: int, data: bytes, troubles: ReadIssues) -> None:
        try:
            event = Event.FromString(data)
        except DecodeError:
            troubles.add("corrupt", offset, f"has a record of {len(data)} bytes that is no TensorBoard event")
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
        self._tell_if_crowded(offset, troubles)

    def _tell_if_crowded(self, offset: int, troubles: ReadIssues) -> None:
        if self.numbers.crowded and "crowded" not in troubles.counts:
            troubles.add("crowded", offset, f"has more than {_MOST_TAGS:,} different tags")

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

    def to_file(self, path: Path, size: int, troubles: ReadIssues, grew: bool) -> EventFile:
        self._finish()
        nothing = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
        ids, steps, values = zip(*(self._done or [nothing]), strict=True)
        return EventFile(
            path,
            size,
            tuple(self.numbers.tags),
            np.concatenate(ids),
            np.concatenate(steps),
            np.concatenate(values),
            tuple(self._purges),
            tuple(self.numbers.unknown),
            troubles,
            self._first_time,
            self._last_time,
            grew,
        )


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
