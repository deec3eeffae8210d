from __future__ import annotations

import numpy as np
import pytest

from rldoctor.model import (
    Curve,
    Finding,
    Run,
    RunDiagnosis,
    Severity,
    Verdict,
    exit_code_of,
    make_report,
    verdict_of_findings,
    worst,
)

HEALTHY, SUSPECT, SICK, UNJUDGED = Verdict.HEALTHY, Verdict.SUSPECT, Verdict.SICK, Verdict.UNJUDGED


def curve(steps, values, metric="entropy"):
    return Curve(metric, np.array(steps, np.int64), np.array(values, np.float64))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], UNJUDGED),
        ([HEALTHY], HEALTHY),
        ([HEALTHY, SUSPECT], SUSPECT),
        ([HEALTHY, UNJUDGED], UNJUDGED),
        ([SUSPECT, UNJUDGED], UNJUDGED),
        ([UNJUDGED, SICK, SUSPECT], SICK),
    ],
)
def test_worst(verdicts, expected):
    assert worst(verdicts) is expected
    assert worst(reversed(verdicts)) is expected


@pytest.mark.parametrize(
    ("verdicts", "fail_on", "code"),
    [
        ([], SICK, 3),
        ([HEALTHY], SICK, 0),
        ([SUSPECT], SICK, 0),
        ([SUSPECT], SUSPECT, 1),
        ([SICK], SUSPECT, 1),
        ([SICK, UNJUDGED], SICK, 1),
        ([HEALTHY, UNJUDGED], SICK, 3),
        ([SUSPECT, UNJUDGED], SUSPECT, 1),
        ([UNJUDGED], SUSPECT, 3),
    ],
)
def test_exit_code(verdicts, fail_on, code):
    assert exit_code_of(verdicts, fail_on) == code


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [([], HEALTHY), (["note"], HEALTHY), (["note", "warning"], SUSPECT), (["warning", "error", "note"], SICK)],
)
def test_verdict_of_findings(severities, verdict):
    findings = [Finding("ENV999", "x", Severity(severity), "m") for severity in severities]
    assert verdict_of_findings(findings) is verdict


def test_a_report_sums_up():
    report = make_report("gate", [RunDiagnosis("a", HEALTHY), RunDiagnosis("b", SUSPECT)], SUSPECT)
    assert (report.command, report.verdict, report.exit_code, len(report.subjects)) == ("gate", SUSPECT, 1, 2)
    assert make_report("gate", []).exit_code == 3


def test_finite_drops_the_rest_and_keeps_the_pairs():
    kept = curve([1, 2, 3, 4], [1.0, np.nan, np.inf, 4.0]).finite()
    assert (kept.steps.tolist(), kept.values.tolist(), kept.metric) == ([1, 4], [1.0, 4.0], "entropy")
    whole = curve([1], [1.0])
    assert whole.finite() is whole


def test_last_step():
    run = Run("x", "sb3", {"a": curve([1, 9], [0, 0]), "b": curve([1, 5], [0, 0]), "c": curve([], [])})
    assert run.last_step == 9
    assert Run("x", "", {}).last_step == 0
