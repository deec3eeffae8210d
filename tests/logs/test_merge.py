from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rldoctor.logs.formats.log_file import LogFile
from rldoctor.logs.merge import merge


def file(name: str, points: list[tuple[str, int, float]], purges=(), first=0.0, last=0.0) -> LogFile:
    tags = tuple(dict.fromkeys(tag for tag, _, _ in points))
    return LogFile(
        Path(name),
        tags=tags,
        tag_ids=np.array([tags.index(tag) for tag, _, _ in points], np.int64),
        steps=np.array([step for _, step, _ in points], np.int64),
        values=np.array([value for _, _, value in points], np.float64),
        purges=tuple(purges),
        first_time=first,
        last_time=last,
    )


def curve(steps, value=float, tag="a"):
    return [(tag, step, value(step)) for step in steps]


def result(merged, tag="a"):
    steps, values = merged.points[tag]
    return list(zip(steps.tolist(), values.tolist(), strict=True))


def other(step: int) -> float:
    return -float(step)


def test_no_file_and_no_point():
    assert merge([]).points == {}
    assert merge([file("x", [])]).points == {}


def test_a_continued_run_is_silent():
    merged = merge([file("x", curve(range(0, 50, 10))), file("y", curve(range(50, 90, 10)))])
    assert [step for step, _ in result(merged)] == list(range(0, 90, 10))
    assert merged.mixed == merged.overlaps == ()


def test_of_several_points_at_one_step_the_last_stays():
    merged = merge([file("x", [("a", 1, 1.0), ("a", 1, 2.0), ("a", 2, 3.0)]), file("y", [("a", 2, 4.0)])])
    assert result(merged) == [(1, 2.0), (2, 4.0)]
    assert merged.mixed == ()


def test_a_run_that_begins_again_is_mixed_and_only_the_last_is_kept():
    merged = merge([file("x", curve(range(10, 100, 10))), file("y", curve(range(10, 50, 10), other))])
    assert result(merged) == [(step, -float(step)) for step in range(10, 50, 10)]
    (found,) = merged.mixed
    assert (found.earlier, found.later, found.from_step, found.to_step, found.dropped) == ("x", "y", 90, 10, 9)


def test_a_fresh_run_with_longer_rollouts_is_mixed():
    merged = merge([file("x", curve(range(10, 1000, 10))), file("y", curve(range(160, 1000, 160), other))])
    assert len(merged.mixed) == 1
    assert result(merged)[0] == (160, -160.0)


def test_train_tags_that_begin_one_interval_late_are_a_fresh_run_too():
    merged = merge([file("x", curve(range(10, 100, 10))), file("y", curve(range(20, 100, 10), other))])
    assert len(merged.mixed) == 1


def test_a_run_resumed_from_a_checkpoint_goes_on_from_there():
    merged = merge([file("x", curve(range(10, 100, 10))), file("y", curve(range(80, 120, 10), other))])
    assert result(merged) == [(s, float(s)) for s in range(10, 80, 10)] + [(s, other(s)) for s in range(80, 120, 10)]
    assert merged.mixed == ()
    (found,) = merged.overlaps
    assert (found.from_step, found.to_step, found.dropped) == (90, 80, 2)


def test_two_writers_at_once_are_mixed_wherever_the_second_begins():
    merged = merge(
        [
            file("x", curve(range(10, 100, 10)), first=0, last=100),
            file("y", curve(range(80, 120, 10), other), first=50, last=120),
        ]
    )
    assert merged.mixed[0].at_once
    assert [step for step, _ in result(merged)] == [80, 90, 100, 110]


def test_a_step_back_within_a_file_is_mixed():
    both = [(tag, s, v) for v in (1.0, 2.0) for s in range(10, 60, 10) for tag in ("a", "b")]
    merged = merge([file("w", curve([1, 2])), file("x", both)])
    assert result(merged) == [(s, 2.0) for s in range(10, 60, 10)]
    assert [step for step, _ in result(merged, "b")] == list(range(10, 60, 10))
    assert (merged.mixed[0].earlier, merged.mixed[0].later) == ("x", "x")


def test_a_copied_file_is_silent():
    points = [*curve(range(10, 100, 10)), ("a", 100, math.nan)]
    merged = merge([file("x", points), file("x copy", points[:5]), file("x longer", [*points, ("a", 110, 1.0)])])
    assert merged.mixed == merged.overlaps == ()
    assert [step for step, _ in result(merged)] == list(range(10, 120, 10))


def test_files_with_different_tags_are_one_run():
    merged = merge([file("x", curve(range(10, 100, 10))), file("y", curve(range(5, 50, 5), tag="b"))])
    assert merged.mixed == ()
    assert set(merged.points) == {"a", "b"}


def test_a_purge_overtakes_earlier_points_of_all_tags():
    merged = merge(
        [
            file("x", curve(range(10, 60, 10)) + curve(range(10, 60, 10), tag="b")),
            file("y", curve(range(40, 80, 10), other), purges=[(0, 31)]),
        ]
    )
    assert merged.mixed == merged.overlaps == ()
    assert result(merged) == [(10, 10.0), (20, 20.0), (30, 30.0), (40, -40.0), (50, -50.0), (60, -60.0), (70, -70.0)]
    assert [step for step, _ in result(merged, "b")] == [10, 20, 30]


def test_a_tag_of_which_nothing_is_left_may_come_back_later():
    """All of b lies behind the checkpoint that the second file goes on from."""
    first = file("x", [*curve(range(10, 60, 10)), ("b", 45, 1.0)])
    merged = merge([first, file("y", curve(range(40, 80, 10), other)), file("z", [*curve([80, 90]), ("b", 80, 2.0)])])
    assert [step for step, _ in result(merged)] == list(range(10, 100, 10))
    assert result(merged, "b") == [(80, 2.0)]
    assert len(merged.overlaps) == 1


def test_a_purge_at_zero_begins_anew():
    merged = merge([file("x", curve([1, 2, 3])), file("y", curve([1, 2], other), purges=[(0, 0)])])
    assert result(merged) == [(1, -1.0), (2, -2.0)]
    assert merged.mixed == ()


def test_steps_of_64_bits():
    steps = [-(2**63), 0, 2**63 - 1]
    merged = merge([file("x", curve(steps)), file("y", curve(steps, other))])
    assert len(merged.mixed) == 1
    assert merge([file("x", curve(steps))]).points["a"][0].tolist() == steps


_points = st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.floats(0, 9))
_files = st.lists(
    st.tuples(st.lists(_points, max_size=12), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=2)),
    max_size=4,
)


@given(_files)
def test_purges_as_by_walking_event_after_event(contents):
    files, events = [], []
    for number, (points, purges) in enumerate(contents):
        at = sorted((min(position, len(points)), step) for position, step in purges)
        files.append(file(str(number), points, at))
        for i in range(len(points) + 1):
            events += [("purge", step) for position, step in at if position == i]
            events += [points[i]] if i < len(points) else []
    slow: list[tuple[str, int, float]] = []
    for event in events:
        slow = [p for p in slow if p[1] < event[1]] if event[0] == "purge" else [*slow, event]
    merged = merge(files)
    kept = {(tag, s, v) for tag in merged.points for s, v in result(merged, tag)}
    assert kept <= set(slow)
    for steps, _ in merged.points.values():
        assert (np.diff(steps) > 0).all()
    backwards = any(
        later[0] == earlier[0] and later[1] < earlier[1] for i, later in enumerate(slow) for earlier in slow[:i]
    )
    if not backwards:
        assert kept == {(tag, s, v) for (tag, s), v in {(t, s): v for t, s, v in slow}.items()}
        assert merged.mixed == merged.overlaps == ()
