"""Events decoded by the thousand must read as protobuf reads them one by one."""

from __future__ import annotations

import dataclasses
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from google_crc32c import value as crc32c
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from rldoctor.logs.formats import event_columns, scalar_events, tfrecord
from rldoctor.logs.formats.checksums import masked
from rldoctor.logs.formats.log_file import ReadIssues
from rldoctor.logs.formats.scalar_events import OTHER, Plain, decode
from rldoctor.logs.formats.tfevents import read_event_file
from rldoctor.logs.formats.tfrecord import Batch, batches

TAGS = ("train/loss", "train/approx_kl", "x", "rollout/ep_rew_mean", "ünïcödé/é", "t" * 127, "t" * 128, "t" * 300, "")
STEPS = st.one_of(st.integers(0, 300), st.sampled_from([2**31, 2**62, 2**63 - 1, -1, -(2**63), 127, 128, 16384]))
FLOATS = st.floats(width=32)


def scalar_event(tag, step, value, time):
    return Event(wall_time=time, step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]))


def two_scalars(tag, step, value, time):
    values = [Summary.Value(tag=tag, simple_value=value), Summary.Value(tag="second", simple_value=1.0)]
    return Event(wall_time=time, step=step, summary=Summary(value=values))


def start(tag, step, value, time):
    return Event(wall_time=time, step=step, session_log=SessionLog(status=SessionLog.START))


def nothing(tag, step, value, time):
    return Event(wall_time=time, step=step, file_version=tag)


EVENTS = st.builds(
    lambda make, *arguments: make(*arguments).SerializeToString(),
    st.sampled_from([scalar_event] * 4 + [two_scalars, start, nothing]),
    st.sampled_from(TAGS),
    STEPS,
    FLOATS,
    st.sampled_from([0.0, 1.7e9, float("nan")]),
)
# Records that are nearly events: one byte of an event changed, its checksum right.
NEARLY = st.builds(
    lambda data, place, byte: data[: place % len(data)] + bytes([byte]) + data[place % len(data) + 1 :],
    EVENTS.filter(bool),
    st.integers(0, 400),
    st.integers(0, 255),
)


def write(path, datas):
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for data in datas:
            writer.write(data)
    return path


def comparable(file):
    """Return what a reader says of a file, tags by name, NaN comparable."""
    names = [file.tags[i] for i in file.tag_ids]
    numbers = [struct.pack("<d", value) for value in file.values]
    rest = {f.name: getattr(file, f.name) for f in dataclasses.fields(file)}
    times = [struct.pack("<d", rest.pop(key)) for key in ("first_time", "last_time")]
    for key in ("tags", "tag_ids", "values", "steps", "unknown_tags"):
        rest.pop(key)
    return names, file.steps.tolist(), numbers, times, sorted(file.unknown_tags), rest


def all_to_protobuf(batch, numbers):
    nothing = np.zeros(len(batch.starts))
    return Plain(np.full(len(nothing), OTHER), nothing.astype(np.int64), nothing, nothing)


def both_ways(path, wanted):
    fast = read_event_file(path, wanted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_columns, "decode", all_to_protobuf)
        slow = read_event_file(path, wanted)
    return comparable(fast), comparable(slow)


@given(st.lists(st.one_of(EVENTS, NEARLY), max_size=60), st.binary(max_size=20))
def test_it_reads_what_protobuf_reads(tmp_path_factory, datas, tail):
    path = write(tmp_path_factory.mktemp("plain") / "events.out.tfevents.1", datas)
    with path.open("ab") as file:
        file.write(tail)
    fast, slow = both_ways(path, lambda tag: tag != "x")
    assert fast == slow


@given(st.lists(EVENTS, min_size=8, max_size=24), st.integers(0, 10_000), st.integers(1, 255))
def test_damaged_events_are_read_as_protobuf_reads_them(tmp_path_factory, datas, place, flip):
    path = write(tmp_path_factory.mktemp("plain") / "events.out.tfevents.1", datas)
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= flip
    path.write_bytes(content)
    fast, slow = both_ways(path, lambda tag: True)
    assert fast == slow


def test_blocks_end_anywhere(tmp_path, monkeypatch):
    datas = [scalar_event("train/loss", i, i / 8, 1.7e9 + i).SerializeToString() for i in range(400)]
    path = write(tmp_path / "events.out.tfevents.1", datas)
    for block in (64, 100, 333, 4096):
        monkeypatch.setattr(tfrecord, "_BLOCK", block)
        fast, slow = both_ways(path, lambda tag: True)
        assert fast == slow
        assert fast[1] == list(range(400))


def test_plain_events_do_not_need_protobuf(tmp_path, monkeypatch):
    datas = [scalar_event(TAGS[i % 6], i * 40, i / 8, 1.7e9 + i).SerializeToString() for i in range(300)]
    content = write(tmp_path / "file", datas).read_bytes()
    (batch,) = batches(lambda offset, count: content[offset : offset + count], len(content), ReadIssues())
    assert isinstance(batch, Batch)
    plain = decode(batch, {tag.encode(): i for i, tag in enumerate(TAGS)})
    np.testing.assert_array_equal(plain.tag_ids, np.arange(300) % 6)
    np.testing.assert_array_equal(plain.steps, np.arange(300) * 40)
    np.testing.assert_array_equal(plain.values, np.arange(300) / 8)
    np.testing.assert_array_equal(plain.times, 1.7e9 + np.arange(300))
    odd = write(tmp_path / "odd", [two_scalars("x", 1, 2.0, 3.0).SerializeToString()]).read_bytes()
    (batch,) = batches(lambda offset, count: odd[offset : offset + count], len(odd), ReadIssues())
    assert decode(batch, {}).tag_ids.tolist() == [OTHER]


def test_what_holds_no_record_gives_no_batch():
    issues = ReadIssues()
    assert list(batches(lambda offset, count: b"x" * count, 100, issues)) == []
    assert issues.counts == {"corrupt": 1}
    assert list(batches(lambda offset, count: b"", 0, issues)) == []


def test_tags_that_share_a_slot_are_told_apart(monkeypatch):
    tags = [
        f"{start}/{'middle' * (i % 4)}{i}/{end}" for i in range(20) for start in ("a", "same") for end in ("b", "c")
    ]
    datas = [scalar_event(tag, 1, 0.5, 1.0).SerializeToString() for tag in tags * 2]
    (batch,) = _batches_of(datas)
    for bits in (1, 12):
        monkeypatch.setattr(scalar_events, "_SLOT_BITS", bits)
        asked = Counting({tag.encode(): i for i, tag in enumerate(tags)})
        np.testing.assert_array_equal(decode(batch, asked).tag_ids, [*range(len(tags))] * 2)
    assert len(asked.asked) == len(tags), "each is asked for once"


class Counting(dict):
    def __init__(self, *args):
        super().__init__(*args)
        self.asked = []

    def __getitem__(self, key):
        self.asked.append(key)
        return super().__getitem__(key)


def _batches_of(datas):
    content = b"".join(
        part + masked(crc32c(part)).to_bytes(4, "little")
        for data in datas
        for part in (len(data).to_bytes(8, "little"), data)
    )
    return batches(lambda offset, count: content[offset : offset + count], len(content), ReadIssues())


def test_a_run_of_a_current_writer_does_not_need_protobuf():
    """The first record of such a file also says what wrote it."""
    run = Path(__file__).parents[1] / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"
    code = "import sys; from rldoctor.logs import read_run; from pathlib import Path; "
    code += f"run = read_run(Path({str(run)!r})); "
    code += "assert run.curves and not run.findings; print(*(name for name in sys.modules if 'protobuf' in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"file_version": "brain.Event:2"}, True),
        ({"file_version": "brain.Event:2", "source_metadata": {"writer": "a.writer"}}, True),
        ({"file_version": "brain.Event:2", "source_metadata": {}}, False),
        ({"file_version": "brain.Event:2", "step": 3}, False),
        ({"source_metadata": {"writer": "a.writer"}}, False),
        ({"summary": {"value": [{"tag": "a", "simple_value": 1.0}]}}, False),
    ],
)
def test_only_what_states_the_version_is_taken_for_it(fields, version):
    data = Event(wall_time=1.7e9, **fields).SerializeToString()
    assert event_columns.is_version(data) is version
    assert not event_columns.is_version(data[:-1])
