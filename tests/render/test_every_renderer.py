"""Every format takes every type of result, and none needs more than the model."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from rldoctor.model import (
    AuditResult,
    CheckResult,
    ComparisonResult,
    CriterionResult,
    FailedCommand,
    Finding,
    GateResult,
    GroupCounts,
    Outcome,
    OverviewResult,
    Parting,
    PerturbationResult,
    PreflightResult,
    RankedDiagnosis,
    Report,
    Result,
    RunDiagnosis,
    RunLine,
    SettingPair,
    Severity,
    Suppressed,
    TableRow,
    Unjudged,
    Verdict,
    make_report,
)
from rldoctor.render.answer import answer, subject_of_answer
from rldoctor.render.formats import FORMATS, render
from rldoctor.render.html.notebook import render_notebook
from rldoctor.render.terminal.report import lines_of
from rldoctor.render.wording import headline, likelihood
from tests.render import test_sweep_formats, test_treatment_formats

FINDING = Finding("UPD101", "approx-kl-above-band", Severity.ERROR, "approx_kl is 0.5.", "Lower it.")
CAUSE = RankedDiagnosis("learning-rate-too-high", "the rate is too high", 0.9, ("UPD101",), ("RET901",), "Set it.", "T")
ROW = TableRow("approx_kl", "train/approx_kl", "< 0.03", "0.5", (0.1, 0.5), "bad")


def criterion(observed: float) -> CriterionResult:
    return CriterionResult("EVL101", "success_rate", "success rate", observed, ">", 0.9, observed > 0.9)


EVERY: dict[str, Result] = {
    "run": RunDiagnosis(
        "runs/x", Verdict.SICK, "PPO", "Training failed.", "quick", (FINDING,), (Unjudged("RET101", "no return"),),
        {"k": 1}, (Suppressed("UPD102", "kl", "known"),), ("UPD103 at 0.5",), "CartPole-v1", "sb3", "", 1000, 12.5,
        (CAUSE,), (ROW,),
    ),
    "preflight": PreflightResult(
        "CartPole-v1", Verdict.SUSPECT, "CartPole", "2 checks", findings=(FINDING,), facts={"versions": {"a": "3"}},
        checks=(CheckResult("ENV101", "env", Outcome.PASSED), CheckResult("ENV102", "steps", Outcome.NOT_RUN, "why")),
    ),
    "gate": GateResult("runs/y", Verdict.SICK, findings=(FINDING,), criteria=(criterion(0.5), criterion(0.95))),
    "passing": GateResult("runs/z", Verdict.HEALTHY, facts={"aggregate": {"n": 1}}, criteria=(criterion(0.95),)),
    "sweep": test_sweep_formats.sweep().subjects[0],
    "treatment": test_treatment_formats.report().subjects[0],
    "comparison": ComparisonResult(
        "runs/b", Verdict.SICK, "compared with runs/a", "One setting differs.", findings=(FINDING,), good="runs/a",
        setting_pairs=(SettingPair("gamma", 0.99, 0.5, "in a", "in b", True, ("reward-misaligned",), "It is low."),),
        partings=(Parting("approx_kl", 100, 0.01, 0.5),), diagnoses=(CAUSE,),
    ),
    "audit": AuditResult(
        "model.zip", Verdict.SUSPECT, "audit on 20 episodes", "37% is kept.", findings=(FINDING,), env="My-v0",
        baseline_return=7.0, film="worst.gif", perturbations=(
            PerturbationResult("nominal", "", "as it is", 20, 20.0, 1.0, 1.0, 1.0, None, 19.0, 3),
            PerturbationResult("action_delay", "EVL601", "one step late", 20, 11.8, 0.37, 0.13, 0.62, 0.5, 9.0, 0),
            PerturbationResult("other_seeds", "EVL605", "other seeds", 20, 6.0, None, None, None, 0.5, 9.0, 0),
        ),
    ),
    "overview": OverviewResult(
        "results", Verdict.SICK, "2,000 runs", place="results", total=2000,
        counts=GroupCounts("", 2000, 1200, 0, 0, 800),
        environments=(GroupCounts("My-v0", 2000, 1200, 0, 0, 800),), folders=(GroupCounts("", 2000, 1200, 0, 0, 800),),
        causes=(GroupCounts("sparse-reward", 1200, 1200, typical="a/b"),), failed=1,
        worst=(RunLine("a/c", Verdict.SICK, "sparse-reward", 0.7, 0.0, "My-v0", 61, -3.0),),
    ),
    "command": FailedCommand("rldoctor gate", Verdict.UNJUDGED, "", "No run.", unjudged=(Unjudged("error", "No."),)),
}  # fmt: skip


def text_of(report: Report, name: str, verbose: bool = False) -> str:
    if name == "text":
        return "\n".join(lines_of(report, verbose))
    return render_notebook(report, verbose) if name == "notebook" else render(report, name, verbose) or ""


@pytest.mark.parametrize("name", [*FORMATS, "notebook"])
@pytest.mark.parametrize("kind", EVERY)
def test_every_format_takes_every_type(name, kind, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    subject = EVERY[kind]
    for verbose in (False, True):
        text = text_of(make_report("diagnose", [subject]), name, verbose)
        # Of a sweep CSV names the settings; GitHub and SARIF name only what is wrong.
        quiet = (kind == "sweep" and name == "csv") or name in ("github", "sarif")
        assert quiet or subject.path in text.replace("\\", "")
        assert "None" not in text.split("<script")[0]
    several = [one for one in EVERY.values() if one.kind not in ("sweep", "overview")]
    whole = text_of(make_report("checkup", several), name)
    assert "runs/x" in whole
    if name == "json":
        assert [one["kind"] for one in json.loads(whole)["subjects"]] == [one.kind for one in several]


@pytest.mark.parametrize("name", ["text", "html", "md", "junit", "notebook"])
def test_a_gate_passes_or_fails(name):
    failed, passed = (text_of(make_report("gate", [EVERY[kind]]), name).lower() for kind in ("gate", "passing"))
    assert "rldoctor gate: failed" in failed or "verdict: failed" in failed
    assert "rldoctor gate: passed" in passed or "verdict: passed" in passed
    assert "sick" not in failed.split("<script")[0].replace("--sick", "").replace(".sick", "").replace(
        '"badge sick"', ""
    )


def test_a_warning_that_fails_the_command_fails_the_gate():
    gate = GateResult("runs/y", Verdict.SUSPECT, findings=(FINDING,))
    assert headline(make_report("gate", [gate])).startswith("rldoctor gate: passed with warnings, exit code 0")
    assert headline(make_report("gate", [gate], Verdict.SUSPECT)).startswith("rldoctor gate: failed, exit code 1")


def test_a_sweep_counts_its_trainings():
    runs = [RunDiagnosis(f"runs/{seed}", Verdict.HEALTHY) for seed in range(6)]
    report = make_report("sweep", [EVERY["sweep"], *runs])
    assert "(6 healthy)" in headline(report)


def test_the_answer_is_the_last_thing_in_a_terminal_and_the_first_on_a_page():
    report = make_report("diagnose", [EVERY["run"]])
    lines = lines_of(report, verbose=False)
    assert lines[-3:] == [
        "Verdict: SICK   rldoctor diagnose, exit code 1",
        "Most likely cause: learning-rate-too-high (90%): the rate is too high",
        "Fix: Set it.",
    ]
    page = text_of(report, "html")
    header = page[page.index("<header>") : page.index("</header>")]
    assert "learning-rate-too-high (90%)" in header
    assert "Set it." in header


def test_the_answer_is_about_the_one_subject_that_explains_the_verdict():
    run, gate = EVERY["run"], EVERY["gate"]
    assert subject_of_answer(make_report("checkup", [EVERY["preflight"], run, gate])) is run
    assert subject_of_answer(make_report("gate", [gate, EVERY["passing"]])) is gate
    assert subject_of_answer(make_report("diagnose", [run, run])) is None
    assert answer(EVERY["passing"]) == []
    assert dict(answer(gate)) == {"Reason": "approx_kl is 0.5.", "Fix": "Lower it."}


def test_what_was_not_checked_is_one_line():
    missing = tuple(Unjudged(f"UPD{i}", f"metric {i} is not logged.", "Log it.") for i in range(100, 120))
    report = make_report("diagnose", [RunDiagnosis("x", Verdict.HEALTHY, unjudged=missing)])
    assert [line.strip() for line in lines_of(report, False) if "ot checked" in line] == [
        "Not checked: 20 checks (--verbose lists them)"
    ]
    assert sum("Not checked" in line for line in lines_of(report, True)) == 20


def test_csv_has_the_columns_that_programs_read():
    header, row = list(csv.reader(io.StringIO(text_of(make_report("diagnose", [EVERY["run"]]), "csv"))))[:2]
    assert header[:7] == ["subject", "kind", "verdict", "reference", "steps", "diagnosis", "probability"]
    assert row[:7] == ["runs/x", "run", "sick", "quick", "1000", "learning-rate-too-high", "0.9000"]


def test_renderers_load_nothing_but_the_model():
    script = """
import sys
from rldoctor.render.formats import FORMATS
import rldoctor.render.html.notebook, rldoctor.render.terminal.report, rldoctor.render.terminal.chart
import rldoctor.render.terminal.evaluation, rldoctor.render.terminal.page, rldoctor.render.terminal.configuration
allowed = ("rldoctor.render", "rldoctor.model", "rldoctor.errors", "rldoctor.version")
print([name for name in sys.modules if name.startswith("rldoctor.") and not name.startswith(allowed)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SLOW = RankedDiagnosis(
    "slow-training", "training is slow", 1.0, ("SPD101",), remedy="Use a faster one.", condition=True
)
LIKELY = RankedDiagnosis("clipping", "the rate is too high", 0.0412, ("UPD101",), remedy="Set it.")


@pytest.mark.parametrize("name", ["text", "md", "html", "junit", "github", "notebook"])
def test_a_suspect_run_shows_how_likely_health_is_and_no_condition_has_a_percentage(name, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    run = RunDiagnosis("x", Verdict.SUSPECT, findings=(FINDING,), diagnoses=(LIKELY, SLOW), health=0.834)
    text = text_of(make_report("diagnose", [run]), name).replace("%25", "%")
    assert "(4%; healthy: 83%)" in text
    assert "100%" not in text.partition("<body>")[2 if name == "html" else 0].partition("<script")[0]
    assert "Use a faster one" not in text or name in ("html", "md")


def test_the_answer_is_first_on_a_page_and_last_in_a_terminal():
    report = make_report("diagnose", [EVERY["run"]])
    assert [line.split(":")[0] for line in lines_of(report, False)[-3:]] == ["Verdict", "Most likely cause", "Fix"]
    assert text_of(report, "md").splitlines()[2:5:2] == [
        "**Most likely cause:** learning-rate-too-high (90%): the rate is too high",
        "**Fix:** Set it.",
    ]
    page = text_of(report, "html")
    assert page.index("Most likely cause:") < page.index("<main")


def test_a_probability_is_never_certain():
    assert [likelihood(share) for share in (0.0, 0.004, 0.006, 0.5, 0.994, 0.999, 1.0)] == [
        *("<1%", "<1%", "1%", "50%", "99%", ">99%", ">99%")
    ]


def test_what_is_missing_is_listed_where_it_is_the_answer():
    missing = (Unjudged("LOG301", "No known metric.", "Name the library."),)
    of_condition = RankedDiagnosis("missing-metrics", "important metrics are not logged", 1.0, condition=True)
    run = RunDiagnosis("x", Verdict.UNJUDGED, "", "None is known.", unjudged=missing, diagnoses=(of_condition,))
    assert any("No known metric. Name the library." in line for line in lines_of(make_report("diagnose", [run]), False))
    short = replace(run, diagnoses=(replace(of_condition, name="too-short-to-judge"),))
    lines = [line.strip() for line in lines_of(make_report("diagnose", [short]), False)]
    assert "Not checked: 1 check (--verbose lists it)" in lines


def test_a_metric_that_is_only_noted_has_no_tick():
    row = replace(ROW, mark="ok", why="outside the textbook range, but not enough to flag")
    lines = lines_of(make_report("diagnose", [RunDiagnosis("x", Verdict.HEALTHY, table=(ROW, row))]), False)
    assert [line.split()[0] for line in lines if "approx_kl  " in line] == ["✘", "●"]


def test_the_answer_gives_the_first_sentence_of_a_long_fix():
    long = f"Store the action. {'Then compare it with the other one. ' * 8}".strip()
    run = RunDiagnosis("x", Verdict.SICK, diagnoses=(replace(CAUSE, remedy=long),))
    assert dict(answer(run))["Fix"] == "Store the action."
    assert long in text_of(make_report("diagnose", [run]), "html")
    assert dict(answer(replace(run, diagnoses=(replace(CAUSE, remedy="A. B."),))))["Fix"] == "A. B."
