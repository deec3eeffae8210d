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

from rldoctor.logs.framing import Troubles, records
from rldoctor.model import FloatArray, IntArray

# Tags that no dictionary knows are only listed, and a hostile file can hold millions of them.
MAX_UNKNOWN_TAGS = 10_000

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
    troubles: Troubles = field(default_factory=Troubles)
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
    troubles = Troubles()
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
        troubles = Troubles()
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
    troubles: Troubles,
    wanted: Callable[[str], bool],
    size_now: Callable[[], int],
) -> EventFile:
    ids: dict[str, int] = {}  # -1 for a tag that is not wanted
    tags: list[str] = []
    unknown: list[str] = []
    tag_ids, steps, values = array("i"), array("q"), array("d")
    purges: list[tuple[int, int]] = []
    first: Event | None = None
    last: Event | None = None
    parse = Event.FromString
    if size == 0:
        troubles.add("empty", 0, "has zero bytes")
    for offset, data in records(read, size, troubles):
        try:
            event = parse(data)
        except DecodeError:
            troubles.add("corrupt", offset, f"has a record of {len(data)} bytes that is no TensorBoard event")
            continue
        scalars = event.summary.value
        if not scalars:
            if event.HasField("session_log") and event.session_log.status == SessionLog.START:
                purges.append((len(steps), event.step))
            continue
        step = event.step
        for scalar in scalars:
            value = scalar.simple_value
            if value == 0.0 and not scalar.HasField("simple_value"):
                tensor_value = _tensor_scalar(scalar)
                if tensor_value is None:
                    continue
                value = tensor_value
            tag = scalar.tag
            tag_id = ids.get(tag)
            if tag_id is None:
                if wanted(tag):
                    tag_id = ids[tag] = len(tags)
                    tags.append(tag)
                else:
                    tag_id = -1
                    if len(unknown) < MAX_UNKNOWN_TAGS:
                        unknown.append(tag)
                        ids[tag] = -1
            if tag_id >= 0:
                tag_ids.append(tag_id)
                steps.append(step)
                values.append(value)
                last = event
                first = first or event
    if size and not len(steps) and not unknown and not troubles.counts:
        troubles.add("empty", 0, "holds no scalar")
    return EventFile(
        path,
        size,
        tuple(tags),
        np.frombuffer(tag_ids, np.int32),
        np.frombuffer(steps, np.int64),
        np.frombuffer(values, np.float64),
        tuple(purges),
        tuple(unknown),
        troubles,
        first.wall_time if first else math.nan,
        last.wall_time if last else math.nan,
        size_now() > size,
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
