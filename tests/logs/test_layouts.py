"""Event files that differ in times, values and checksums alone are read in less time, and as all others are."""

from __future__ import annotations

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from rldoctor.logs.formats import layouts
from rldoctor.logs.formats.tfevents import read_event_file, read_event_files
from rldoctor.logs.merge import in_their_order, merge
from rldoctor.logs.read_issues import file_findings

TAGS = ("train/loss", "rollout/ep_rew_mean", "x")


def wanted(tag):
    return tag != "x"


def write(make, path, datas):
    path.write_bytes(b"".join(map(make.record, datas)))
    return path


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(layouts, "_known", {})


def version(at):
    return Event(wall_time=at, file_version="brain.Event:2").SerializeToString()


def scalars(seed, steps=range(64, 640, 64), tags=TAGS):
    draw = np.random.default_rng(seed)
    for step in steps:
        for tag in tags:
            value = Summary.Value(tag=tag, simple_value=draw.normal())
            event = Event(wall_time=1.7e9 + seed + draw.random(), step=step, summary=Summary(value=[value]))
            yield event.SerializeToString()


def same(one, other):
    """Return whether two files have the same content, whatever they hold it in."""
    points, others = (merge(in_their_order([file])[0]).points for file in (one, other))
    assert points.keys() == others.keys()
    for tag, columns in points.items():
        for values, expected in zip(columns, others[tag], strict=True):
            np.testing.assert_array_equal(values, expected)
            assert values.dtype == expected.dtype
    names = ("path", "size", "tags", "unknown_tags", "first_time", "last_time", "grew", "purges", "issues", "count")
    assert [getattr(one, name) for name in names] == [getattr(other, name) for name in names]
    assert file_findings([one], False) == file_findings([other], False)


def test_the_third_file_of_a_kind_and_all_later_ones_are_read_by_the_layout_of_the_others(make, tmp_path):
    by_layout = []
    for seed in range(5):
        path = write(make, tmp_path / str(seed), [version(1e9 + seed), *scalars(seed)])
        (file,) = read_event_files([path], wanted)
        same(file, read_event_file(path, wanted))
        by_layout.append(bool(file.points))
    assert by_layout == [False, False, True, True, True]


def changed(datas, place, data):
    return [*datas[:place], data, *datas[place + 1 :]]


OTHERS = {
    "a tag of the same length": lambda datas: changed(datas, 4, datas[4].replace(b"train/loss", b"train/less")),
    "an unknown tag": lambda datas: changed(datas, 6, datas[6].replace(b"x", b"y")),
    "a step": lambda datas: [version(1.0), *scalars(9, range(65, 641, 64))],
    "the version": lambda datas: changed(datas, 0, datas[0].replace(b"Event:2", b"Event:3")),
    "two records in turn": lambda datas: [*datas[:4], datas[5], datas[4], *datas[6:]],
    "what is no scalar": lambda datas: changed(datas, 4, b"\x0a" + datas[4][1:]),
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_a_file_that_differs_in_anything_else_is_read_by_itself(make, tmp_path, change):
    for seed in range(3):
        read_event_files([write(make, tmp_path / str(seed), [version(1.0), *scalars(seed)])], wanted)
    assert any(isinstance(layout, layouts.Layout) for layout in layouts._known.values())
    path = write(make, tmp_path / "other", change([version(1.0), *scalars(7)]))
    (file,) = read_event_files([path], wanted)
    assert not file.points
    same(file, read_event_file(path, wanted))


@pytest.mark.parametrize("at", [3, 40, 45, 100, 104, 300, -2])
def test_a_damaged_byte_is_found(make, tmp_path, at):
    for seed in range(3):
        read_event_files([write(make, tmp_path / str(seed), [version(1.0), *scalars(seed)])], wanted)
    path = write(make, tmp_path / "damaged", [version(1.0), *scalars(7)])
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)
    (file,) = read_event_files([path], wanted)
    assert file.issues.counts
    same(file, read_event_file(path, wanted))


@pytest.mark.parametrize(
    "datas",
    [
        [*scalars(0, [64, 128, 64])],
        [*scalars(0, [64, 64, 128])],
        [*scalars(0), Event(wall_time=1.0, step=3, session_log={"status": 1}).SerializeToString()],
        [
            Event(
                wall_time=1.0, summary=Summary(value=[Summary.Value(tag="a" * 200, simple_value=1)])
            ).SerializeToString()
        ],
        [version(1.0)],
        [],
    ],
)
def test_no_layout_is_made_of_what_is_no_row_of_plain_scalars(make, tmp_path, datas):
    for place in range(3):
        path = write(make, tmp_path / str(place), datas)
        (file,) = read_event_files([path], wanted)
        assert not file.points
        same(file, read_event_file(path, wanted))


def test_what_is_wanted_otherwise_is_read_otherwise(make, tmp_path):
    path = write(make, tmp_path / "a", [version(1.0), *scalars(0)])
    for _ in range(3):
        assert read_event_files([path], wanted)[0].tags == TAGS[:2]
    assert read_event_files([path], bool)[0].tags == TAGS
