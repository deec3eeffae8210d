"""What ``rldoctor watch`` does about a sick run: it tells and stops it once, as far as it was asked to."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from rldoctor.cli.app import application
from rldoctor.errors import UsageError
from rldoctor.model import WatchRow
from rldoctor.watch.stopping import Stopper
from tests.watch.watched import running_copy


def followed(directory: Path, process: int | None) -> Any:
    return SimpleNamespace(row=WatchRow("runs/a"), directory=directory, writing_process=process)


def test_a_process_is_sent_one_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda process, number: sent.append((process, number)))
    stopper = Stopper("SIGINT")
    assert stopper.stop(followed(tmp_path, 41)) == "runs/a: sent SIGINT to process 41."
    assert stopper.stop(followed(tmp_path, 41)) == ""
    # Another training in the same folder.
    stopper.stop(followed(tmp_path, 42))
    assert sent == [(41, signal.SIGINT), (42, signal.SIGINT)]
    assert "do not say which process" in stopper.stop(followed(tmp_path, None))
    assert stopper.stop(followed(tmp_path, None)) == ""


def test_a_stop_file_is_written_where_it_is_not(tmp_path: Path) -> None:
    stopper = Stopper("file:stop")
    assert stopper.stop(followed(tmp_path, None)) == "runs/a: wrote stop." and (tmp_path / "stop").exists()
    assert stopper.stop(followed(tmp_path, None)) == ""
    assert "could not be written" in stopper.stop(followed(tmp_path / "gone", None))


@pytest.mark.parametrize("how", ["SIGKILL", "file:", "file:../x", "file:..", "stop"])
def test_other_ways_are_refused(how: str) -> None:
    with pytest.raises(UsageError):
        Stopper(how)


def test_a_run_that_is_sick_at_the_first_look_is_told_and_stopped_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running_copy(tmp_path / "runs" / "a", monkeypatch)
    code = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    tell = ["--notify", f'{sys.executable} -c "{code}" {tmp_path}/told']
    asked = ["watch", str(tmp_path / "runs"), "--once", "--isolated", "--steps", "200000", "--stop", "file:stop", *tell]
    done = CliRunner().invoke(application(), asked)
    # It was suspect before it was sick: what stands is told.
    (told,) = map(json.loads, (tmp_path / "told").read_text().splitlines())
    assert told["verdict"] == "sick" and ": sick, learning-rate-too-high" in told["text"]
    assert done.output.count("wrote stop") == 1
