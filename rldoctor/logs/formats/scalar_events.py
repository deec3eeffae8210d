"""Plain scalar events decoded by the thousand.

An event that TensorBoard's writers make of one old-style scalar has always the same fields in the same order:

    09 <wall_time: 8 bytes>  10 <step: varint>  2a <length> [ 0a <length> [ 0a <length> <tag>  15 <value: 4 bytes> ] ]

(event.proto: wall_time 1, step 2, summary 5; summary.proto: value 1; tag 1, simple_value 2. A step of 0 is left out.)
Records of exactly this form are read here, all of a block at once; any other is left to protobuf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rldoctor.logs.formats.tfrecord import Batch, gather
from rldoctor.model import FloatArray, IntArray

OTHER = -2
"""In place of a tag's number: the record is no plain scalar event."""

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

_TIME = 9  # bytes of wall_time and its key
_VALUE = 5  # bytes of simple_value and its key
_LONGEST_VARINT = 10


@dataclass(frozen=True, slots=True)
class Plain:
    """What a batch of records holds, one entry a record, shapes ``(n,)``.

    Attributes:
        tag_ids: What ``numbers`` says of the tag; ``OTHER`` where the record is no plain scalar event, and the other
            columns mean nothing.
        steps: Environment steps, or whatever the writer counted.
        values: As logged.
        times: Wall times, seconds since 1970.
    """

    tag_ids: IntArray
    steps: IntArray
    values: FloatArray
    times: FloatArray


def decode(batch: Batch, numbers: Mapping[bytes, int]) -> Plain:
    """Decode the plain scalar events of ``batch``.

    Args:
        batch: Whole records, at least one.
        numbers: Gives a tag, in UTF-8, its number; ``OTHER`` for one that protobuf shall judge.
    """
    data = np.frombuffer(batch.block, np.uint8)
    plain = _byte(data, batch.starts) == 0x09
    steps, at, ended = _step(data, batch.starts + _TIME)
    plain &= ended
    for key in (0x2A, 0x0A):
        plain &= _byte(data, at) == key
        length, at = _length(data, at + 1)
        plain &= at + length == batch.ends
    tag_length = _byte(data, at + 1).astype(np.int64)
    tag = at + 2
    tag_end = tag + tag_length
    # The length of a longer tag takes two bytes: rare enough for protobuf.
    plain &= (_byte(data, at) == 0x0A) & (tag_length < 0x80)
    plain &= (_byte(data, tag_end) == 0x15) & (tag_end + _VALUE == batch.ends)
    which = np.flatnonzero(plain)
    columns = Plain(np.full(len(plain), OTHER, np.int64), steps, np.zeros(len(plain)), np.zeros(len(plain)))
    spans = zip(tag[which].tolist(), tag_end[which].tolist(), strict=True)
    columns.tag_ids[which] = [numbers[batch.block[a:b]] for a, b in spans]
    columns.values[which] = gather(data, tag_end[which] + 1, "<f4")
    columns.times[which] = gather(data, batch.starts[which] + 1, "<f8")
    return columns


def _byte(data: Bytes, at: IntArray) -> Bytes:
    """Return the bytes at ``at``; beyond the end of the block the last one, which ``decode`` finds out by the ends."""
    return data[np.minimum(at, len(data) - 1)]


def _step(data: Bytes, at: IntArray) -> tuple[IntArray, IntArray, Flags]:
    """Return the steps at ``at``, 0 where there is none, the offsets behind them, and whether they end at all."""
    going = _byte(data, at) == 0x10
    at = at + going
    steps = np.zeros(len(at), np.uint64)
    for i in range(_LONGEST_VARINT):
        byte = _byte(data, at)
        steps |= np.where(going, byte & 0x7F, 0).astype(np.uint64) << np.uint64(7 * i)
        at = at + going
        going &= byte >= 0x80
        if not going.any():
            break
    return steps.view(np.int64), at, ~going


def _length(data: Bytes, at: IntArray) -> tuple[IntArray, IntArray]:
    """Return the lengths at ``at``, of one or two bytes, and the offsets behind them; longer ones come out wrong."""
    low, high = _byte(data, at).astype(np.int64), _byte(data, at + 1).astype(np.int64)
    long = low >= 0x80
    return np.where(long, (low & 0x7F) | (high << 7), low), at + 1 + long
