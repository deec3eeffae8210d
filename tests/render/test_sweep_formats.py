"""The results of a sweep in every format, with names that attack each of them."""

from __future__ import annotations

import csv
import io
import json
import math

import jsonschema
import pytest
from rich.console import Console

from rldoctor.model import (
    Report,
    RunDiagnosis,
    Sample,
    SettingResult,
    SweepResult,
    Trend,
    TrialResult,
    Verdict,
    make_report,
)
from rldoctor.model.report_json import read_report
from rldoctor.render.formats import FORMATS, render
from rldoctor.render.terminal.report import print_report
from tests.render.browser import wait
from tests.render.hostile import HOSTILE, schema


def sample(metric, values, improvement=math.nan, unit=""):
    mean = sum(values) / len(values)
    spread = (improvement - 0.1, improvement + 0.1)
    return Sample(metric, f"the {metric}", unit, tuple(values), mean, 0.0123, mean, mean, mean, improvement, *spread)


def sweep(name="clip_range=0.4") -> Report:
    trend = Trend("success_rate", (100, 200, 300), (0.0, 0.4, 1.0), (0.0, 0.3, 0.9), (0.1, 0.5, 1.0))
    base = SettingResult(
        "clip_range=0.2", True, {"clip_range": 0.2}, 2, 2, True, {"healthy": 2},
        (sample("success_rate", [0.9, 1.0]), sample("final_distance_mean", [0.01, 0.02], unit="m")), (trend,),
    )  # fmt: skip
    other = SettingResult(
        name, False, {"clip_range": 0.4}, 3, 2, None, {"healthy": 1, "sick": 1},
        (sample("success_rate", [0.2, 0.3], 0.25), sample("final_distance_mean", [0.1, 0.2], 0.0, "m")), (trend,),
    )  # fmt: skip
    numbers = {"success_rate": 0.9, "final_distance_mean": 0.0123, "train_seconds": 12.0, "steps_per_second": 1234.0}
    trials = (
        TrialResult("clip_range=0.2", 0, "runs/a", "finished", "healthy", "healthy", numbers),
        TrialResult(name, 0, "runs/b", "finished", "sick", "learning-rate-too-high", numbers),
        TrialResult(name, 1, "runs/c", "failed: it [bold]broke", "unjudged", ""),
    )
    subject = SweepResult("runs/sweeps/x", Verdict.SUSPECT, "a sweep", settings=(base, other), trials=trials)
    return make_report("sweep", [subject])


def lines(report, width):
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False, highlight=False)
    print_report(console, report)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
def test_in_the_terminal(width):
    shown = lines(sweep(), width)
    assert max(map(len, shown)) <= width
    text = "\n".join(shown)
    assert "0.2 *" in text
    assert "2/3" in text
    assert "0.4" in text
    if width == 120:
        assert "0.950 ± 0.012" in text
        assert "0.25 [0.15, 0.35]" in text
        assert "1 healthy, 1 sick" in text
        assert "sick: learning-rate-too-high" in text
        assert "1,234" in text
        assert "failed: it [bold]broke" in text


def test_csv_has_a_row_a_setting_and_metric():
    rows = list(csv.DictReader(io.StringIO(render(sweep(), "csv"))))
    assert [(row["setting"], row["metric"], row["baseline"]) for row in rows] == [
        ("clip_range=0.2", "success_rate", "True"),
        ("clip_range=0.2", "final_distance_mean", "True"),
        ("clip_range=0.4", "success_rate", "False"),
        ("clip_range=0.4", "final_distance_mean", "False"),
    ]
    assert float(rows[2]["mean"]) == 0.25
    assert (rows[0]["improvement"], rows[2]["improvement"], rows[2]["runs"]) == ("", "0.25", "2")
    assert rows[1]["unit"] == "m"


def test_json_keeps_its_schema_and_is_read_back(tmp_path):
    text = render(sweep(), "json")
    jsonschema.Draft202012Validator(schema()).validate(json.loads(text))
    file = tmp_path / "report.json"
    file.write_text(text)
    again = read_report(file)
    assert render(again, "json") == text
    assert again.subjects[0].settings[1].stable is None
    # Reports that are no sweep carry none of it.
    plain = make_report("diagnose", [RunDiagnosis("x", Verdict.HEALTHY)])
    assert {"settings", "trials"}.isdisjoint(json.loads(render(plain, "json"))["subjects"][0])


@pytest.mark.parametrize("format_", sorted(set(FORMATS) - {"text"}))
def test_hostile_names(format_):
    text = render(sweep(HOSTILE), format_)
    assert format_ in ("json", "csv") or "<script>alert(1)</script>" not in text
    assert "\x1b" not in text
    if format_ == "csv":
        assert all(not row[0].startswith("=") for row in csv.reader(io.StringIO(text)))
    if format_ == "md":
        # The bar in the name begins no cell.
        rows = [line.replace("\\|", "") for line in text.splitlines() if line.startswith("| =1+1")]
        assert [row.count("|") for row in rows] == [8, 4, 8, 8]


def test_hostile_names_in_the_terminal():
    text = "\n".join(lines(sweep(HOSTILE), 200))
    assert "\x1b" not in text
    assert "[red]" in text


def test_the_page_draws_every_setting_in_its_interval(page):
    browser = page(sweep())
    charts = "[...document.querySelectorAll('.trends .chart')]"
    wait(browser, f"{charts}.length === 1 && {charts}[0].classList.contains('js-plotly-plot')")
    names = browser.execute_script(f"return {charts}[0].data.filter((t) => t.name).map((t) => t.name)")
    assert names == ["clip_range=0.2", "clip_range=0.4"]
    tables = browser.find_elements("css selector", "table.sweep")
    assert len(tables) == 3
    assert "0.25 [0.15, 0.35]" in tables[0].text
