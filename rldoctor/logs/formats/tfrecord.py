"""TFRecord: which byte ranges of an event file are whole records, proven by their checksums.

A record is ``length (uint64) | masked CRC of the length (uint32) | data | masked CRC of the data (uint32)``, all little
endian. Source: tensorflow/core/lib/io/record_writer.h. The file may come from a stranger: no length is believed before
its checksum holds and the file is known to be that long.
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
# Records of the pattern that the next ones follow: a step has seldom more than the first, never more than the second.
_PATTERN, _LONGEST_PATTERN = 32, 512
_FIRST_REPEATS = 16
# tensorflow/core/lib/hash/crc32c.h: checksums of data that holds checksums are weak, so they are rotated, and this added.
_MASK = 0xA282EAD8
# What brings the register of a CRC from zero to all ones: crc32c(b"\xff\xff\xff\xff" + these bytes) is 0.
_FRESH = 0x641F6454


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole records that follow each other, proven by their checksums.

    Attributes:
        offset: Offset of ``block`` in the file.
        block: Bytes of the file that hold them.
        starts: Where the data of each record begins in ``block``, shape ``(n,)``.
        ends: Where it ends, shape ``(n,)``.
    """

    offset: int
    block: bytes
    starts: IntArray
    ends: IntArray


def batches(read: Read, size: int, issues: ReadIssues, start: int = 0) -> Iterator[Batch]:
    """Yield the whole records in the first ``size`` bytes of a file, as many at a time as a block holds.

    They begin at ``start``, where an earlier call ended.

    Never raises for what the bytes are: damage is added to ``issues``, in the order of the file, and reading goes on
    behind it. At most one block, or one record of ``MAX_RECORD``, is in memory.
    """
    search = _Search(read)
    lengths: dict[bytes, int] = {}
    at, wanted = start, _BLOCK
    while at < size:
        count = min(wanted, size - at)
        block = read(at, count)
        if len(block) < count:  # the file was cut while it was read
            size = at + len(block)
        wanted = _BLOCK
        starts, ends = _chain(block, lengths)
        wrong = _wrong_checksums(block, starts, ends)
        begin = 0
        for i in [*wrong, len(starts)]:
            if i > begin:
                yield Batch(at, block, starts[begin:i], ends[begin:i])
            if i < len(starts):
                what = f"has a record of {ends[i] - starts[i]} bytes with a wrong checksum"
                issues.add("corrupt", at + int(starts[i]) - HEAD, what)
            begin = i + 1
        last = at + int(starts[-1]) - HEAD if len(starts) else at
        at += int(ends[-1]) + FOOT if len(ends) else 0
        if at >= size:
            return
        head = read(at, min(HEAD, size - at))
        if len(head) < HEAD:
            issues.add("truncated", at, f"ends {len(head)} bytes into a record")
            return
        length = _length(head)
        if length is None and wrong and wrong[-1] == len(starts) - 1:
            # The length itself was not meant for this place: half a record, or a block that was lost.
            found = search.next_head(last + 1, size)
            if found is not None:
                at = found
                continue
        if length is None or at + HEAD + length + FOOT > size:
            # A damaged head, or a record beyond the file's end: whole records behind it mean damage, not an early end.
            found = search.next_head(at + 1, size)
            issues.add(*_why_not_whole(at, length, found, size))
            if found is None:
                return
            at = found
        elif length > MAX_RECORD:
            issues.add("oversized", at, f"has a record of {length} bytes, too large to hold scalars")
            at += HEAD + length + FOOT
        else:
            wanted = max(_BLOCK, HEAD + length + FOOT)


def _chain(block: bytes, lengths: dict[bytes, int]) -> tuple[IntArray, IntArray]:
    """Return where the records at the beginning of ``block`` begin and end, by their heads alone.

    Args:
        block: Bytes of a file, from the beginning of a record on.
        lengths: The lengths that heads have stated so far: they repeat, and one seen before needs no second checksum.
    """
    found: list[tuple[IntArray, IntArray]] = []
    # Those that were looked at one by one since the last pattern, and how many of them show the next.
    starts: list[int] = []
    ends: list[int] = []
    at, last, look = 0, len(block) - FOOT, 2 * _PATTERN
    while True:
        if len(starts) >= look:
            more = _continued(block, starts, ends, look // 2)
            at = int(more[1][-1]) + FOOT if len(more[1]) else at
            enough = len(more[0]) >= look or look >= 2 * _LONGEST_PATTERN
            if enough or len(more[0]):
                found += [_as_arrays(starts, ends), more]
                starts, ends = [], []
            # What follows no short pattern may follow a longer one.
            look = 2 * _PATTERN if enough else 4 * look
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
    found.append(_as_arrays(starts, ends))
    return np.concatenate([piece[0] for piece in found]), np.concatenate([piece[1] for piece in found])


def _as_arrays(starts: list[int], ends: list[int]) -> tuple[IntArray, IntArray]:
    return np.array(starts, np.int64), np.array(ends, np.int64)


def _continued(block: bytes, starts: list[int], ends: list[int], most: int) -> tuple[IntArray, IntArray]:
    """Return where records begin and end that go on as the last ones do: every step logs the same tags.

    The lengths of the last records say where the next heads should be; as many are taken as are there, byte for byte.

    Args:
        block: The bytes.
        starts: Where the last records begin, at least twice ``most``.
        ends: Where they end.
        most: Records of the longest pattern that is looked for.
    """
    lengths = [end - start for start, end in zip(starts[-2 * most :], ends[-2 * most :], strict=True)]
    latest = lengths[most:]
    period = next((n for n in range(1, most + 1) if lengths[most - n : -n] == latest), 0)
    begin, length = ends[-1] + FOOT, np.array(lengths[-period:], np.int64)
    times = (len(block) - begin) // (ends[-1] - ends[-1 - period]) if period else 0
    first, second = unaligned(block, "<u8"), unaligned(block, "<u4")
    known = np.array(starts[-period:], np.int64)
    first_known, second_known = first[known - HEAD], second[known - FOOT]
    size = length + HEAD + FOOT
    once = np.cumsum(size) - size + HEAD
    found: list[IntArray] = [np.empty(0, np.int64)]
    done, count = 0, _FIRST_REPEATS
    while done < times:
        # Ever more at a time, so that a pattern that soon ends costs little.
        start = begin + once + size.sum() * np.arange(done, min(done + count, times))[:, None]
        same = ((first[start - HEAD] == first_known) & (second[start - FOOT] == second_known)).ravel()
        good = len(same) if same.all() else int(np.argmin(same))
        found.append(start.ravel()[:good])
        if good < len(same):
            break
        done, count = done + count, 4 * count
    start = np.concatenate(found)
    return start, start + np.resize(length, len(start))


def unaligned(data: bytes | NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Return the number of type ``dtype`` that begins at each byte of ``data``, in the same memory."""
    kind = np.dtype(dtype)
    return np.ndarray((max(len(data) - kind.itemsize + 1, 0),), kind, data, strides=(1,))


def _wrong_checksums(block: bytes, starts: IntArray, ends: IntArray) -> list[int]:
    """Return which of the records' data, which follow each other, do not fit their checksums."""
    if not len(starts) or _all_right(block, starts, ends):
        return []
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    crcs = np.array([crc32c(block[a:b]) for a, b in spans], np.uint32)
    stored = unaligned(block, "<u4")[ends]
    wrong: list[int] = np.flatnonzero((((crcs >> 15) | (crcs << 17)) + np.uint32(_MASK)) != stored).tolist()
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
    rotated = words[feet] - np.uint32(_MASK)
    words[feet] = ~((rotated >> np.uint32(17)) | (rotated << np.uint32(15)))
    longs[heads] = 0
    words[heads + 8] = _FRESH
    data.flags.writeable = False
    return bool(crc32c(data) == 0xFFFFFFFF)


def _why_not_whole(at: int, length: int | None, found: int | None, size: int) -> tuple[str, int, str]:
    """Return the issue of a record that is not whole, with the next one ``found`` behind it."""
    if found is None and length is not None:
        return "truncated", at, f"ends {size - at} bytes into a record of {length + HEAD + FOOT} bytes"
    what = "has a record that reaches beyond its end" if length is not None else "has a damaged record length"
    if found is None:
        return "corrupt", at, f"{what}, and no whole record behind it: {size - at} bytes could not be read"
    return "corrupt", at, f"{what}: {found - at} bytes could not be read"


def _masked(crc: int) -> int:
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def _length(head: bytes) -> int | None:
    """Return the length that a record's head states, None where its checksum does not hold."""
    if _masked(crc32c(head[:8])) != int.from_bytes(head[8:], "little"):
        return None
    return int.from_bytes(head[:8], "little")


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
    masked = ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK)
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
