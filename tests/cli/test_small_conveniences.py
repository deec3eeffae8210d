"""A suffix that sets the format, a report from standard input, one line, and the folder that needs no name."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from rldoctor.cli.app import run
from rldoctor.cli.options import Format
from rldoctor.cli.output import format_of

SICK = Path(__file__).parents[1] / "runs/sick/learning-rate-too-high/cartpole-learning-rate-high-extreme-100"
HEALTHY = Path(__file__).parents[1] / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "--steps", "-5"), "--steps '-5' must be at least 1."),
        (("train", "--steps", "0"), "--steps '0' must be at least 1."),
        (("explain", "aproxkl"), "Did you mean approx_kl"),
        (("explain", "exploding gradients"), "Did you mean policy-gradient"),
        (("explain", "clipped samples"), "clipped-though-still"),
        (("explain", "xyzzy"), "rldoctor rules lists everything."),
    ],
)
def test_an_error_speaks_of_what_was_typed(arguments, said, place, capsys):
    assert run([*arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not list(place.iterdir())


@pytest.mark.parametrize("folder", ["runs", "deep/er"])
def test_a_training_that_fails_leaves_no_folder(folder, place, capsys):
    (place / "env.py").write_text("def make():\n    raise RuntimeError('no simulator')\n")
    assert run(["train", "--env", "env.py:make", "--runs", folder, "--steps", "8192"]) == 1
    assert "no simulator" in capsys.readouterr().err
    assert [path.name for path in place.iterdir() if path.name != "__pycache__"] == ["env.py"]


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        *(("a.json", Format.JSON), ("a.HTML", Format.HTML), ("a.xml", Format.JUNIT), ("a.md", Format.MD)),
        *(("a.sarif", Format.SARIF), ("a.sarif.json", Format.SARIF), ("a.csv", Format.CSV)),
        *(("a.txt", Format.TEXT), ("json", Format.TEXT), ("", Format.TEXT)),
    ],
)
def test_the_suffix_of_a_file_sets_the_format(name, format_):
    assert format_of(name) is format_


def test_a_report_is_written_in_the_format_of_its_name_unless_another_is_asked_for(place):
    assert run(["diagnose", str(SICK), "-o", "a.json"]) == 1
    assert json.loads((place / "a.json").read_text())["verdict"] == "sick"
    assert run(["diagnose", str(SICK), "-o", "b.json", "--format", "md"]) == 1
    assert (place / "b.json").read_text().startswith("###")
    assert run(["diagnose", str(SICK), "-o", "c.txt"]) == 1
    assert "Verdict: SICK" in (place / "c.txt").read_text()


def test_an_error_is_written_in_the_format_of_the_files_name_too(place, capsys):
    assert run(["diagnose", "nothing", "-o", "a.json"]) == 2
    assert json.loads((place / "a.json").read_text())["error"]["problem"] == "There is no file or directory nothing."
    assert "There is no file or directory nothing." in capsys.readouterr().err


def test_show_reads_standard_input(place, capsys, monkeypatch):
    assert run(["diagnose", str(SICK), "--format", "json"]) == 1
    printed = capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(printed.encode())))
    assert run(["show", "-", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == json.loads(printed)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"no report")))
    assert run(["show", "-"]) == 3
    assert "Standard input is not JSON." in capsys.readouterr().err


def test_who_looks_on_is_told_where_the_report_is(place, capsys, monkeypatch):
    assert run(["diagnose", str(SICK), "-o", "a.json"]) == 1
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run(["diagnose", str(SICK), "-o", "a.json"]) == 1
    assert capsys.readouterr() == ("", "rldoctor diagnose: sick, exit code 1. Written to a.json\n")


def test_what_is_like_nothing_is_not_offered_as_something_else(capsys):
    assert run(["explain", "xyzzy"]) == 2
    assert "rldoctor rules lists everything." in capsys.readouterr().err


def test_quiet_prints_one_line(place, capsys):
    assert run(["diagnose", str(SICK), "--quiet"]) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(f"sick  {SICK}  The learning rate is too high")
    assert run(["diagnose", str(SICK), str(HEALTHY), "-q", "-o", "a.json"]) == 1
    assert capsys.readouterr().out == "rldoctor diagnose: sick (1 sick, 1 healthy), exit code 1\n"
    assert len(json.loads((place / "a.json").read_text())["subjects"]) == 2


def test_quiet_csv_has_a_row_a_run(place, capsys):
    assert run(["diagnose", str(SICK), str(HEALTHY), "-q", "--format", "csv"]) == 1
    printed = capsys.readouterr().out
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [(row["path"], row["verdict"]) for row in rows] == [(str(SICK), "sick"), (str(HEALTHY), "healthy")]
    assert run(["diagnose", str(SICK), str(HEALTHY), "-q", "-o", "a.csv"]) == 1
    assert capsys.readouterr().out == ""
    assert (place / "a.csv").read_text().strip() == printed.strip()


def test_without_a_path_the_folder_runs_is_diagnosed(place, capsys):
    assert run(["diagnose"]) == 2
    assert "There is no folder runs here." in capsys.readouterr().err
    shutil.copytree(HEALTHY, place / "runs/one")
    assert run(["diagnose", "-q"]) == 0
    assert capsys.readouterr().out.startswith("healthy  runs/one")
