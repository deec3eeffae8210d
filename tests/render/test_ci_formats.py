"""The formats for CI systems, held against their own schemas and parsers, and against hostile names."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import runpy
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from rldoctor.cli.app import run
from rldoctor.diagnosis.many import diagnose
from rldoctor.errors import CannotJudge
from rldoctor.model import (
    CheckResult,
    ComparisonResult,
    CriterionResult,
    Finding,
    GateResult,
    Outcome,
    PreflightResult,
    RankedDiagnosis,
    Report,
    RunDiagnosis,
    SettingPair,
    Severity,
    Unjudged,
    Verdict,
    make_report,
)
from rldoctor.render.formats import FORMATS, render
from rldoctor.render.json_report import render_error
from rldoctor.render.markdown import MOST_CHARACTERS
from tests.render.hostile import schema

TESTS = Path(__file__).resolve().parents[1]
RUNS = TESTS / "runs"
SICK = "sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100"
HEALTHY = "healthy/cartpole/zoo/as-recorded-20"
MACHINES = sorted(set(FORMATS) - {"text"})
# What a stranger can call a run, and what it must not do: steer a terminal, begin a workflow command, close a tag,
# notify somebody, become a formula, leave a table's cell, break a URI.
HOSTILE = 'r\x1b[2J\n::error::x]]>&<script>alert("1")</script>@octocat `|` [a](javascript:x) %0A, =1+1\x00\u202e\ufffe'


@cache
def real() -> Report:
    return make_report("diagnose", diagnose([RUNS / SICK, RUNS / HEALTHY]))


def hostile() -> Report:
    finding = Finding(
        "UPD101", "approx-kl", Severity.ERROR, HOSTILE, HOSTILE, {"metric": HOSTILE, "observed": math.nan}
    )
    diagnosis = RankedDiagnosis("plateau-below-target", HOSTILE, 0.5, ("UPD101",), (), HOSTILE, HOSTILE)
    criterion = CriterionResult("EVL101", "success_rate", HOSTILE, math.nan, ">", 0.9, False)
    # No file system has a name with a zero byte.
    path = HOSTILE.replace("\x00", "")
    kinds = (
        RunDiagnosis(path, Verdict.SICK, summary=HOSTILE, findings=(finding,), diagnoses=(diagnosis,)),
        GateResult(f"=cmd|{path}", Verdict.SICK, criteria=(criterion,)),
        RunDiagnosis("@SUM(A1)", Verdict.UNJUDGED, unjudged=(Unjudged("LOG301", HOSTILE, HOSTILE),)),
        PreflightResult(
            "Env-v0",
            Verdict.SUSPECT,
            checks=(
                CheckResult("ENV101", "a", Outcome.FIRED, HOSTILE, 0.5),
                CheckResult("ENV102", "b", Outcome.NOT_RUN, HOSTILE),
                # Of a check of somebody else, as a saved report tells of it.
                CheckResult(HOSTILE, HOSTILE, Outcome.PASSED, HOSTILE),
            ),
            findings=(Finding("ENV101", "a", Severity.WARNING, HOSTILE),),
        ),
        ComparisonResult(
            *(path, Verdict.SICK),
            setting_pairs=(SettingPair(HOSTILE, HOSTILE, [HOSTILE], HOSTILE, HOSTILE, True),),
            diagnoses=(diagnosis,),
        ),
    )
    return make_report("diagnose", kinds)


def test_sarif_validates_against_the_standards_schema():
    schema = json.loads((TESTS / "render/data/sarif-2.1.0.json").read_text())
    for report in (real(), hostile(), make_report("gate", [])):
        log = json.loads(render(report, "sarif"))
        jsonschema.Draft7Validator(schema, format_checker=jsonschema.FormatChecker()).validate(log)
        [run_] = log["runs"]
        rules = run_["tool"]["driver"]["rules"]
        assert [rules[r["ruleIndex"]]["id"] for r in run_["results"]] == [r["ruleId"] for r in run_["results"]]
    first = json.loads(render(real(), "sarif"))["runs"][0]
    assert first["results"][0]["ruleId"] == "learning-rate-too-high"
    assert first["results"][0]["level"] == "error"
    assert "explain" in first["tool"]["driver"]["rules"][0]["help"]["text"]
    uri = first["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == (RUNS / SICK).as_uri()


def test_the_sarif_schema_would_refuse_a_wrong_log():
    schema = json.loads((TESTS / "render/data/sarif-2.1.0.json").read_text())
    log = json.loads(render(real(), "sarif"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(log)


def test_junit_is_read_by_a_common_parser_and_fails_where_the_exit_code_does():
    suites = list(JUnitXml.fromstring(render(real(), "junit")))
    assert [(suite.tests, suite.failures, suite.errors) for suite in suites] == [(1, 1, 0), (1, 0, 0)]
    [failure] = next(iter(suites[0])).result
    assert isinstance(failure, Failure)
    assert failure.type == "learning-rate-too-high"
    assert "UPD103" in failure.text
    parsed = {suite.name: [case.result for case in suite] for suite in JUnitXml.fromstring(render(hostile(), "junit"))}
    kinds = [[type(r) for result in results for r in result] for results in parsed.values()]
    # The warning of a check does not fail the command, and so no test.
    assert kinds == [[Failure], [Failure], [Error], [Skipped], [Failure]]


@pytest.mark.parametrize(
    ("fail_on", "verdict", "failures", "code"),
    [
        (Verdict.SICK, Verdict.SUSPECT, 0, 0),
        (Verdict.SUSPECT, Verdict.SUSPECT, 1, 1),
        (Verdict.SICK, Verdict.HEALTHY, 0, 0),
    ],
)
def test_junit_follows_fail_on(fail_on, verdict, failures, code):
    report = make_report("diagnose", [RunDiagnosis("x", verdict)], fail_on)
    assert report.exit_code == code
    assert JUnitXml.fromstring(render(report, "junit")).failures == failures


def test_github_annotates_and_writes_the_summary(tmp_path, monkeypatch, capsys):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    lines = render(real(), "github").splitlines()
    assert lines[0].startswith("::error title=learning-rate-too-high ")
    assert lines[-1].startswith("rldoctor diagnose: sick")
    # Only the evidence for the leading diagnosis, so that GitHub's ten annotations a step tell the story.
    assert all("VAL103" not in line for line in lines)
    assert len(render(real(), "github", verbose=True).splitlines()) > len(lines)
    assert summary.read_text().startswith("before\n### ❌ rldoctor diagnose: sick")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    assert run(["diagnose", str(RUNS / HEALTHY), "--format", "github"]) == 0
    assert "::warning title=GITHUB_STEP_SUMMARY::" in capsys.readouterr().out


def test_markdown_fits_a_comment():
    text = render(real(), "md")
    assert text.startswith("### ❌ rldoctor diagnose: sick")
    assert "**Fix:** Set learning\\_rate" in text
    many = make_report("diagnose", [hostile().subjects[0]] * 3_000)
    assert len(render(many, "md")) <= MOST_CHARACTERS + 200
    assert "does not fit" in render(many, "md")


def test_csv_has_a_row_for_every_remark():
    rows = list(csv.DictReader(io.StringIO(render(real(), "csv"))))
    assert rows[0]["rule"] == "learning-rate-too-high"
    assert {row["subject"] for row in rows} == {str(RUNS / SICK), str(RUNS / HEALTHY)}
    assert [row["verdict"] for row in rows if row["subject"] == str(RUNS / HEALTHY)] == ["healthy"]


@pytest.mark.parametrize("name", MACHINES)
def test_a_hostile_name_stays_a_name(name, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    text = render(hostile(), name)
    assert "\x1b" not in text
    assert "\x00" not in text
    assert name == "json" or "\u202e" not in text
    if name == "github":
        # Only our own commands begin a line.
        assert all(not line.startswith("::") or " title=" in line for line in text.splitlines())
        assert sum(line.startswith("::") for line in text.splitlines()) == len(text.splitlines()) - 1
    if name == "md":
        assert "<script" not in text
        assert "@octocat" not in text
        assert not re.search(r"(?<!\\)\]\(javascript", text)
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        assert all(line.replace("\\|", "").count("|") in (4, 5, 6) for line in rows), rows
    if name == "csv":
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not any(cell[:1] in "=+-@\t\r" for cell in cells if cell)
        assert any(cell.startswith("'=cmd") for cell in cells)


def test_the_published_schema_is_that_of_the_types():
    generate = runpy.run_path(str(TESTS.parent / "docs/schema/generate.py"))
    assert schema() == generate["schema"](), "run: python docs/schema/generate.py"


def test_json_keeps_its_published_schema(capsys, monkeypatch, tmp_path):
    check = jsonschema.Draft202012Validator(schema())
    check.check_schema(schema())
    for report in (real(), hostile()):
        content = json.loads(render(report, "json"))
        check.validate(content)
    check.validate(json.loads(render_error("diagnose", CannotJudge("no", "do"))))
    monkeypatch.chdir(tmp_path)
    for command in (
        ["diagnose", "nowhere"],
        ["preflight", "--env", "CartPole-v1", "--select", "SYS", "--select", "ENV1"],
    ):
        run([*command, "--format", "json"])
        check.validate(json.loads(capsys.readouterr().out))
    # Nothing in the schema is optional or open that the reports do not need so: a new key must come into it.
    content["subjects"][0]["mood"] = "fine"
    with pytest.raises(jsonschema.ValidationError, match="mood"):
        check.validate(content)


@pytest.mark.parametrize("name", MACHINES)
def test_an_early_error_is_told_in_the_format_too(name, capsys, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert run(["diagnose", "nowhere", "--format", name]) == 2
    out = capsys.readouterr().out
    assert "nowhere" in out
    if name == "junit":
        assert JUnitXml.fromstring(out).errors == 1
    if name == "sarif":
        assert json.loads(out)["runs"][0]["results"][0]["level"] == "error"


@pytest.mark.parametrize(("name", "option"), [("html", "-o"), ("sarif", "--output"), ("json", "-o")])
def test_an_early_error_goes_where_the_report_was_to_go(name, option, tmp_path, capsys):
    place = tmp_path / "report"
    assert run(["diagnose", "nowhere", "--format", name, option, str(place)]) == 2
    assert "nowhere" in place.read_text()
    assert capsys.readouterr().out == "", "no page of a megabyte in the terminal"
    assert run(["diagnose", "nowhere", "--format", name, option, str(place / "x")]) == 2
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_report_goes_to_a_file_whole_or_not_at_all(tmp_path, capsys):
    place = tmp_path / "deep" / "report.sarif"
    assert run(["diagnose", str(RUNS / HEALTHY), "--format", "sarif", "--output", str(place)]) == 0
    assert json.loads(place.read_text())["version"] == "2.1.0"
    assert capsys.readouterr().out == ""
    assert run(["diagnose", str(RUNS / SICK), "--output", str(tmp_path / "report.txt")]) == 1
    assert "learning rate is too high" in (tmp_path / "report.txt").read_text()
    assert run(["diagnose", str(RUNS / HEALTHY), "--output", str(tmp_path)]) == 2
    assert "is a directory" in capsys.readouterr().err
    assert run(["diagnose", str(RUNS / HEALTHY), "--output", str(place / "x")]) == 2
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["report.sarif", "report.txt"]
