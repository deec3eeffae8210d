from __future__ import annotations

import io
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from rldoctor.model import PreflightResult, Report, Severity, Unjudged, Verdict
from rldoctor.render.terminal.marks import mark, severity_mark, sparkline
from rldoctor.render.terminal.report import lines_of
from rldoctor.render.wording import clean, counted, number, one_line


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding):
        super().__init__(io.BytesIO(), encoding=encoding)


UNICODE = Console(file=Terminal("utf-8"))
ASCII = Console(file=Terminal("ascii"))
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "", "0.5"),
        (1.0, "", "1"),
        (0.0, "", "0"),
        (-0.123456, "", "-0.123"),
        (1234.5, "", "1,234"),
        (507904, "", "507,904"),
        (-12345.6, "", "-12,346"),
        (2.5e9, "", "2.5e+09"),
        (1e-5, "", "1e-05"),
        (0.0067, "m", "6.7 mm"),
        (0.02, "m", "20.0 mm"),
        (1.5, "m", "1.5 m"),
        (NAN, "", "NaN"),
        (INF, "", "inf"),
        (-INF, "", "-inf"),
        (NAN, "m", "NaN"),
        (12, "steps", "12 steps"),
    ],
)
def test_number(value, unit, text):
    assert number(value, unit) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_reads_back_to_three_digits(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=5.1e-3, abs=1e-300)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("é ☃ 漢字", "é ☃ 漢字"),
        ("two\nlines", "two\nlines"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("bell\a", r"bell\x07"),
        ("back\b\r\t", r"back\x08\r\t"),
        ("\x9b2J", r"\x9b2J"),
        ("right\u202eleft", r"right\u202eleft"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        ("line\u2028break", r"line\u2028break"),
        ("[red]markup[/red]", "[red]markup[/red]"),
    ],
)
def test_clean(text, shown):
    assert clean(text) == shown


@given(st.text())
def test_clean_leaves_nothing_that_steers_a_terminal(text):
    shown = clean(text)
    assert not {c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert clean(shown) == shown


def test_a_name_of_two_lines_stays_on_one():
    assert one_line("a\n::error::b\r\x1b[31m") == r"a\n::error::b\r\x1b[31m"


def test_sparkline():
    assert sparkline(UNICODE, [0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline(UNICODE, [7, 0]) == "█▁"
    assert sparkline(UNICODE, [2, 2, 2]) == "▄▄▄"
    assert sparkline(UNICODE, [0, NAN, 1, INF]) == "▁ █ "
    assert sparkline(UNICODE, []) == sparkline(UNICODE, [NAN]) == ""
    assert sparkline(ASCII, [0, 1]) == ""


@given(st.lists(st.floats(), max_size=20))
def test_a_sparkline_has_one_character_a_point(values):
    line = sparkline(UNICODE, values)
    finite = [value for value in values if math.isfinite(value)]
    assert len(line) == (len(values) if finite else 0)
    assert [c == " " for c in line] == [not math.isfinite(value) for value in values][: len(line)]


@pytest.mark.parametrize("kind", ["ok", "bad", "odd", "note", "missing"])
def test_marks_have_a_plain_form(kind):
    assert not mark(UNICODE, kind).plain.isascii()
    assert mark(ASCII, kind).plain.isascii()
    assert len(mark(UNICODE, kind).plain) == len(mark(ASCII, kind).plain) == 1


def test_marks_of_findings_differ():
    assert len({severity_mark(ASCII, severity).plain for severity in Severity}) == 3


def test_what_has_one_reason_is_one_line():
    missing = [Unjudged(f"ENV{i}", "not run: environment-makes (ENV101) failed") for i in range(1, 28)]
    other = Unjudged("UPD101", "approx_kl is not logged.", "Log train/.")
    subject = PreflightResult("x", Verdict.SICK, unjudged=(*missing, other))
    lines = " ".join("\n".join(lines_of(Report("preflight", (subject,), Verdict.SICK, 1))).split())
    assert lines.count("environment-makes") == 1
    assert "(27 checks: ENV1, ENV2," in lines
    assert "and 15 more)" in lines
    assert "approx_kl is not logged. Log train/." in lines


def test_one_is_singular():
    assert (counted(1, "note"), counted(2, "note"), counted(0, "note")) == ("1 note", "2 notes", "0 notes")


def test_a_name_that_the_locale_could_not_read_is_read_as_utf8():
    kept = "é 漢 run".encode().decode("ascii", "surrogateescape")
    assert clean(kept) == "é 漢 run"
    # What is no UTF-8 is spelt out, as is a surrogate that no file's name holds.
    assert clean(b"\xff run".decode("ascii", "surrogateescape")) == "\\udcff run"
    assert clean("\ud800 run") == "\\ud800 run"
    # Bytes of an escape sequence stay harmless.
    assert clean(b"\x1b[2J".decode("ascii", "surrogateescape")) == "\\x1b[2J"
