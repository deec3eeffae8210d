"""TFRecord: which byte ranges of an event file are whole records, proven by their checksums.

A record is ``length (uint64) | masked CRC of the length (uint32) | data | masked CRC of the data (uint32)``, all little
endian. Source: tensorflow/core/lib/io/record_writer.h. The file may come from a stranger: no length is believed before
its checksum holds and the file is known to be that long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from google_crc32c import value as crc32c

from rldoctor.logs.formats.checksums import FOOT, HEAD, heads_in, masked, unaligned, wrong_checksums
from rldoctor.logs.formats.log_file import ReadIssues
from rldoctor.model import IntArray

Read = Callable[[int, int], bytes]
"""``read(offset, count)`` returns at most ``count`` bytes of the file; fewer only at its end."""

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
_FIRST_REPEATS = 64


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
        wrong = wrong_checksums(block, starts, ends)
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


def _why_not_whole(at: int, length: int | None, found: int | None, size: int) -> tuple[str, int, str]:
    """Return the issue of a record that is not whole, with the next one ``found`` behind it."""
    if found is None and length is not None:
        return "truncated", at, f"ends {size - at} bytes into a record of {length + HEAD + FOOT} bytes"
    what = "has a record that reaches beyond its end" if length is not None else "has a damaged record length"
    if found is None:
        return "corrupt", at, f"{what}, and no whole record behind it: {size - at} bytes could not be read"
    return "corrupt", at, f"{what}: {found - at} bytes could not be read"


def _length(head: bytes) -> int | None:
    """Return the length that a record's head states, None where its checksum does not hold."""
    if masked(crc32c(head[:8])) != int.from_bytes(head[8:], "little"):
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
            heads, lengths = heads_in(chunk)
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
