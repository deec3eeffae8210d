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

from rldoctor.logs.formats.checksums import unaligned
from rldoctor.logs.formats.tfrecord import Batch
from rldoctor.model import FloatArray, IntArray

OTHER = -2
"""In place of a tag's number: the record is no plain scalar event."""

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

_TIME = 9  # bytes of wall_time and its key
_VALUE = 5  # bytes of simple_value and its key
_LONGEST_VARINT = 10
# More than the offsets reach that are computed of any record: a step, three keys, two lengths and a tag.
_BEHIND = bytes(512)
# The tags of a run fall into as many slots, by their first and last eight bytes; multipliers of random odd numbers.
_SLOT_BITS, _MIX = 12, np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
# Masks of the first 0 to 8 bytes of a word.
_KEPT = np.array([256**count - 1 for count in range(9)], np.uint64)


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
    begin = batch.starts[0]
    starts, ends = batch.starts - begin, batch.ends - begin
    # What is read beyond the end of a record is not used, but must be there.
    data = np.frombuffer(batch.block[begin : batch.ends[-1]] + _BEHIND, np.uint8)
    plain = data[starts] == 0x09
    steps, at, ended = _step(data, starts + _TIME)
    plain &= ended
    for key in (0x2A, 0x0A):
        plain &= data[at] == key
        length, at = _length(data, at + 1)
        plain &= at + length == ends
    tag_length = data[at + 1]
    tag = at + 2
    tag_end = tag + tag_length
    # The length of a longer tag takes two bytes: rare enough for protobuf.
    plain &= (data[at] == 0x0A) & (tag_length < 0x80)
    plain &= (data[tag_end] == 0x15) & (tag_end + _VALUE == ends)
    if plain.all():
        ids, value_at, time_at = _numbers_of(data, tag, tag_end, numbers), tag_end + 1, starts + 1
        return Plain(ids, steps, unaligned(data, "<f4")[value_at].astype(np.float64), unaligned(data, "<f8")[time_at])
    which = np.flatnonzero(plain)
    columns = Plain(np.full(len(plain), OTHER, np.int64), steps, np.zeros(len(plain)), np.zeros(len(plain)))
    if len(which):
        columns.tag_ids[which] = _numbers_of(data, tag[which], tag_end[which], numbers)
        columns.values[which] = unaligned(data, "<f4")[tag_end[which] + 1]
        columns.times[which] = unaligned(data, "<f8")[starts[which] + 1]
    return columns


def _numbers_of(data: Bytes, start: IntArray, end: IntArray, numbers: Mapping[bytes, int]) -> IntArray:
    """Return the numbers of the tags between ``start`` and ``end``; each tag is asked for once, in their order.

    Tags are told apart by eight bytes at a time. Those that share a slot of a small table with another, earlier one are
    asked for one by one.
    """
    words, length = unaligned(data, "<u8"), end - start
    kept = _KEPT[np.minimum(length, 8)]
    first, last = words[start] & kept, words[np.maximum(end - 8, start)] & kept
    slot = ((first * _MIX[0]) ^ ((last + length.view(np.uint64)) * _MIX[1])) >> np.uint64(64 - _SLOT_BITS)
    place = np.arange(len(start))
    earliest = np.empty(2**_SLOT_BITS, np.int64)
    # Of several numbers that are written to one place the last one stays.
    earliest[slot[::-1]] = place[::-1]
    like = earliest[slot]
    same = (length == length[like]) & (first == first[like]) & (last == last[like])
    for offset in range(8, int(length.max()) - 8, 8):
        longer = np.flatnonzero(length > offset + 8)
        same[longer] &= words[start[longer] + offset] == words[start[like[longer]] + offset]
    asked = np.flatnonzero((like == place) | ~same)
    spans = zip(start[asked].tolist(), end[asked].tolist(), strict=True)
    found = np.empty(len(start), np.int64)
    found[asked] = [numbers[data[a:b].tobytes()] for a, b in spans]
    return np.where(same, found[like], found)


def _step(data: Bytes, at: IntArray) -> tuple[IntArray, IntArray, Flags]:
    """Return the steps at ``at``, 0 where there is none, the offsets behind them, and whether they end at all."""
    going = data[at] == 0x10
    at = at + going
    steps = np.zeros(len(at), np.uint64)
    for i in range(_LONGEST_VARINT):
        byte = data[at]
        steps |= np.where(going, byte & 0x7F, 0).astype(np.uint64) << np.uint64(7 * i)
        at = at + going
        going &= byte >= 0x80
        if not going.any():
            break
    return steps.view(np.int64), at, ~going


def _length(data: Bytes, at: IntArray) -> tuple[IntArray, IntArray]:
    """Return the lengths at ``at``, of one or two bytes, and the offsets behind them; longer ones come out wrong."""
    low, high = data[at].astype(np.int64), data[at + 1].astype(np.int64)
    long = low >= 0x80
    return np.where(long, (low & 0x7F) | (high << 7), low), at + 1 + long
