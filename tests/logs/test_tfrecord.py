from __future__ import annotations

import io
import random
import struct

import numpy as np
import pytest
from google_crc32c import value as crc32c
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.summary.writer.record_writer import RecordWriter

from rldoctor.logs.formats import checksums, tfrecord
from rldoctor.logs.formats.checksums import HEAD
from rldoctor.logs.formats.log_file import ReadIssues
from rldoctor.logs.formats.tfrecord import batches
from tests.logs.careful_reader import records


def read_all(content: bytes, size: int | None = None) -> tuple[list[tuple[int, bytes]], ReadIssues]:
    file = io.BytesIO(content)

    def read(offset: int, count: int) -> bytes:
        assert 0 <= count <= tfrecord.MAX_RECORD + 64, "no allocation beyond the largest record"
        file.seek(offset)
        return file.read(count)

    size = len(content) if size is None else size
    issues, slow_issues = ReadIssues(), ReadIssues()
    found = [
        (batch.offset + start - HEAD, batch.block[start:end])
        for batch in batches(read, size, issues)
        for start, end in zip(batch.starts.tolist(), batch.ends.tolist(), strict=True)
    ]
    assert found == list(records(read, size, slow_issues))
    assert issues == slow_issues
    return found, issues


def head(length: int) -> bytes:
    packed = struct.pack("<Q", length)
    return packed + struct.pack("<I", checksums.masked(crc32c(packed)))


def test_records_of_tensorboards_writer_come_back(make):
    datas = [b"a", b"", b"xyz" * 1000, b"a"]
    content = b"".join(make.record(data) for data in datas)
    found, issues = read_all(content)
    assert [data for _, data in found] == datas
    assert [offset for offset, _ in found] == [0, 17, 33, 33 + 3016]
    assert issues.counts == {}


def test_records_across_blocks_come_back(make, monkeypatch):
    monkeypatch.setattr(tfrecord, "_BLOCK", 64)
    datas = [bytes([i]) * (i * 7 % 131) for i in range(200)]
    found, issues = read_all(b"".join(make.record(data) for data in datas))
    assert [data for _, data in found] == datas
    assert issues.counts == {}


def test_a_damaged_checksum_loses_that_record_only(make):
    content = bytearray(b"".join(make.record(data) for data in (b"one", b"two", b"three")))
    content[19 + 13] ^= 1
    found, issues = read_all(bytes(content))
    assert [data for _, data in found] == [b"one", b"three"]
    assert [(t.kind, t.offset) for t in issues.first] == [("corrupt", 19)]


def test_a_damaged_length_loses_that_record_only(make):
    content = bytearray(b"".join(make.record(data) for data in (b"one", b"two" * 300, b"three")))
    content[19] ^= 0x80
    found, issues = read_all(bytes(content))
    assert [data for _, data in found] == [b"one", b"three"]
    assert [(t.kind, t.offset) for t in issues.first] == [("corrupt", 19)]


@pytest.mark.parametrize("length", [1, 2**20, 2**31, 2**40, 2**63, 2**64 - 1])
def test_a_length_beyond_the_end_is_truncated_and_not_allocated(make, length):
    found, issues = read_all(make.record(b"one") + head(length) + b"")
    assert [data for _, data in found] == [b"one"]
    assert issues.counts == {"truncated": 1}


def test_a_length_beyond_the_end_with_whole_records_behind_it_is_damage(make):
    found, issues = read_all(make.record(b"one") + head(2**40) + make.record(b"two"))
    assert [data for _, data in found] == [b"one", b"two"]
    assert issues.counts == {"corrupt": 1}


def test_a_huge_record_is_stepped_over_without_reading_it(make):
    huge = tfrecord.MAX_RECORD + 1
    found, issues = read_all(head(huge) + bytes(huge + 4) + make.record(b"two"))
    assert [data for _, data in found] == [b"two"]
    assert issues.counts == {"oversized": 1}


def test_a_file_cut_while_it_is_read_ends_there(make):
    content = b"".join(make.record(b"x" * 50) for _ in range(10))
    found, issues = read_all(content[:300], size=len(content))
    assert len(found) == 300 // 66
    assert issues.counts == {"truncated": 1}


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\x0c"])
def test_megabytes_of_one_byte_are_read_once(fill):
    content, asked = fill * 2**22, []
    issues = ReadIssues()
    read = lambda offset, count: asked.append(count) or content[offset : offset + count]  # noqa: E731
    assert list(batches(read, len(content), issues)) == []
    assert issues.counts == {"corrupt": 1}
    assert sum(asked) < 1.5 * len(content)


def test_the_search_gives_up_at_its_limit(make, monkeypatch):
    monkeypatch.setattr(tfrecord, "_MAX_SEARCH", 10_000)
    found, issues = read_all(b"#" * 20_000 + make.record(b"late"))
    assert found == []
    assert "20020 bytes could not be read" in issues.first[0].what
    assert read_all(b"#" * 9_000 + make.record(b"soon"))[0] == [(9_000, b"soon")]


def test_many_issues_are_counted_but_not_all_kept(make):
    content = bytearray(make.record(b"x") * 1000)
    content[12::17] = b"y" * 1000
    found, issues = read_all(bytes(content))
    assert found == []
    assert issues.counts == {"corrupt": 1000}
    assert len(issues.first) < 20


def test_heads_are_found_as_by_trying_each_offset():
    draw = random.Random(1)
    chunk = bytearray(draw.choices([0, 0, 0, 1, 2, 250], k=5000))
    for at, length in ((0, 3), (100, 0), (777, 70_000), (4988, 2**32 - 1), (2000, 2**32)):
        chunk[at : at + 12] = head(length)
    slow = [
        (i, int.from_bytes(chunk[i : i + 8], "little"))
        for i in range(len(chunk) - 11)
        if tfrecord._length(bytes(chunk[i : i + 12])) is not None and not any(chunk[i + 4 : i + 8])
    ]
    heads, lengths = checksums.heads_in(bytes(chunk))
    assert list(zip(heads.tolist(), lengths.tolist(), strict=True)) == slow
    assert [at for at, _ in slow] == [0, 100, 777, 4988]
    assert checksums.heads_in(b"short")[0].shape == (0,)
    assert heads.dtype == np.int64


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(content):
    found, issues = read_all(content)
    assert bool(content) == bool(found or issues.counts)


@given(
    st.lists(st.binary(max_size=90), max_size=12),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 255)), max_size=4),
    st.integers(0, 40),
    st.sampled_from([1, 64, 100, 333, 4096]),
)
def test_damaged_files_are_read_as_a_careful_reader_does(datas, flips, cut, block):
    buffer = io.BytesIO()
    for data in datas:
        RecordWriter(buffer).write(data)
    content = bytearray(buffer.getvalue())
    for place, flip in flips:
        if content:
            content[place % len(content)] ^= flip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord, "_BLOCK", block)
        read_all(bytes(content[: max(len(content) - cut, 0)]))
