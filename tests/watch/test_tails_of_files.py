"""Files that grow while they are watched: only what is new is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rldoctor.logs import read_run
from rldoctor.logs.series import MOST_POINTS
from rldoctor.watch.tail import EventTail, TableTail
from tests.watch.watched import SICK, events_of, table


def test_an_event_file_that_grows_by_bytes_gives_what_reading_it_whole_gives(tmp_path: Path) -> None:
    content = events_of(SICK).read_bytes()
    path = tmp_path / events_of(SICK).name
    tail = EventTail(path, lambda _: True)
    # Cut at odd places, most of them within a record.
    for end in [*range(1000, len(content), 7919), len(content)]:
        path.write_bytes(content[:end])
        tail.poll()
    whole = EventTail(path, lambda _: True)
    whole.poll()
    for one, other in zip(tail.log_file().tags, whole.log_file().tags, strict=True):
        assert one == other
    np.testing.assert_array_equal(tail.log_file().values, whole.log_file().values)
    shutil.copy(SICK / "run.json", tmp_path)
    expected = read_run(tmp_path)
    got = read_run(tmp_path, main=[tail.log_file()])
    for name, curve in expected.curves.items():
        np.testing.assert_array_equal(curve.values, got.curves[name].values)


def test_only_new_bytes_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "progress.csv"
    table(path, range(1, 5))
    tail = TableTail(path, lambda _: True)
    assert tail.poll() and tail.points == 4
    monkeypatch.setattr("rldoctor.watch.tail.open_log", lambda _: pytest.fail("nothing new is there to be read"))
    assert not tail.poll()


def test_half_a_row_waits_for_its_other_half(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    table(path, range(1, 4), last="4000,4,0.0")
    tail = TableTail(path, lambda _: True)
    tail.poll()
    assert tail.points == 3
    with path.open("a") as file:
        file.write("1,0.1\n")
    tail.poll()
    assert tail.points == 4 and not tail.log_file().issues.counts


def test_json_lines_and_a_file_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    path.write_text('{"time/total_timesteps": 10, "rollout/ep_rew_mean": 1.0}\n{"broken\n')
    tail = TableTail(path, lambda _: True)
    tail.poll()
    assert tail.points == 1 and tail.log_file().issues.counts == {"corrupt": 1}
    path.write_text('{"time/total_timesteps": 5, "rollout/ep_rew_mean": 2.0}\n')
    tail.poll()
    assert tail.log_file().values.tolist() == [2.0]


def test_a_day_of_points_takes_no_more_memory_than_an_hour(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    tail = TableTail(path, lambda _: True)
    for hour in range(3):
        with path.open("a") as file:
            if not hour:
                file.write("step,rollout/ep_rew_mean\n")
            file.writelines(f"{hour * 6000 + row},1.0\n" for row in range(6000))
        tail.poll()
        assert tail.points <= MOST_POINTS
    assert tail.log_file().steps[-1] == 17_999
