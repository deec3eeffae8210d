"""TFRecord: which byte ranges of an event file are whole records, proven by their checksums.

A record is ``length (uint64) | masked CRC of the length (uint32) | data | masked CRC of the data (uint32)``, all little
endian. Source: tensorflow/core/lib/io/record_writer.h. The file may come from a stranger: no length is believed before its
checksum holds and the file is known to be that long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from google_crc32c import value as crc32c
from numpy.typing import NDArray

from rldoctor.logs.formats.log_file import ReadIssues
from rldoctor.model import IntArray

Read = Callable[[int, int], bytes]
"""``read(offset, count)`` returns at most ``count`` bytes of the file; fewer only at its end."""

HEAD = 12  # length and its checksum
FOOT = 4  # checksum of the data
_BLOCK = 2**20
# An event with scalars is some dozen bytes, some kilobytes where a framework logs all its tags in one. Parsing can cost
# twenty times the size in memory, so that larger records (images, graphs, hostile ones) are skipped unparsed.
MAX_RECORD = 4 * 2**20
# Bytes of one file that may be searched for the next whole record: 1 to 2 seconds of work.
_MAX_SEARCH = 64 * 2**20
_FIRST_SEARCH = 512
_MAX_CACHED_HEADS = 4096


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole records that follow each other, their checksums proven.

    Attributes:
        offset: Where ``block`` begins in the file.
        block: Bytes of the file that hold them.
        starts: Where the data of each record begins in ``block``, shape ``(n,)``.
        ends: Where it ends, shape ``(n,)``.
    """

    offset: int
    block: bytes
    starts: IntArray
    ends: IntArray


def batches(read: Read, size: int) -> Iterator[Batch | int]:
    """Yield the whole records in the first ``size`` bytes of a file, as many at a time as a block holds.

    Ends at the end of the file, or at the first record that is not whole or larger than a block: then the last thing
    yielded is its offset, from where :func:`records` goes on with more care.
    """
    offset = 0
    lengths: dict[bytes, int] = {}
    while offset < size:
        batch = _whole_records(offset, read(offset, min(size - offset, _BLOCK)), lengths)
        if not len(batch.starts):
            yield offset
            return
        yield batch
        offset += int(batch.ends[-1]) + FOOT


def _whole_records(offset: int, block: bytes, lengths: dict[bytes, int]) -> Batch:
    """Return the whole records at the beginning of ``block``; ``lengths`` keeps what heads have been seen to state."""
    starts, ends = [], []
    at, last = 0, len(block) - FOOT
    while True:
        head = block[at : at + HEAD]
        length = lengths.get(head)
        if length is None:
            # The rest of the block may end within a head, which no checksum fits.
            length = _length(head) if len(head) == HEAD else None
            if length is None:
                break
            if len(lengths) < _MAX_CACHED_HEADS:
                lengths[head] = length
        end = at + HEAD + length
        if end > last:
            break
        starts.append(at + HEAD)
        ends.append(end)
        at = end + FOOT
    crcs = np.array([crc32c(block[a:b]) for a, b in zip(starts, ends, strict=True)], np.uint32)
    begun, ended = np.array(starts, np.int64), np.array(ends, np.int64)
    stored = gather(np.frombuffer(block, np.uint8), ended, "<u4")
    wrong = np.flatnonzero((((crcs >> 15) | (crcs << 17)) + np.uint32(0xA282EAD8)) != stored)
    count = int(wrong[0]) if len(wrong) else len(starts)
    return Batch(offset, block, begun[:count], ended[:count])


def gather(data: NDArray[np.uint8], at: IntArray, dtype: str) -> NDArray[Any]:
    """Return the numbers of type ``dtype`` at the offsets ``at``, shape ``(n,)``, in ``data``, aligned or not."""
    numbers: NDArray[Any] = data[at[:, None] + np.arange(np.dtype(dtype).itemsize)].view(dtype)[:, 0]
    return numbers


def records(read: Read, size: int, issues: ReadIssues, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the data of every whole record in the first ``size`` bytes of a file, from ``start`` on.

    Never raises for what the bytes are: a damaged record is added to ``issues`` and the search goes on behind it. At
    most one block, or one record of ``MAX_RECORD``, is in memory.
    """
    search = _Search(read)
    # Lengths repeat all through a file: a head seen before needs no second checksum.
    lengths: dict[bytes, int] = {}
    at = 0  # where we are in the block, which begins at start
    block = read(start, min(size - start, _BLOCK))
    while start + at < size:
        head = block[at : at + HEAD]
        length = lengths.get(head)
        if length is None:
            if len(head) < HEAD:
                if start + len(block) < size:
                    start, at, block, size = _refill(read, start + at, HEAD + FOOT, size)
                    continue
                issues.add("truncated", start + at, f"ends {len(head)} bytes into a record")
                return
            length = _length(head)
            if length is not None and len(lengths) < _MAX_CACHED_HEADS:
                lengths[head] = length
        end = at + HEAD + length + FOOT if length is not None else -1
        if length is None or start + end > size:
            # A damaged head, or a record beyond the file's end: whole records behind it mean damage, not an early end.
            offset = start + at
            found = search.next_head(offset + 1, size)
            if found is None and length is not None:
                what = f"ends {size - offset} bytes into a record of {length + HEAD + FOOT} bytes"
                issues.add("truncated", offset, what)
                return
            what = "has a record that reaches beyond its end" if length is not None else "has a damaged record length"
            if found is None:
                what = f"{what}, and no whole record behind it: {size - offset} bytes could not be read"
                issues.add("corrupt", offset, what)
                return
            issues.add("corrupt", offset, f"{what}: {found - offset} bytes could not be read")
            start, at, block, size = _refill(read, found, 0, size)
        elif length > MAX_RECORD:
            issues.add("oversized", start + at, f"has a record of {length} bytes, too large to hold scalars")
            start, at, block, size = _refill(read, start + end, 0, size)
        elif end > len(block):
            start, at, block, size = _refill(read, start + at, end - at, size)
        else:
            data = block[at + HEAD : end - FOOT]
            if _masked(crc32c(data)) == int.from_bytes(block[end - FOOT : end], "little"):
                yield start + at, data
            else:
                issues.add("corrupt", start + at, f"has a record of {length} bytes with a wrong checksum")
                if _is_no_head(read(start + end, min(HEAD, size - start - end))):
                    # The length itself was not meant for this place: half a record, or a block that was lost.
                    found = search.next_head(start + at + 1, size)
                    if found is not None:
                        start, at, block, size = _refill(read, found, 0, size)
                        continue
            at = end


def _refill(read: Read, offset: int, least: int, size: int) -> tuple[int, int, bytes, int]:
    """Return a block that begins at ``offset``: its offset, 0, its bytes, and the size that the file proved to have."""
    wanted = min(max(_BLOCK, least), max(size - offset, 0))
    block = read(offset, wanted)
    if len(block) < wanted:  # the file was cut while we read
        size = offset + len(block)
    return offset, 0, block, size


def _masked(crc: int) -> int:
    # tensorflow/core/lib/hash/crc32c.h: checksums of data that holds checksums are weak, hence the rotation.
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _length(head: bytes) -> int | None:
    """Return the length that a record's head states, None where its checksum does not hold."""
    if _masked(crc32c(head[:8])) != int.from_bytes(head[8:], "little"):
        return None
    return int.from_bytes(head[:8], "little")


def _is_no_head(head: bytes) -> bool:
    return len(head) == HEAD and _length(head) is None


class _Search:
    """Looks for the next whole record behind a damaged one, within a limit for the whole file."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._left = _MAX_SEARCH

    def next_head(self, offset: int, size: int) -> int | None:
        """Return the first offset from ``offset`` on where a head's checksum holds and its record fits in the file."""
        window = _FIRST_SEARCH
        while self._left > 0 and offset + HEAD + FOOT <= size:
            # Windows grow, so that many small damages cost no more than one large one.
            count = min(window, self._left, size - offset)
            chunk = self._read(offset, count + HEAD - 1)
            heads, lengths = _heads(chunk)
            fits = np.flatnonzero(lengths <= size - offset - heads - HEAD - FOOT)
            if len(fits):
                found = int(heads[fits[0]])
                self._left -= found
                return offset + found
            self._left -= count
            offset += count
            window = min(2 * window, _BLOCK)
            if len(chunk) < HEAD:
                return None
        return None


def _heads(chunk: bytes) -> tuple[IntArray, IntArray]:
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
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(0xA282EAD8)
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
