"""The report in a terminal: 80 columns and fewer, without colour, in ASCII, and the curve that is drawn."""

from __future__ import annotations

import io
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import rldoctor
from rldoctor.cli.app import run
from rldoctor.diagnosis.chart_data import StoredDetails
from rldoctor.diagnosis.many import diagnose
from rldoctor.model import (
    CheckResult,
    ComparisonResult,
    CriterionResult,
    Details,
    FailedCommand,
    Finding,
    GateResult,
    Outcome,
    Parting,
    PreflightResult,
    RankedDiagnosis,
    Report,
    RunDiagnosis,
    SettingPair,
    Severity,
    TableRow,
    Unjudged,
    Verdict,
    make_report,
)
from rldoctor.render.terminal.chart import draw
from rldoctor.render.terminal.report import print_report

RUNS = Path(__file__).parents[1] / "runs"
SICK = RUNS / "sick" / "learning-rate-too-high" / "fetch_reach_dense-learning-rate-high-strong-100"


class Ascii(io.StringIO):
    encoding = "ascii"


def printed(report, width=80, colour=False, file=None):
    file = file or io.StringIO()
    system = "truecolor" if colour else None
    console = Console(
        file=file, width=width, color_system=system, force_terminal=colour, no_color=not colour, highlight=False
    )
    print_report(console, report)
    return file.getvalue()


def test_no_line_is_longer_than_the_terminal():
    for folder in (SICK, RUNS / "healthy", RUNS / "sick" / "policy-collapsed"):
        report = rldoctor.diagnose(folder)
        for width in (40, 60, 80, 120):
            assert max(map(cell_len, printed(report, width).splitlines())) <= width


def test_the_curve_that_shows_the_cause_is_drawn():
    text = printed(rldoctor.diagnose(SICK))
    assert "approximate KL divergence, by step (dotted: the band of healthy runs)" in text
    chart = text[text.index("┌") : text.index("└")]
    assert "•" in chart
    assert any("⠀" < character <= "⣿" for character in chart), "the run's own curve, in Braille"
    assert "16,384" in text[text.index("└") :][:200]


@pytest.mark.parametrize("width", [40, 80])
def test_the_verdict_is_seen_however_long_the_path(width):
    heading = printed(rldoctor.diagnose(SICK), width).splitlines()[1]
    assert heading.startswith("Diagnosis  ")
    assert "  SICK " in heading


def test_without_colour_there_is_none():
    report = rldoctor.diagnose(SICK)
    assert "\x1b" not in printed(report)
    assert "\x1b[" in printed(report, colour=True)


def test_a_terminal_of_ascii_gets_words_and_no_chart():
    text = printed(rldoctor.diagnose(SICK), file=Ascii())
    assert "by step" not in text
    assert "learning-rate-too-high" in text


def test_nothing_is_drawn_where_there_is_nothing_to_draw(tmp_path):
    def console(width=80):
        return Console(file=io.StringIO(), width=width)

    (sick,) = rldoctor.diagnose(SICK).subjects
    details = StoredDetails()
    assert draw(console(), sick, details) is not None
    assert draw(console(width=40), sick, details) is None
    assert draw(console(), sick, Details()) is None
    assert draw(console(), replace(sick, diagnoses=()), details) is None
    assert draw(console(), replace(sick, path=str(tmp_path / "gone")), details) is None
    without_band = draw(console(), replace(sick, reference="no/such"), details)
    assert without_band is not None
    assert "dotted" not in without_band.plain
    healthy = printed(rldoctor.diagnose(next((RUNS / "healthy").glob("*"))))
    assert "by step" not in healthy


def test_names_of_many_runs_keep_the_end_that_tells_them_apart():
    lines = printed(rldoctor.diagnose(RUNS / "sick" / "learning-rate-too-high")).splitlines()
    rows = [line for line in lines if line.startswith(("  sick", "  suspect"))]
    assert len(rows) > 10
    assert all("…" in row and row.rstrip().endswith("%)") for row in rows)
    assert any("extreme-100 " in row for row in rows)


HOSTILE = "x\n::error::y [red]z[/red] \x1b[2J\u202e"


def test_what_a_stranger_wrote_stays_on_its_line_and_is_no_markup():
    finding = Finding("LOG301", HOSTILE, Severity.WARNING, HOSTILE, HOSTILE)
    diagnosis = RankedDiagnosis(HOSTILE, HOSTILE, 0.9, (HOSTILE,), (HOSTILE,), HOSTILE, HOSTILE)
    row = TableRow(HOSTILE, HOSTILE, HOSTILE, HOSTILE, (0.0, 1.0), "bad", HOSTILE)
    criterion = CriterionResult(HOSTILE, HOSTILE, HOSTILE, 0.5, ">", 0.9, False, HOSTILE)
    examination = CheckResult(HOSTILE, HOSTILE, Outcome.NOT_RUN, HOSTILE)
    told = {"findings": (finding,), "diagnoses": (diagnosis,), "unjudged": (Unjudged(HOSTILE, HOSTILE, HOSTILE),)}
    subjects = (
        RunDiagnosis(HOSTILE, Verdict.SICK, title=HOSTILE, summary=HOSTILE, table=(row,), **told),
        RunDiagnosis(HOSTILE + "2", Verdict.HEALTHY),
        GateResult(HOSTILE, Verdict.SICK, criteria=(criterion,)),
        PreflightResult(HOSTILE, Verdict.UNJUDGED, checks=(examination,)),
        FailedCommand(HOSTILE, Verdict.UNJUDGED, HOSTILE, HOSTILE),
        ComparisonResult(
            *(HOSTILE, Verdict.SICK),
            setting_pairs=(SettingPair(HOSTILE, HOSTILE, [HOSTILE], HOSTILE, HOSTILE, True),),
            partings=(Parting(HOSTILE, 1, 0.0, math.nan),),
            diagnoses=(diagnosis,),
        ),
    )
    console = Console(file=io.StringIO(), width=200, no_color=True, highlight=False)
    print_report(console, Report(HOSTILE, subjects, Verdict.SICK, 1), True)
    text = console.file.getvalue()
    assert not {"\x1b", "\u202e"} & set(text)
    assert not [line for line in text.splitlines() if line.lstrip().startswith("::")]
    assert text.count("[red]z[/red]") == text.count("::error::y") > 12


def test_absolute_and_relative_runs_stand_side_by_side(monkeypatch):
    monkeypatch.chdir(RUNS)
    report = make_report("diagnose", diagnose([SICK, "healthy/cartpole/zoo/as-recorded-20"]))
    text = printed(report, 400)
    assert f"  {SICK}  " in text
    assert "  healthy/cartpole/zoo/as-recorded-20  " in text


def test_github_obeys_nothing_in_a_report_for_people(monkeypatch, tmp_path, capsys):
    run_named = shutil.copytree(RUNS / "healthy/cartpole/zoo/as-recorded-20", tmp_path / "##[set-output name=a]b")
    for told in ([], ["nowhere::error::x"]):
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        command = ["diagnose", str(run_named), *told]
        assert run(command) == (2 if told else 0)
        captured = capsys.readouterr()
        first, *lines, last = (captured.err if told else captured.out).splitlines()
        word = first.removeprefix("::stop-commands::")
        assert len(word) == 32
        assert last == f"::{word}::"
        assert lines
        monkeypatch.delenv("GITHUB_ACTIONS")
        assert run(command) == (2 if told else 0)
        captured = capsys.readouterr()
        assert "stop-commands" not in captured.out + captured.err
