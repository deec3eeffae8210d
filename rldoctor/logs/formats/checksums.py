"""Masked CRC-32C checksums, as TFRecord files hold them, of many records at a time.

Source: tensorflow/core/lib/hash/crc32c.h: checksums of data that holds checksums are weak, so that these are rotated by
15 bits, and a constant is added.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from google_crc32c import value as crc32c
from numpy.typing import NDArray

from rldoctor.model import IntArray

HEAD = 12
"""Bytes before the data of a record: its length and the checksum of that."""
FOOT = 4
"""Bytes behind it: its checksum."""

_ADDED = 0xA282EAD8
# What brings the register of a CRC from zero to all ones: crc32c(b"\xff\xff\xff\xff" + these bytes) is 0.
_FRESH = 0x641F6454


def masked(crc: int) -> int:
    """Return a CRC as it is written."""
    return (((crc >> 15) | (crc << 17)) + _ADDED) & 0xFFFFFFFF


def unaligned(data: bytes | NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Return the number of type ``dtype`` that begins at each byte of ``data``, in the same memory."""
    kind = np.dtype(dtype)
    return np.ndarray((max(len(data) - kind.itemsize + 1, 0),), kind, data, strides=(1,))


def wrong_checksums(block: bytes, starts: IntArray, ends: IntArray) -> list[int]:
    """Return which of the records' data, which follow each other, do not fit their checksums."""
    if not len(starts) or _all_right(block, starts, ends):
        return []
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    crcs = np.array([crc32c(block[a:b]) for a, b in spans], np.uint32)
    stored = unaligned(block, "<u4")[ends]
    wrong: list[int] = np.flatnonzero((((crcs >> 15) | (crcs << 17)) + np.uint32(_ADDED)) != stored).tolist()
    return wrong


def _all_right(block: bytes, starts: IntArray, ends: IntArray) -> bool:
    """Return whether all records' data fit their checksums, by one checksum of all of them.

    The four bytes ``~crc`` behind data of this CRC bring the register of the CRC to zero, eight zeros leave it there,
    and ``_FRESH`` fills it as it is before the first byte. So with ``~crc`` in place of each stored checksum, and zeros
    and ``_FRESH`` in place of each head, the register ends at zero. A wrong record leaves it at another value, which
    what follows maps one to one: a single one is always found, and several cancel with a chance of 2**-32.
    """
    data = np.frombuffer(block, np.uint8)[starts[0] : ends[-1] + FOOT].copy()
    longs, words = unaligned(data, "<u8"), unaligned(data, "<u4")
    feet, heads = ends - starts[0], starts[1:] - starts[0] - HEAD
    rotated = words[feet] - np.uint32(_ADDED)
    words[feet] = ~((rotated >> np.uint32(17)) | (rotated << np.uint32(15)))
    longs[heads] = 0
    words[heads + 8] = _FRESH
    data.flags.writeable = False
    return bool(crc32c(data) == 0xFFFFFFFF)


def heads_in(chunk: bytes) -> tuple[IntArray, IntArray]:
    """Return the positions of records' heads in ``chunk``, and the lengths that they state.

    Only lengths below 4 GiB are found: their upper four bytes are zero, which leaves four table look-ups for each
    position. The CRC is affine over GF(2): crc(a ^ b) = crc(a) ^ crc(b) ^ crc(0).
    """
    data = np.frombuffer(chunk, dtype=np.uint8)
    count = len(data) - HEAD + 1
    if count <= 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    quiet = (data[4 : 4 + count] | data[5 : 5 + count] | data[6 : 6 + count] | data[7 : 7 + count]) == 0
    at = np.flatnonzero(quiet)
    tables, zero = _crc_tables()
    crc = np.full(len(at), zero, dtype=np.uint32)
    length = np.zeros(len(at), dtype=np.int64)
    stored = np.zeros(len(at), dtype=np.uint32)
    for i in range(4):
        crc ^= tables[i][data[at + i]]
        length |= data[at + i].astype(np.int64) << (8 * i)
        stored |= data[at + 8 + i].astype(np.uint32) << np.uint32(8 * i)
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_ADDED)
    good = masked == stored
    return at[good].astype(np.int64), length[good]


@cache
def _crc_tables() -> tuple[tuple[np.ndarray, ...], int]:
    """Return what each value of byte 0 to 3 of a length adds to the CRC of eight zero bytes, and that CRC."""
    zero = crc32c(bytes(8))
    tables = []
    for i in range(4):
        values = (crc32c(bytes(i) + bytes([byte]) + bytes(7 - i)) ^ zero for byte in range(256))
        tables.append(np.fromiter(values, dtype=np.uint32, count=256))
    return tuple(tables), zero
