"""A second, slow and obvious reader of TFRecord files, which the one that reads by the thousand is compared with."""

from __future__ import annotations

from google_crc32c import value as crc32c

from rldoctor.logs.formats import tfrecord
from rldoctor.logs.formats.checksums import FOOT, HEAD, masked
from rldoctor.logs.formats.tfrecord import MAX_RECORD, _length, _Search


def records(read, size, issues):
    """Yield the offset and the data of every whole record, one after the other."""
    search = _Search(read)
    start = at = 0  # where we are in the block, which begins at start
    block = read(start, min(size - start, tfrecord._BLOCK))
    while start + at < size:
        head = block[at : at + HEAD]
        if len(head) < HEAD:
            if start + len(block) < size:
                start, at, block, size = _refill(read, start + at, HEAD + FOOT, size)
                continue
            issues.add("truncated", start + at, f"ends {len(head)} bytes into a record")
            return
        length = _length(head)
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
            if masked(crc32c(data)) == int.from_bytes(block[end - FOOT : end], "little"):
                yield start + at, data
            else:
                issues.add("corrupt", start + at, f"has a record of {length} bytes with a wrong checksum")
                behind = read(start + end, min(HEAD, size - start - end))
                if len(behind) == HEAD and _length(behind) is None:
                    # The length itself was not meant for this place: half a record, or a block that was lost.
                    found = search.next_head(start + at + 1, size)
                    if found is not None:
                        start, at, block, size = _refill(read, found, 0, size)
                        continue
            at = end


def _refill(read, offset, least, size):
    """Return a block that begins at ``offset``: its offset, 0, its bytes, and the size that the file proved to have."""
    wanted = min(max(tfrecord._BLOCK, least), max(size - offset, 0))
    block = read(offset, wanted)
    if len(block) < wanted:  # the file was cut while we read
        size = offset + len(block)
    return offset, 0, block, size
