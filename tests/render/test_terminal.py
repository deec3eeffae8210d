"""The report in a terminal: 80 columns and fewer, without colour, in ASCII, and the curve that is drawn."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import rldoctor
from rldoctor.render.terminal_chart import draw
from rldoctor.render.text import render_text

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
    render_text(report, False, console)
    return file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_longer_than_the_terminal(width):
    for folder in (SICK, RUNS / "healthy", RUNS / "sick" / "policy-collapsed"):
        lines = printed(rldoctor.diagnose(folder), width).splitlines()
        assert max(map(cell_len, lines)) <= width


def test_the_curve_that_speaks_for_the_cause_is_drawn():
    text = printed(rldoctor.diagnose(SICK))
    assert "approximate KL divergence (dotted: the band of healthy runs), by step" in text
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
    assert draw(console(), sick) is not None
    assert draw(console(width=40), sick) is None
    from dataclasses import replace

    assert draw(console(), replace(sick, diagnoses=())) is None
    assert draw(console(), replace(sick, path=str(tmp_path / "gone"))) is None
    without_band = draw(console(), replace(sick, reference="no/such"))
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
