"""Records that follow a pattern are found at once, and exactly those that are found one by one."""

from __future__ import annotations

import numpy as np
import pytest
from google_crc32c import value as crc32c

from rldoctor.logs.formats import checksums, tfrecord
from rldoctor.logs.formats.checksums import masked
from rldoctor.logs.formats.tfrecord import _chain


def _record(size: int) -> bytes:
    head, data = size.to_bytes(8, "little"), bytes(size)
    return b"".join(part + masked(crc32c(part)).to_bytes(4, "little") for part in (head, data))


def _one_by_one(block: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[int]]:
    with monkeypatch.context() as patched:
        patched.setattr(tfrecord, "_PATTERN", len(block))
        starts, ends = _chain(block, {})
    return starts.tolist(), ends.tolist()


@pytest.mark.parametrize("period", [1, 2, 14, 31, 32, 33, 100])
@pytest.mark.parametrize("cut", [0, 1, 11, 17])
def test_a_pattern_is_followed_to_its_last_whole_record(period, cut, monkeypatch):
    sizes = np.random.default_rng(period).integers(20, 60, period).tolist()
    # A longer step, an odd record in between, another pattern after it, damage in a head.
    rows = [*sizes * 12, *[size + 1 for size in sizes] * 12, 500, *sizes[::-1] * 9]
    block = b"".join(map(_record, rows))
    block = block[: len(block) - cut]
    expected = _one_by_one(block, monkeypatch)
    assert len(expected[0]) == len(rows) - bool(cut)
    starts, ends = _chain(block, {})
    assert (starts.tolist(), ends.tolist()) == expected
    damaged = bytearray(block)
    damaged[expected[0][len(rows) // 3] - 9] ^= 1
    starts, ends = _chain(bytes(damaged), {})
    assert (starts.tolist(), ends.tolist()) == _one_by_one(bytes(damaged), monkeypatch)
    assert len(starts) == len(rows) // 3


def test_one_checksum_stands_for_all_until_one_is_wrong():
    assert crc32c(b"\xff\xff\xff\xff" + checksums._FRESH.to_bytes(4, "little")) == 0
    sizes = np.random.default_rng(0).integers(0, 60, 40).tolist()
    block = b"".join(map(_record, sizes))
    starts, ends = _chain(block, {})
    assert checksums.wrong_checksums(block, starts, ends) == []
    for wrong in ([0], [39], [3, 4], [*range(40)]):
        damaged = bytearray(block)
        for record in wrong:
            damaged[ends[record] + record % 4] ^= 1 << record % 8
        assert checksums.wrong_checksums(bytes(damaged), starts, ends) == wrong


def test_a_pattern_longer_than_the_first_that_is_looked_for_costs_no_look_at_each_record(monkeypatch):
    sizes = [*np.random.default_rng(1).integers(20, 60, 10).tolist(), *[30] * 40]
    block = b"".join(map(_record, sizes * 200))
    looked = []
    monkeypatch.setattr(tfrecord, "_continued", lambda *args, was=tfrecord._continued: looked.append(1) or was(*args))
    starts, _ = _chain(block, {})
    assert len(starts) == 200 * 50
    assert len(looked) < 20
