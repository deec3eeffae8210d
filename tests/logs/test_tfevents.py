from __future__ import annotations

import gzip
import math
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from rldoctor.logs.formats import event_columns
from rldoctor.logs.formats.log_file import LogFile
from rldoctor.logs.formats.tfevents import read_event_file


def everything(tag: str) -> bool:
    return True


def points(file: LogFile) -> list[tuple[str, int, float]]:
    return [
        (file.tags[tag], step, value)
        for tag, step, value in zip(file.tag_ids.tolist(), file.steps.tolist(), file.values.tolist(), strict=True)
    ]


def test_tensorboards_event_file_writer(tmp_path, make):
    writer = EventFileWriter(str(tmp_path))
    for step in range(3):
        writer.add_event(make.scalars(step, {"a": step / 2, "b": 0.0}))
    writer.close()
    (path,) = tmp_path.iterdir()
    file = read_event_file(path, everything)
    assert points(file) == [(tag, s, v) for s in range(3) for tag, v in (("a", s / 2), ("b", 0.0))]
    assert file.issues.counts == {}
    assert file.size == path.stat().st_size


def test_torchs_summary_writer_and_its_purge(tmp_path):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(str(tmp_path), purge_step=7) as writer:
        writer.add_scalar("old", 0.25, 8)
        writer.add_scalar("new", 0.5, 9, new_style=True)
        writer.add_scalar("double", 0.1, 9, new_style=True, double_precision=True)
        writer.add_text("text", "words", 9)
        writer.add_histogram("histogram", np.arange(10.0), 9)
    (path,) = tmp_path.iterdir()
    file = read_event_file(path, everything)
    assert points(file) == [("old", 8, 0.25), ("new", 9, 0.5), ("double", 9, 0.1)]
    assert file.purges == ((0, 7),)


def test_cut_at_every_byte_whole_records_stay(tmp_path, make):
    events = [make.start, *(make.scalars(step, {"a": step + 0.5}) for step in range(8))]
    ends = np.cumsum([len(make.content([event])) for event in events]).tolist()
    content = make.content(events)
    path = tmp_path / "tfevents"
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        file = read_event_file(path, everything)
        whole = sum(end <= cut for end in ends)
        assert file.values.tolist() == [step + 0.5 for step in range(max(whole - 1, 0))]
        expected = {} if cut in ends[1:] else {"empty": 1} if cut in (0, ends[0]) else {"truncated": 1}
        assert file.issues.counts == expected, cut
        if "truncated" in expected:
            assert file.issues.first[0].offset == max((end for end in ends if end <= cut), default=0)


def test_a_flipped_bit_anywhere_never_changes_a_value(tmp_path, make):
    content = make.content([make.start, *(make.scalars(step, {"a": step + 0.5}) for step in range(5))])
    truth = {("a", step, step + 0.5) for step in range(5)}
    path = tmp_path / "tfevents"
    for at in range(len(content)):
        for bit in (0, 3, 7):
            damaged = bytearray(content)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)
            file = read_event_file(path, everything)
            kept = set(points(file))
            assert kept <= truth
            assert len(kept) >= 4, "one flipped bit costs one record at most"
            assert file.issues.counts, (at, bit)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"x", "truncated"),
        (b"step,reward\n1,2\n" * 100, "corrupt"),
        (gzip.compress(b"some log " * 100), "corrupt"),
        (os.urandom(5000), "corrupt"),
        (bytes(5000), "corrupt"),
    ],
    ids=["nothing", "one byte", "text", "gzip", "noise", "zeros"],
)
def test_no_event_file(tmp_path, content, kind):
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(content)
    file = read_event_file(path, everything)
    assert file.issues.counts == {kind: 1}
    assert len(file.steps) == 0


def test_a_sound_record_that_is_no_event_is_corrupt(tmp_path, make):
    path = tmp_path / "tfevents"
    path.write_bytes(make.record(b"\xff\xff\xff") + make.content([make.scalars(1, {"a": 2.0})]))
    file = read_event_file(path, everything)
    assert points(file) == [("a", 1, 2.0)]
    assert file.issues.counts == {"corrupt": 1}


def test_steps_of_64_bits_special_values_and_names_are_kept(tmp_path, make):
    steps = [-(2**63), -5, 0, 2**62, 2**63 - 1]
    values = [math.nan, math.inf, -math.inf, -0.0, 3.4e38]
    tag = "a\n\x1b[31m[red]é\u202e"
    path = make.file(tmp_path / "x", [make.scalars(s, {tag: v}) for s, v in zip(steps, values, strict=True)])
    file = read_event_file(path, everything)
    assert file.tags == (tag,)
    assert file.steps.tolist() == steps
    assert np.array_equal(file.values, np.float32(values), equal_nan=True)


def tensor(dtype: int, shape: list[int], **content: object) -> TensorProto:
    dims = [TensorShapeProto.Dim(size=size) for size in shape]
    return TensorProto(dtype=dtype, tensor_shape=TensorShapeProto(dim=dims), **content)


TENSORS = [
    (tensor(1, [], float_val=[1.5]), 1.5),
    (tensor(1, [1], float_val=[1.5]), 1.5),
    (tensor(1, [], tensor_content=np.float32(0.1).tobytes()), float(np.float32(0.1))),
    (tensor(2, [], double_val=[0.1]), 0.1),
    (tensor(2, [1], tensor_content=np.float64(-0.1).tobytes()), -0.1),
    (tensor(3, [], int_val=[-7]), -7.0),
    (tensor(9, [], int64_val=[2**40]), 2.0**40),
    (tensor(9, [], tensor_content=np.int64(-3).tobytes()), -3.0),
    (tensor(10, [], bool_val=[True]), 1.0),
    (tensor(19, [], half_val=[int(np.float16(-2.5).view(np.uint16))]), -2.5),
    (tensor(19, [], tensor_content=np.float16(0.5).tobytes()), 0.5),
    (tensor(1, [2], float_val=[1.0, 2.0]), None),
    (tensor(1, [1, 1], float_val=[1.0]), None),
    (tensor(1, [], tensor_content=b"abc"), None),
    (tensor(1, []), None),
    (tensor(7, [], string_val=[b"text"]), None),
    (tensor(99, []), None),
]


@pytest.mark.parametrize(("content", "expected"), TENSORS)
def test_tensor_scalars(tmp_path, make, content, expected):
    file = read_event_file(make.file(tmp_path / "x", [make.tensor(3, "a", content)]), everything)
    assert points(file) == ([] if expected is None else [("a", 3, expected)])


def test_tensors_of_other_plugins_are_no_scalars(tmp_path, make):
    event = make.tensor(3, "a", TENSORS[0][0], plugin="pr_curves")
    assert points(read_event_file(make.file(tmp_path / "x", [event]), everything)) == []


def test_unwanted_tags_are_listed_up_to_a_limit(tmp_path, make, monkeypatch):
    monkeypatch.setattr(event_columns, "MAX_UNKNOWN_TAGS", 10)
    events = [make.scalars(step, {f"t{i}": 1.0 for i in range(25)} | {"good": 2.0}) for step in range(2)]
    file = read_event_file(make.file(tmp_path / "x", events), lambda tag: tag == "good")
    assert points(file) == [("good", 0, 2.0), ("good", 1, 2.0)]
    assert file.unknown_tags == tuple(f"t{i}" for i in range(10))


def test_an_event_with_many_values_and_none(tmp_path, make):
    many = Event(step=1, summary=Summary(value=[Summary.Value(tag=f"t{i}", simple_value=i) for i in range(1000)]))
    nothing = Event(step=1, summary=Summary(value=[Summary.Value(tag="none")]))
    file = read_event_file(make.file(tmp_path / "x", [many, nothing]), everything)
    assert len(points(file)) == 1000
    assert "none" not in file.tags


def test_read_while_a_writer_appends(tmp_path, make):
    path = tmp_path / "tfevents"
    content = make.content([make.start, *(make.scalars(step, {"a": float(step)}) for step in range(2000))])
    done = threading.Event()

    def append() -> None:
        with path.open("wb", buffering=0) as out:
            for at in range(0, len(content), 37):
                out.write(content[at : at + 37])
        done.set()

    path.touch()
    thread = threading.Thread(target=append)
    thread.start()
    lengths = []
    while not done.is_set():
        file = read_event_file(path, everything)
        assert file.values.tolist() == [float(step) for step in range(len(file.values))]
        assert set(file.issues.counts) <= {"truncated", "empty"}
        lengths.append(len(file.values))
    thread.join()
    assert lengths == sorted(lengths)
    assert len(read_event_file(path, everything).values) == 2000


def test_growth_during_the_read_is_told(tmp_path, make):
    path = make.file(tmp_path / "x", [make.scalars(1, {"a": 1.0})])

    def wanted(tag: str) -> bool:
        with path.open("ab") as more:
            more.write(b"more")
        return True

    file = read_event_file(path, wanted)
    assert file.grew
    assert file.issues.counts == {}


def test_pipes_loops_directories_and_missing_files_are_troubles(tmp_path):
    pipe, loop = tmp_path / "pipe", tmp_path / "loop"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path, what in (
        (pipe, "cannot be read: it is not a plain file"),
        (loop, "cannot be read: it is a loop of symbolic links"),
        (tmp_path, "cannot be read: is a directory"),
        (tmp_path / "none", "cannot be read: no such file or directory"),
    ):
        issues = read_event_file(path, everything).issues
        assert issues.counts == {"unreadable": 1}
        assert issues.first[0].what == what


def test_permission_denied_is_a_trouble(tmp_path, monkeypatch):
    def denied(*args: object, **more: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    issues = read_event_file(Path("x"), everything).issues
    assert issues.first[0].what == "cannot be read: permission denied"


@given(st.lists(st.binary(max_size=60), max_size=8), st.binary(max_size=30))
def test_no_payload_breaks_the_parser(tmp_path_factory, datas, tail):
    from tensorboard.summary.writer.record_writer import RecordWriter

    path = tmp_path_factory.mktemp("fuzz") / "tfevents"
    with path.open("wb") as out:
        for data in datas:
            RecordWriter(out).write(data)
        out.write(tail)
    file = read_event_file(path, everything)
    assert len(file.steps) == len(file.values) == len(file.tag_ids)


def test_more_tags_than_anybody_can_use(tmp_path, make, monkeypatch):
    monkeypatch.setattr(event_columns, "_MOST_TAGS", 50)
    events = [make.scalars(1, {"good": 1.0, **{f"t{i}": 1.0 for i in range(49)}}), make.scalars(2, {"good": 2.0})]
    path = make.file(tmp_path / "x", events)
    assert read_event_file(path, everything).issues.counts == {}
    before = path.stat().st_size
    with path.open("ab") as more:
        more.write(make.content([make.scalars(3, {"one more": 1.0, "good": 3.0})]))
    file = read_event_file(path, everything)
    assert [point for point in points(file) if not point[0].startswith("t")] == [("good", s, s) for s in (1, 2, 3)]
    assert [(t.kind, t.offset) for t in file.issues.first] == [("too-many-tags", before)]


def test_a_tag_of_megabytes_is_not_kept(tmp_path, make):
    file = read_event_file(make.file(tmp_path / "x", [make.scalars(1, {"a" * 2**20: 1.0, "b": 2.0})]), everything)
    assert points(file) == [("b", 1, 2.0)]
    assert file.unknown_tags == ("a" * 100 + "...",)
