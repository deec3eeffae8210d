"""A treatment in every format, with names that attack each of them."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import jsonschema
import pytest
from rich.console import Console

from rldoctor.model import (
    Finding,
    Instruction,
    OutcomeCurve,
    RankedDiagnosis,
    Remedy,
    Report,
    RunDiagnosis,
    Severity,
    Treatment,
    TreatmentOutcome,
    TreatmentResult,
    TreatmentTrial,
    TrialState,
    Verdict,
)
from rldoctor.model.report_json import read_report
from rldoctor.render.formats import FORMATS, render
from rldoctor.render.terminal.report import print_report
from tests.render.hostile import HOSTILE, schema

CHANGE = {"learning_rate": {"from": 0.1, "to": 0.002}}
TOLD = (
    Instruction("reward-misaligned", 0.7, "Check the reward's sign.", ("ENV404",), "fired"),
    Instruction("sparse-reward", 0.2, "Use the dense version.", ("ENV402",), "passed"),
    Instruction("task-unreachable", 0.1, "Check where goals are drawn."),
)


def treatment(
    outcome: TreatmentOutcome = TreatmentOutcome.CURED, name: str = "learning_rate 0.1 -> 0.002"
) -> Treatment:
    trial = TreatmentTrial(
        "remedy", 1, name, ("learning-rate-too-high",), CHANGE, 3, "runs/treatments/x/round-1", 8192, 16384,
        TrialState.WELL, "band", "Level with healthy runs from step 5,376 to 8,192.", {"success_rate": 0.2},
    )  # fmt: skip
    control = replace(
        trial, role="control", name="untreated, seed 4", diagnoses=(), changes={}, seed=4, state=TrialState.SICK
    )
    curves = {
        "before": OutcomeCurve("success_rate", (512, 8192, 16384), (0.1, 0.05, 0.0)),
        "round 1": OutcomeCurve("success_rate", (512, 8192), (0.1, 0.6)),
    }
    return Treatment(
        outcome, "runs/sick", "learning-rate-too-high", 3,
        (Remedy(("learning-rate-too-high",), 0.9, CHANGE),), TOLD, (trial, control), 14848, 16384, 1 / 3,
        "2 of 2 untreated runs were sick; the treated run is well.", "runs/treatments/x/cured.toml", (), curves,
    )  # fmt: skip


def report(given: Treatment | None = None, path: str = "runs/sick") -> Report:
    given = given or treatment()
    good = given.outcome in (TreatmentOutcome.CURED, TreatmentOutcome.NOTHING_TO_DO, TreatmentOutcome.PLANNED)
    sick = RunDiagnosis(path, Verdict.SICK, diagnoses=(RankedDiagnosis("learning-rate-too-high", "the rate", 0.9),))
    finding = Finding("EVL501", "not-cured", Severity.ERROR, "Not cured.", "Check the reward's sign.")
    verdict = Verdict.HEALTHY if good else Verdict.SICK
    subject = TreatmentResult(
        path, verdict, "PPO.", summary="Cured by it." if good else "Not cured.",
        findings=() if good else (finding,), treatment=given, runs=(sick,),
    )  # fmt: skip
    return Report("treat", (subject,), verdict, 0 if good else 1)


def shown(given: Report, width: int = 80, verbose: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False, highlight=False)
    print_report(console, given, verbose)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_in_the_terminal_the_cure_is_told_from_plan_to_sureness() -> None:
    text = " ".join(shown(report()).split())
    for words in (
        "CURED",
        "round 1 learning_rate 0.1 -> 0.002",
        "50% of a whole training",
        "control untreated, seed 4",
    ):
        assert words in text
    assert "success in training, on one scale" in text
    assert "How sure: 2 of 2 untreated runs were sick" in text
    assert "rldoctor train --recipe runs/treatments/x/cured.toml" in text
    # Nothing is the reader's to mend.
    assert "ENV404" not in text


def test_a_pilot_run_comes_before_the_rounds_and_is_no_round() -> None:
    given = treatment()
    tried = replace(given.trials[0], role="probe", name="clip_range 1 -> 0.2", state=TrialState.SICK, by="signs")
    probed = report(replace(given, trials=(tried, *given.trials)))
    text = shown(probed)
    assert "pilot run" in text
    assert "probe" not in text
    assert text.index("clip_range 1 -> 0.2") < text.index("round 1")
    # Of a rival that is not tried there is nothing to worry about.
    assert "✘" not in text.split("round 1")[0]
    page, data = render(probed, "html"), render(probed, "json")
    assert page is not None
    assert "pilot run: clip_range 1 -&gt; 0.2" in page
    assert data is not None
    jsonschema.validate(json.loads(data), schema())


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_into_the_terminal(width: int) -> None:
    uncured = replace(treatment(TreatmentOutcome.NOT_CURED), recipe="")
    assert max(map(len, shown(report(uncured), width).splitlines())) <= width


def test_curves_are_as_long_as_what_was_trained_and_on_one_scale() -> None:
    lines = shown(report()).splitlines()
    before = next(line for line in lines if line.strip().startswith("before"))
    after = next(line for line in lines if line.strip().startswith("round 1  ") and "->" in line and "0.6" in line)
    bars = "▁▂▃▄▅▆▇█"
    assert sum(c in bars for c in before) == 40
    assert sum(c in bars for c in after) == 20
    assert "█" in after
    assert "█" not in before


def test_what_is_the_users_to_do_is_told_with_the_check_that_confirms_it() -> None:
    told = replace(treatment(TreatmentOutcome.INSTRUCTED), trials=(), curves={}, recipe="", chance=None, sureness="")
    text = " ".join(shown(report(told)).split())
    assert "INSTRUCTED" in text
    assert "1. reward-misaligned 70%; confirmed by a check just now Check the reward's sign." in text
    assert "rldoctor preflight --select ENV404" in text
    assert "2. sparse-reward 20%; not confirmed by its checks" in text
    assert "task-unreachable" not in text
    assert "task-unreachable" in shown(report(told), verbose=True)


def test_nothing_to_do_is_said_in_few_words() -> None:
    well = Treatment(TreatmentOutcome.NOTHING_TO_DO, "runs/well", "", 3, sureness="The run is healthy.")
    text = shown(report(well))
    assert "NOTHING TO DO" in text
    assert len(text.strip().splitlines()) < 6


def test_json_keeps_to_the_schema_and_comes_back() -> None:
    for outcome in TreatmentOutcome:
        text = render(report(treatment(outcome)), "json")
        assert text is not None
        jsonschema.validate(json.loads(text), schema())


def test_a_saved_treatment_is_the_same(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "report.json"
    file.write_text(render(report(), "json") or "", encoding="utf-8")
    again = read_report(file)
    assert again == report()
    assert again.subjects[0].treatment is not None
    assert again.subjects[0].treatment.outcome is TreatmentOutcome.CURED
    assert shown(again) == shown(report())


@pytest.mark.parametrize("format_", [name for name in FORMATS if name not in ("text", "html")])
def test_every_format_takes_it(format_: str) -> None:
    cured, uncured = render(report(), format_), render(report(treatment(TreatmentOutcome.NOT_CURED)), format_)
    assert cured
    assert uncured
    if format_ == "junit":
        assert 'failures="0"' in cured.splitlines()[1]
        assert 'failures="0"' not in uncured.splitlines()[1]


def test_the_page_shows_what_was_tried_and_escapes_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    page = render(report(treatment(name=HOSTILE), path=str(tmp_path)), "html")
    assert page is not None
    assert "<script>alert" not in page
    assert "\x1b" not in page
    for words in ("What was tried", "cured", "control: untreated, seed 4", "33.3%", "rldoctor train --recipe"):
        assert words in page
    assert "What you need to do" not in page
    assert "\x1b" not in shown(report(treatment(name=HOSTILE)))
