"""A saved report shown again is the report, whatever the format; what is none says so."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

import rldoctor
from rldoctor.cli.app import run
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model.report_json import read_report
from rldoctor.render.formats import render

RUNS = Path(__file__).parents[1] / "runs"


@pytest.fixture
def saved(tmp_path):
    def save(report):
        file = tmp_path / "report.json"
        file.write_text(report.render("json"), encoding="utf-8")
        return file

    return save


@pytest.mark.parametrize("folder", ["sick/learning-rate-too-high", "healthy", "sick/non-finite-values"])
def test_a_report_read_back_is_the_same(saved, folder):
    report = rldoctor.diagnose(RUNS / folder)
    again = read_report(saved(report))
    assert again.subjects == report.subjects
    for format_ in ("json", "md", "junit"):
        assert render(again, format_, verbose=True) == render(report, format_, verbose=True)


def test_gates_and_preflights_too(saved, make_by_hand):
    gated = rldoctor.gate(make_by_hand("run").measured(success_rate=math.inf, return_mean=-50))
    assert render(read_report(saved(gated)), "json") == render(gated, "json")
    strict = rldoctor.gate(make_by_hand("other").measured(success_rate=0.1), require={"success_rate": "warn"})
    strict = replace(strict, exit_code=1, fail_on=rldoctor.Verdict.SUSPECT)
    assert read_report(saved(strict)).fail_on is rldoctor.Verdict.SUSPECT
    examined = rldoctor.preflight("CartPole-v1", select=["ENV1"])
    assert read_report(saved(examined)).subjects == examined.subjects


def test_show_has_the_exit_code_of_the_report(saved, capsys):
    file = saved(rldoctor.diagnose(RUNS / "sick" / "learning-rate-too-high"))
    assert run(["show", str(file), "--format", "csv"]) == 1
    assert "learning-rate-too-high" in capsys.readouterr().out
    assert run(["show", str(saved(rldoctor.diagnose(RUNS / "healthy")))]) == 0
    assert "HEALTHY" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a report of this version of rldoctor"),
        ('{"rldoctor_report": 2}', "is not a report of this version of rldoctor"),
        ('{"rldoctor_report": 1}', "damaged report: 'subjects'"),
        ("[" * 100_000, "is not JSON"),
        ('{"rldoctor_report": 1, "error": {"problem": "No run.", "cure": ""}, "subjects": []}', "No run."),
    ],
)
def test_what_is_no_report(tmp_path, content, why):
    file = tmp_path / "report.json"
    file.write_text(content)
    with pytest.raises(CannotJudge, match=why):
        read_report(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_report(tmp_path / "nothing.json")


def test_every_value_is_checked(saved):
    file = saved(rldoctor.diagnose(RUNS / "sick" / "learning-rate-too-high"))
    whole = json.loads(file.read_text())
    places = [(0, key) for key in whole["subjects"][0]]
    for _, key in places:
        content = json.loads(file.read_text())
        content["subjects"][0][key] = {"an": "intruder"} if key != "facts" else "intruder"
        file.with_name("bad.json").write_text(json.dumps(content))
        with pytest.raises(CannotJudge, match="damaged report"):
            read_report(file.with_name("bad.json"))
