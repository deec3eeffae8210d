"""Large files, whose points are sorted by tag while they are read, come out as all others do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary

from rldoctor.logs.formats import event_columns, tfevents
from rldoctor.logs.formats.tfevents import read_event_file, read_event_files
from rldoctor.logs.merge import in_their_order, merge


def scalars(steps, tags=("train/loss", "rollout/ep_rew_mean", "x")):
    for step in steps:
        for i, tag in enumerate(tags):
            value = Summary.Value(tag=tag, simple_value=step / 8 + i)
            yield Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=[value])).SerializeToString()


def start(step):
    return Event(wall_time=1.7e9, step=step, session_log=SessionLog(status=SessionLog.START)).SerializeToString()


def double(step):
    """Return an event whose value single precision cannot hold."""
    value = Summary.Value(tag="train/loss")
    value.tensor.dtype = 2
    value.tensor.double_val.append(1 / 3)
    return Event(wall_time=1.7e9, step=step, summary=Summary(value=[value])).SerializeToString()


@pytest.fixture(autouse=True)
def all_are_large(monkeypatch):
    monkeypatch.setattr(tfevents, "_LARGE", 0)
    monkeypatch.setattr(event_columns, "_AT_A_TIME", 50)


def wanted(tag):
    return tag != "x"


@pytest.mark.parametrize(
    ("datas", "sorted_by_tag"),
    [
        ([*scalars(range(200))], True),
        ([start(7), *scalars(range(7, 90))], True),
        ([*scalars([1, 2, 2, 2, 3, *range(3, 100)])], True),
        ([*scalars(range(60)), *[double(60)] * 3], True),
        ([*scalars(range(60)), *scalars(range(60, 120), ("train/loss",)), *scalars(range(120, 130))], True),
        ([*scalars([0] * 80)], True),
        ([*scalars(range(100)), *scalars(range(30, 140))], False),
        ([*scalars(range(100)), start(50), *scalars(range(50, 140))], False),
        ([start(0)], True),
    ],
)
def test_they_are_read_as_any_other(make, tmp_path, datas, sorted_by_tag):
    path = tmp_path / "events.out.tfevents.1.a"
    path.write_bytes(b"".join(map(make.record, datas)) + b"torn")
    (large,) = read_event_files([path], wanted)
    plain = read_event_file(path, wanted)
    assert bool(large.points) == (sorted_by_tag and plain.count > 0)
    assert large.count == plain.count
    columns = {"tags", "tag_ids", "steps", "values", "points"}
    for field in dataclasses.fields(plain):
        if field.name not in columns:
            np.testing.assert_equal(getattr(large, field.name), getattr(plain, field.name))
    assert np.array_equal(np.sort(large.flat().values), np.sort(plain.values))
    same(merge(in_their_order([large])[0]), merge(in_their_order([plain])[0]))


def test_with_other_files_they_are_put_in_sequence(make, tmp_path):
    paths = [tmp_path / f"events.out.tfevents.{second}.a" for second in (1, 2)]
    paths[0].write_bytes(b"".join(map(make.record, scalars(range(100)))))
    paths[1].write_bytes(b"".join(map(make.record, [start(80), *scalars(range(80, 150))])))
    large, plain = read_event_files(paths, wanted), [read_event_file(path, wanted) for path in paths]
    assert all(file.points for file in large)
    same(merge(large), merge(plain))
    # A later session that logged nothing yet purges all the same.
    paths[1].write_bytes(make.record(start(80)))
    large, plain = read_event_files(paths, wanted), [read_event_file(path, wanted) for path in paths]
    same(merge(large), merge(plain))
    assert len(merge(large).points["train/loss"][0]) == 80


def same(one, other):
    assert list(one.points) == list(other.points)
    for tag, (steps, values) in one.points.items():
        np.testing.assert_array_equal(steps, other.points[tag][0])
        np.testing.assert_array_equal(values, other.points[tag][1])
        assert values.dtype == np.float64
    assert (one.mixed, one.overlaps) == (other.mixed, other.overlaps)


def test_tags_of_one_step_share_it_wherever_they_were_cut_apart(make, tmp_path):
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(map(make.record, scalars(range(200)))))
    (file,) = read_event_files([path], wanted)
    assert len({id(steps) for steps, _ in file.points.values()}) == 1
