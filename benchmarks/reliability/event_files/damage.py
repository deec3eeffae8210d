"""Event files that are truncated, flipped, or have odd or huge records."""

from __future__ import annotations

import os
import random
import shutil
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from google_crc32c import value as crc32c

from benchmarks.reliability.event_files.files import NAME, read, recorded, said, written
from benchmarks.reliability.fault import Row, rldoctor, subjects
from rldoctor.logs import read_run
from rldoctor.logs.formats.checksums import masked
from rldoctor.logs.formats.tfrecord import MAX_RECORD
from tests.logs.conftest import Make


def cut(place: Path, often: int) -> Row:
    content, ends, points = recorded()
    whole = read(written(place, content))
    assert len(whole.values) == points[-1] == len(whole.steps)
    cuts = np.unique(np.linspace(0, len(content), often).round().astype(int)).tolist()
    for at in cuts:
        written(place, content[:at])
        before = max(i for i, end in enumerate(ends) if end <= at)
        file = read(place)
        assert np.array_equal(file.values, whole.values[: points[before]], equal_nan=True), at
        assert np.array_equal(file.steps, whole.steps[: points[before]]), at
        run = read_run(place)
        if at not in ends:
            assert said(run, "LOG101") == ends[before], at
    return Row(len(cuts), "every whole record before the cut is read; LOG101 gives the byte", "the incomplete record")


def flipped(place: Path, often: int) -> Row:
    content, ends, points = recorded()
    truth = read(written(place, content))
    known = set(zip(truth.tag_ids.tolist(), truth.steps.tolist(), truth.values.tolist(), strict=True))
    draw = random.Random(9)
    most = max(after - before for before, after in pairwise(points))
    for _ in range(often):
        damaged = bytearray(content)
        at = draw.randrange(len(content))
        damaged[at] ^= 1 << draw.randrange(8)
        file = read(written(place, bytes(damaged)))
        tags = {tag: truth.tags.index(tag) for tag in file.tags}
        ids = [tags[file.tags[i]] for i in file.tag_ids]
        kept = set(zip(ids, file.steps.tolist(), file.values.tolist(), strict=True))
        assert kept <= known, at
        assert len(truth.values) - len(file.values) <= most, at
        record = max(end for end in ends if end <= at)
        issue = file.issues.first[0]
        assert (sum(file.issues.counts.values()), issue.offset) == (1, record), at
        assert said(read_run(place), "LOG101" if issue.kind == "truncated" else "LOG102") == record
    return Row(often, "never a wrong value; LOG102 (or LOG101 at the end) gives the byte", "that one record")


def _head(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", masked(crc32c(packed)))


def _oddities(record: bytes) -> Iterator[tuple[bytes, str | None]]:
    """Yield bytes to put between two records, and the code of the expected finding; ``None`` where nothing is wrong."""
    yield record[:-4] + bytes(4), "LOG102"  # wrong checksum of the data
    yield record[:8] + bytes(4) + record[12:], "LOG102"  # wrong checksum of the length
    yield Make.record(b""), None  # a record of no bytes is an event of nothing
    yield Make.record(b"\xff" * 50), "LOG102"  # whole, but no event
    yield bytes(12), "LOG102"  # zeros, as file systems leave them
    yield bytes(100_000), "LOG102"
    yield b"\n" * 3, "LOG102"
    yield _head(MAX_RECORD + 1) + bytes(MAX_RECORD + 5), "LOG105"
    yield _head(2**40), "LOG102"  # longer than the file
    yield _head(2**64 - 1), "LOG102"
    yield record[: len(record) // 2], "LOG102"  # two writers, or a lost block


def odd_records(place: Path, often: int) -> Row:
    content, ends, _ = recorded()
    whole = len(read(written(place, content)).values)
    tried = 0
    for middle in np.linspace(2, len(ends) - 3, often).round().astype(int).tolist():
        record = content[ends[middle] : ends[middle + 1]]
        for between, code in _oddities(record):
            tried += 1
            at = ends[middle]
            file = read(written(place, content[:at] + between + content[at:]))
            assert len(file.values) == whole, (between[:20], len(file.values))
            run = read_run(place)
            found = [finding.code for finding in run.findings]
            assert found == ([code] if code else []), (between[:20], found)
            if code:
                assert said(run, code) == at
    return Row(tried, "skipped and reported with its byte; all records around it are read")


def huge_records(place: Path, often: int) -> Row:
    content, _, _ = recorded(10**9)
    peak = 0.0
    for i in range(often):
        directory = written(place / str(i), b"")
        with (directory / NAME).open("wb") as file:
            size = 2 ** (31 - i)
            file.write(content + _head(size))
            file.seek(size + 4, os.SEEK_CUR)  # a hole: nothing is on the disk
            file.write(content)
        done = rldoctor("diagnose", directory, "--format", "json")
        [subject] = subjects(done.out)
        assert "LOG105" in [finding["code"] for finding in subject["findings"]]
        peak = max(peak, done.mebibytes)
        shutil.rmtree(directory)
    assert peak < 300, peak
    return Row(
        often,
        f"records of up to 2 GiB are skipped unread; {peak:.0f} MiB of memory",
        "the contents of the record",
    )
