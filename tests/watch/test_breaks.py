"""Runs that vanish, begin again, or sleep, and clocks that differ: what a watcher makes of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.watch.watched import SICK, table, watcher


def events_at(path: Path, points: dict[int, float]) -> None:
    """Write an event file of one tag: wall time to step / 1000."""
    with path.open("wb") as file:
        writer = RecordWriter(file)
        for step, at in points.items():
            summary = Summary(value=[Summary.Value(tag="rollout/ep_rew_mean", simple_value=1.0)])
            writer.write(Event(wall_time=at, step=step, summary=summary).SerializeToString())


def test_a_log_that_is_written_anew_is_judged_anew(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.csv", [2e9]
    table(path, range(1, 10))
    runs = watcher(tmp_path, clock, planned=100_000)
    runs.poll()
    (followed,) = runs.runs.values()
    assert followed.examinations.upto == 9000
    path.unlink()
    # Longer than before, of fewer steps: the size alone does not show it.
    table(path, range(1, 4), last="# " + 500 * "x" + "\n")
    said = [event.text for event in runs.poll()]
    assert said == ["its log begins again: judged from there."]
    assert followed.row.step == 3000 and followed.examinations.upto == 3000


def test_a_column_that_is_added_to_a_table_is_read_and_is_no_new_run(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.csv", [2e9]
    table(path, range(1, 4))
    runs = watcher(tmp_path, clock, planned=100_000)
    runs.poll()
    # As Stable-Baselines3's CSV logger does with the first update: in place, with a wider header.
    lines = path.read_text().splitlines()
    with path.open("r+") as file:
        file.write("\n".join([f"{lines[0]},train/std", *(f"{line}," for line in lines[1:]), "4000,4,0.01,0.1,0.5", ""]))
    assert runs.poll() == []
    (followed,) = runs.runs.values()
    assert followed._tails is not None and followed.row.step == 4000
    assert "train/std" in followed._tails[0].log_file().tags


def test_a_second_training_in_the_same_folder_is_followed_from_its_first_step(tmp_path: Path) -> None:
    clock = [3e9]
    events_at(tmp_path / "events.out.tfevents.1000000000.elsewhere.1.0", {step: 1e9 + step for step in (1000, 9000)})
    runs = watcher(tmp_path, clock, planned=100_000)
    runs.poll()
    assert runs.rows[0].step == 9000
    events_at(tmp_path / "events.out.tfevents.1000100000.elsewhere.2.0", {step: 1.0001e9 + step for step in (500, 800)})
    clock[0] += 20
    runs.poll()
    (followed,) = runs.runs.values()
    assert followed.row.step == 800 and followed.examinations.upto == 800


def test_a_run_whose_folder_has_gone_is_said_once(tmp_path: Path) -> None:
    clock = [2e9]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        table(tmp_path / name / "progress.csv", range(1, 4))
    runs = watcher(tmp_path, clock)
    runs.poll()
    shutil.rmtree(tmp_path / "a")
    told = []
    for _ in range(3):
        clock[0] += 20
        told += [event.text for event in runs.poll()]
    assert told.count("its folder has gone.") == 1 and len(runs.rows) == 1


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
def test_the_clock_of_a_file_server_makes_nothing_stalled(ahead: float, tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.csv", [2e9]
    table(path, range(1, 4))
    runs = watcher(tmp_path, clock, planned=100_000)
    states = []
    for row in range(4, 24):
        table(path, range(row, row + 1))
        os.utime(path, (clock[0] + ahead, clock[0] + ahead))
        runs.poll()
        states.append(runs.rows[0].state)
        clock[0] += 4
    assert states[1:] == ["running"] * 19
    # It is silent now, whatever the file's time says.
    for _ in range(20):
        clock[0] += 4
        runs.poll()
    assert runs.rows[0].state == "stalled"


def test_a_run_that_logs_once_in_a_while_is_not_stalled_between_its_points(tmp_path: Path) -> None:
    path, clock, states = tmp_path / "progress.csv", [1e9], set()
    runs = watcher(tmp_path, clock, planned=100_000)
    for row in range(1, 6):
        table(path, range(row, row + 1))
        os.utime(path, (clock[0], clock[0]))
        for _ in range(20):
            runs.poll()
            # Before the second point nobody knows how long it takes.
            states |= {runs.rows[0].state} if row > 2 else set()
            clock[0] += 4
    assert states == {"running"}


def test_what_slept_with_its_machine_is_not_stalled_at_once(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.csv", [1e9]
    table(path, range(1, 4))
    os.utime(path, (1e9, 1e9))
    runs = watcher(tmp_path, clock, planned=100_000)
    runs.poll()
    clock[0] += 8 * 3600
    runs.poll()
    assert runs.rows[0].state == "running"
    for _ in range(20):
        clock[0] += 4
        runs.poll()
    assert runs.rows[0].state == "stalled"


def test_a_clock_that_is_set_back_hides_no_new_run(tmp_path: Path) -> None:
    clock = [2e9]
    runs = watcher(tmp_path, clock)
    runs.poll()
    table(tmp_path / "progress.csv", range(1, 4))
    clock[0] -= 3600
    runs.poll()
    assert len(runs.rows) == 1


def test_of_runs_that_had_ended_before_only_the_end_is_said(tmp_path: Path) -> None:
    shutil.copytree(SICK, tmp_path / "a")
    runs = watcher(tmp_path, [2e9])
    (said,) = [event.text for event in runs.poll()]
    # The examinations that it would have had are not made up for: thousands of old runs would take long.
    assert said.startswith("finished: sick.") and runs.runs[tmp_path / "a"].examinations.upto == -1
