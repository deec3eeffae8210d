"""The JSON report's keys are public: readers of version 1 rely on them."""

from __future__ import annotations

import json
import math

import pytest

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Finding, RankedDiagnosis, Report, RunDiagnosis, Severity, Unjudged, Verdict
from rldoctor.render.formats import FORMATS, render
from rldoctor.render.json_report import render_error, render_json
from rldoctor.render.terminal.evaluation import table

REPORT = Report(
    "diagnose",
    (
        RunDiagnosis(
            path="runs/x",
            verdict=Verdict.SICK,
            framework="sb3",
            reference="fetch_reach_dense/chapter",
            steps=507904,
            diagnoses=(
                RankedDiagnosis("learning-rate-too-high", "t", 0.91, ("UPD101",), ("UPD102",), "lower it", "a test"),
            ),
            findings=(
                Finding(
                    "UPD101",
                    "approx-kl-above-band",
                    Severity.WARNING,
                    "message ☃",
                    evidence={"metric": "approx_kl", "observed": math.nan, "expected": [-math.inf, math.inf, 0.08]},
                ),
            ),
            unjudged=(Unjudged("RET102", "no success_rate in the logs", "log it"),),
        ),
    ),
    Verdict.SICK,
    1,
)


def no_constants(word):
    raise AssertionError(f"{word} is not JSON")


def parsed(text):
    return json.loads(text, parse_constant=no_constants)


def test_the_public_keys():
    report = parsed(render_json(REPORT))
    assert list(report) == ["rldoctor_report", "command", "verdict", "exit_code", "subjects"]
    assert (report["rldoctor_report"], report["command"], report["verdict"], report["exit_code"]) == (
        1,
        "diagnose",
        "sick",
        1,
    )
    (subject,) = report["subjects"]
    keys = {"path", "kind", "framework", "reference", "steps", "verdict", "diagnoses", "findings", "unjudged"}
    assert keys <= set(subject)
    assert (subject["path"], subject["kind"], subject["steps"]) == ("runs/x", "run", 507904)
    (diagnosis,) = subject["diagnoses"]
    assert {"name", "probability", "for", "against", "remedy", "next_test"} <= set(diagnosis)
    assert (diagnosis["for"], diagnosis["against"], diagnosis["probability"]) == (["UPD101"], ["UPD102"], 0.91)
    (finding,) = subject["findings"]
    assert {"code", "name", "severity", "message", "evidence"} <= set(finding)
    assert finding["severity"] == "warning"
    assert finding["message"] == "message ☃"
    assert subject["unjudged"] == [{"code": "RET102", "reason": "no success_rate in the logs", "how_to_log": "log it"}]


def test_numbers_that_json_does_not_have_are_words():
    evidence = parsed(render_json(REPORT))["subjects"][0]["findings"][0]["evidence"]
    assert evidence == {"metric": "approx_kl", "observed": "NaN", "expected": ["-Infinity", "Infinity", 0.08]}


def test_verbose_changes_nothing():
    assert render_json(REPORT, True) == render_json(REPORT, False) == render(REPORT, "json")


def test_an_error_is_a_report_too():
    error = parsed(render_error("gate", CannotJudge("No data.", "Get some.")))
    assert list(error)[:5] == list(parsed(render_json(REPORT)))
    assert (error["command"], error["exit_code"], error["verdict"], error["subjects"]) == ("gate", 3, "unjudged", [])
    assert error["error"] == {"kind": "CannotJudge", "problem": "No data.", "cure": "Get some."}


def test_what_the_gate_says_is_in_the_report(hand_made):
    from rldoctor.gate import judge_run
    from rldoctor.model import make_report

    subject = judge_run(hand_made.measured(success_rate=math.nan))
    (shown,) = parsed(render_json(make_report("gate", [subject])))["subjects"]
    criterion = shown["criteria"][0]
    assert {"name", "observed", "relation", "threshold", "passed"} <= set(criterion)
    assert (criterion["observed"], criterion["passed"]) == ("NaN", False)


def test_formats():
    from rldoctor.cli.options import Format

    assert {form.value for form in Format} == set(FORMATS)
    with pytest.raises(UsageError, match="Did you mean json"):
        render(REPORT, "jsno")


def test_the_table_of_an_evaluation():
    import io

    from rich.console import Console

    numbers = {"success_rate": 1.0, "return_mean": -0.5, "final_distance_mean": 0.0067, "n_episodes": 100}
    nothing = {"success_rate": None, "return_mean": -7.0, "final_distance_mean": None, "n_episodes": 100}
    console = Console(file=io.StringIO(), width=80)
    console.print(table({"aggregate": numbers, "baselines": {"zero_action": nothing}}))
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert lines[0] == ["deterministic", "evaluation", "policy", "zero", "action"]
    assert lines[1] == ["success", "rate", "1", "-"]
    assert lines[2] == ["mean", "return", "-0.5", "-7"]
    assert lines[3] == ["final", "distance", "6.7", "mm", "-"]
    bare = Console(file=io.StringIO(), width=80)
    bare.print(table({"aggregate": nothing, "baselines": None}))
    assert "distance" not in bare.file.getvalue()


def test_the_pieces_of_a_stream_are_the_report():
    from pathlib import Path

    import rldoctor
    from rldoctor.render.formats import render, stream

    report = rldoctor.diagnose(Path(__file__).parents[1] / "runs" / "healthy")
    pieces = list(stream(report, "json"))
    assert len(pieces) == len(report.subjects) + 2
    assert "".join(pieces) == render(report, "json")
    assert len(json.loads("".join(pieces))["subjects"]) == len(report.subjects)
    assert list(stream(report, "csv")) == [render(report, "csv")]
