"""Runs watched from outside: sick ones are told with their cause, and what ended is told from what runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.corpus import RECORDED
from rldoctor.cli.app import application
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Verdict, WatchRow
from rldoctor.render.terminal.watch import watch_table
from rldoctor.watch import writer as writer_module
from rldoctor.watch.writer import writer_of
from tests.watch.watched import HEALTHY, SICK, events_of, running_copy, table, watcher


def test_a_sick_run_is_told_with_its_cause_and_what_would_withdraw_it(tmp_path: Path) -> None:
    clock = [0.0]
    running_copy(tmp_path / "a")
    runs = watcher(tmp_path, clock, planned=200_000)
    said = [event.text for event in runs.poll(all_of_it=True)]
    assert any("sick" in text and "Withdrawn when" in text for text in said)
    (row,) = runs.rows
    assert row.verdict is Verdict.SICK and row.cause == "learning-rate-too-high" and row.remedy and row.planned


def test_the_last_point_is_judged_only_once_nothing_follows_it(tmp_path: Path) -> None:
    clock = [1e9]
    table(tmp_path / "progress.csv", range(1, 4))
    os.utime(tmp_path / "progress.csv", (1e9, 1e9))
    runs = watcher(tmp_path, clock, planned=100_000)
    runs.poll()
    assert runs.runs[tmp_path].examinations.upto == 2000
    runs.poll()
    assert runs.runs[tmp_path].examinations.upto == 3000


def test_new_runs_are_noticed(tmp_path: Path) -> None:
    clock = [1e9]
    (tmp_path / "a").mkdir()
    table(tmp_path / "a" / "progress.csv", range(1, 4))
    runs = watcher(tmp_path, clock)
    runs.poll()
    (tmp_path / "b").mkdir()
    table(tmp_path / "b" / "progress.csv", range(1, 4))
    clock[0] += 20
    runs.poll()
    assert len(runs.rows) == 2


@pytest.mark.parametrize(
    ("writer", "planned", "age", "state"),
    [
        ("alive", 100_000, 30, "running"),
        ("alive", 100_000, 90, "stalled"),
        ("unknown", 100_000, 90, "stalled"),
        ("gone", 100_000, 10, "killed"),
        ("gone", None, 10, "ended"),
        ("gone", 9_500, 10, "finished"),
        ("alive", 9_500, 10, "finished"),
    ],
)
def test_finished_stalled_and_killed_are_told_apart(
    writer: str, planned: int | None, age: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "writer_of", lambda _: writer)
    path = tmp_path / "progress.csv"
    table(path, range(1, 10))
    os.utime(path, (1e9, 1e9))
    clock = [1e9 + age]
    runs = watcher(tmp_path, clock, planned=planned)
    runs.poll()
    assert runs.rows[0].state == state
    assert runs.is_over == (state in ("killed", "ended", "finished"))


def test_a_run_that_goes_on_after_its_end_is_followed_again(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    table(path, range(1, 10))
    clock = [path.stat().st_mtime + 1]
    runs = watcher(tmp_path, clock, planned=9_000)
    runs.poll()
    assert runs.is_over
    table(path, range(10, 12))
    runs.poll()
    runs.poll()
    assert runs.rows[0].step == 11_000


def test_the_name_of_an_event_file_says_whether_its_writer_lives() -> None:
    host = socket.gethostname()
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    begun = 2_000_000_000
    assert writer_of([Path(f"events.out.tfevents.{begun}.{host}.{os.getpid()}.0")]) == "alive"
    assert writer_of([Path(f"events.out.tfevents.{begun}.{host}.{done.pid}.0")]) == "gone"
    # A process of the same number that began after the file is another one.
    assert writer_of([Path(f"events.out.tfevents.1000000000.{host}.{os.getpid()}.0")]) == "gone"
    assert writer_of([Path("events.out.tfevents.1000000000.elsewhere.1.0")]) == "unknown"
    assert writer_of([Path("progress.csv")]) == "unknown"


def test_what_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        watcher(tmp_path / "nothing", [0.0]).poll()
    with pytest.raises(CannotJudge):
        watcher(tmp_path, [0.0]).poll(all_of_it=True)
    # A folder in which runs will begin may be watched.
    assert watcher(tmp_path, [0.0]).poll() == []


def test_the_command_looks_once_and_ends_with_the_exit_code_that_was_asked_for(tmp_path: Path) -> None:
    shutil.copytree(SICK, tmp_path / "a")
    shutil.copytree(HEALTHY, tmp_path / "b")
    done = CliRunner().invoke(application(), ["watch", str(tmp_path), "--once", "--isolated"])
    assert done.exit_code == 0 and "learning-rate-too" in done.output and "2 runs" in done.output
    alone = CliRunner().invoke(application(), ["watch", str(tmp_path / "b"), "--once", "--isolated"])
    assert alone.exit_code == 0 and "1 run: 1 healthy" in alone.output
    asked = ["watch", str(tmp_path), "--once", "--isolated", "--format", "json", "--exit-on", "sick"]
    done = CliRunner().invoke(application(), asked)
    assert done.exit_code == 1 and '"verdict": "sick"' in done.output


def test_a_sick_run_is_stopped_by_a_file_only_where_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_copy(tmp_path / "a", monkeypatch)
    CliRunner().invoke(application(), ["watch", str(tmp_path), "--once", "--isolated"])
    assert not (tmp_path / "a" / "stop").exists()
    asked = ["watch", str(tmp_path), "--once", "--isolated", "--steps", "200000", "--stop", "file:stop"]
    done = CliRunner().invoke(application(), asked)
    assert (tmp_path / "a" / "stop").exists() and "wrote stop" in done.output
    # What has ended is not stopped.
    (tmp_path / "a" / "stop").unlink()
    shutil.copy(SICK / "run.json", tmp_path / "a")
    CliRunner().invoke(application(), asked)
    assert not (tmp_path / "a" / "stop").exists()


@pytest.mark.parametrize("options", [["--stop", "SIGKILL"], ["--format", "json"], ["--notify", "ftp://x/y"]])
def test_wrong_options_are_refused(options: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(application(), ["watch", str(tmp_path), "--isolated", *options], standalone_mode=False)
    assert isinstance(done.exception, UsageError)


def test_a_healthy_run_that_was_killed_young_is_not_called_sick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(RECORDED / "healthy/fetch_reach_dense/quick/as-recorded-20", tmp_path / "a")
    path = events_of(tmp_path / "a")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 5])
    record = tmp_path / "a" / "run.json"
    record.write_text(record.read_text().replace('"finished"', '"running"'))
    monkeypatch.setattr(writer_module, "writer_of", lambda _: "gone")
    runs = watcher(tmp_path, [path.stat().st_mtime + 10])
    runs.poll(all_of_it=True)
    assert runs.rows[0].state == "killed" and runs.rows[0].verdict is not Verdict.SICK


def test_a_sick_run_that_ended_too_short_for_diagnose_keeps_what_it_stood_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "progress.csv"
    path.write_text("time/total_timesteps,rollout/ep_rew_mean,train/approx_kl,train/learning_rate\n")
    with path.open("a") as file:
        file.writelines(f"{2048 * row},9.4,20.0,0.3\n" for row in range(1, 4))
    for writer in ("alive", "gone"):
        monkeypatch.setattr(writer_module, "writer_of", lambda _, writer=writer: writer)
        # Of a run that was watched, and of one that had ended before the first look.
        runs = watcher(tmp_path, [path.stat().st_mtime + 10])
        runs.poll()
        monkeypatch.setattr(writer_module, "writer_of", lambda _: "gone")
        runs.runs[tmp_path]._writer._next = 0.0
        runs.poll()
        assert runs.rows[0].state == "ended" and runs.rows[0].cause == "learning-rate-too-high"


@pytest.mark.parametrize("width", [80, 120])
def test_a_narrow_table_keeps_the_cause_and_tells_runs_apart(width):
    rows = [
        WatchRow(f"runs/same-long-folder/{name}", Verdict.SICK, 900, "learning-rate-too-high", 0.97, 950, 1000)
        for name in ("a", "b")
    ]
    console = Console(file=StringIO(), width=width)
    console.print(watch_table(console, rows))
    text = console.file.getvalue()
    assert "most likely cause" in text and "2 runs: 2 sick" in text
    assert "learning-rate-too-" in text
    assert [line.split()[0] for line in text.splitlines() if "sick" in line][:2] == ["a", "b"]
    assert ("since" in text) is (width == 120)


def test_a_point_is_examined_even_where_the_longest_curve_lacks_it(tmp_path: Path) -> None:
    path = tmp_path / "progress.csv"
    # The update is logged from the first row on and not in the last, the return from the second on.
    header = "time/total_timesteps,rollout/ep_rew_mean,train/approx_kl"
    path.write_text("\n".join([header, "1000,,0.01", "2000,2,0.01", "3000,3,0.01", "4000,4,", ""]))
    clock = [path.stat().st_mtime + 10]
    runs = watcher(tmp_path, clock, planned=20_000)
    runs.poll()
    (followed,) = runs.runs.values()
    assert followed.examinations.course.standing.step == 4000
