"""Keeping runs as Parquet: few runs, earlier results, folders of something else, and runs that cannot be diagnosed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rldoctor.cli.app import run as command

pytest.importorskip("pyarrow", reason="needs the extra [parquet]")

from rldoctor.diagnosis.bulk import store
from rldoctor.diagnosis.bulk.conduct import keep, report_kept, report_results
from rldoctor.diagnosis.bulk.plan import list_unit, plan
from rldoctor.diagnosis.many import diagnoser
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.logs import discover
from rldoctor.model import Verdict

RUNS = Path(__file__).parents[2] / "runs"
SICK = RUNS / "sick"


def test_few_runs_are_a_report_like_any_other(tmp_path, capsys):
    folder = SICK / "learning-rate-too-high"
    place = tmp_path / "few"
    assert command(["diagnose", str(folder), "--parquet", str(place), "--format", "json", "--isolated"]) == 1
    one = json.loads(capsys.readouterr().out)
    assert command(["diagnose", str(folder), "--format", "json", "--isolated"]) == 1
    assert one == json.loads(capsys.readouterr().out)
    (part,) = place.glob("*.parquet")
    assert command(["show", str(part), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == one


def test_another_machine_with_another_folder_of_that_name_says_so(tmp_path):
    (tmp_path / "runs").mkdir()
    (unit,) = plan([str(tmp_path / "runs")], marked=True)
    assert list_unit(unit) == []
    (tmp_path / "runs" / "more").mkdir()
    with pytest.raises(UsageError, match="does not see"):
        list_unit(unit)


def test_results_of_an_earlier_command_are_replaced_when_all_is_done(tmp_path):
    place = str(tmp_path / "results")
    folder = str(SICK / "learning-rate-too-high")
    keep([folder], diagnoser(), place)
    before = sorted(path.name for path in Path(place).iterdir())

    def fail(directories):
        raise UsageError("The reference is gone.")

    with pytest.raises(UsageError, match="reference is gone"):
        keep([folder], fail, place)
    assert sorted(path.name for path in Path(place).iterdir()) == before
    with pytest.raises(CannotJudge, match="no run below"):
        keep([str(tmp_path)], diagnoser(), place)
    assert sorted(path.name for path in Path(place).iterdir()) == before
    keep([str(RUNS / "healthy")], diagnoser(), place)
    after = sorted(path.name for path in Path(place).iterdir())
    assert not set(before[1:]) & set(after)
    assert {run.verdict for run in report_results(place).subjects} == {Verdict.HEALTHY}


def test_a_run_that_rldoctor_fails_on_is_unjudged_and_counted(tmp_path, capsys):
    folder = SICK / "learning-rate-too-high"
    runs = discover([folder])
    each = diagnoser()

    def fails_on_the_first(directories):
        if runs[0] in directories:
            raise ZeroDivisionError("division by zero")
        return each(directories)

    whole = keep([str(folder)], fails_on_the_first, str(tmp_path / "r"), processes=1)
    assert (whole.total, whole.failed) == (len(runs), 1)
    assert command(["show", str(tmp_path / "r"), "--where", "failed"]) == 3
    assert "rldoctor failed on it: ZeroDivisionError: division by zero" in " ".join(capsys.readouterr().out.split())


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds notes\.txt, which is no result"):
        store.prepare(str(tmp_path))
    with pytest.raises(UsageError, match="is a file"):
        store.prepare(str(tmp_path / "notes.txt"))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_path_that_is_not_utf8_has_a_row(tmp_path):
    origin = next(path.parent for path in SICK.rglob("*tfevents*"))
    shutil.copytree(origin, tmp_path / "runs" / "od\udcffd")
    report = report_kept([str(tmp_path / "runs")], diagnoser(), str(tmp_path / "r"))
    (run,) = report.subjects
    assert run.path.endswith("od\udcffd")
