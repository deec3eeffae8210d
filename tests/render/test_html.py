"""The HTML report in a real browser: headless Chromium (Debian's chromium and chromium-driver), opened from disk."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path

import pytest

from rldoctor.cli.app import run
from rldoctor.diagnosis.chart_data import thinned
from rldoctor.diagnosis.many import diagnose
from rldoctor.diagnosis.report import Report
from rldoctor.model import (
    Curve,
    Finding,
    PreflightResult,
    RankedDiagnosis,
    RunDiagnosis,
    Severity,
    Verdict,
)
from rldoctor.render.formats import render
from rldoctor.render.html.page import _embedded
from tests.render.browser import wait

RUNS = Path(__file__).resolve().parents[1] / "runs"
SICK = RUNS / "sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100"
SEVERAL = (RUNS / "healthy/fetch_reach_dense/quick", RUNS / "healthy/cartpole/zoo")


def one() -> Report:
    return Report.of("diagnose", diagnose([SICK]))


def test_one_run_shows_its_curves_over_the_band_with_the_signs_marked(page):
    browser = page(one())
    body = browser.find_element("tag name", "main").text
    assert "the learning rate is too high" in body
    assert "Set learning_rate to 0.002 (was 0.1)" in body
    assert "approx_kl" in body
    chart = "document.querySelector('.chart[data-metric=approx_kl]')"
    browser.execute_script(f"{chart}.scrollIntoView()")
    wait(browser, f"{chart}.classList.contains('js-plotly-plot')")
    names = browser.execute_script(f"return {chart}.data.map((trace) => trace.name || '')")
    assert names[-2:] == ["healthy median", "approx_kl"]
    marks = browser.execute_script(f"return {chart}.layout.annotations.map((mark) => mark.text).join(' ')")
    assert {"UPD101", "UPD103"} <= set(marks.split())
    label = browser.execute_script(f"return {chart}.getAttribute('aria-label')")
    assert label.startswith("approximate KL divergence, from ")
    # Clicked: a logarithmic axis, and what the callback logged besides.
    browser.find_element("css selector", ".log").click()
    browser.execute_script(f"{chart}.scrollIntoView()")
    wait(browser, f"({chart}.layout || {{yaxis: {{}}}}).yaxis.type === 'log'")
    before = len(browser.find_elements("css selector", ".chart"))
    browser.find_element("css selector", ".inside").click()
    assert len(browser.find_elements("css selector", ".chart")) > before + 20


@pytest.mark.slow
def test_the_evaluation_is_drawn_with_its_distances_and_paths(page, evaluated_once):
    browser = page(Report.of("diagnose", diagnose([evaluated_once])))
    charts = "[...document.querySelectorAll('.evaluation .chart')]"
    for place, first in enumerate(("final distance", "distance to the goal", "paths to the goals")):
        browser.execute_script(f"{charts}[{place}].scrollIntoView()")
        wait(browser, f"{charts}[{place}].classList.contains('js-plotly-plot')")
        title = browser.execute_script(f"return {charts}[{place}].layout.title.text")
        assert title.startswith(first)
    lines = browser.execute_script(f"return {charts}[1].data.map((trace) => trace.y.length)")
    assert lines == [51] * 20
    goals = browser.execute_script(f"return {charts}[2].data[20].x.length")
    assert goals == 20


def test_paths_that_a_stranger_wrote_are_left_out(evaluated_once, tmp_path):
    run = shutil.copytree(evaluated_once, tmp_path / "run")
    content = json.loads((run / "paths.json").read_text())
    for damage in ({"path": "x"}, {"path": [[1], [2, 3]]}, {"goal": None}, {"path": [["a", "b", "c"]]}):
        content["episodes"][0] |= damage
        (run / "paths.json").write_text(json.dumps(content))
        assert '"paths":null' in render(Report.of("diagnose", diagnose([run])), "html")


@pytest.mark.slow
def test_several_runs_are_laid_over_each_other_and_can_be_chosen(page):
    report = Report.of("diagnose", diagnose(SEVERAL))
    browser = page(report)
    traces = "document.getElementById('together').data.filter((trace) => trace.name && trace.name.includes('/')).length"
    count = len(report.subjects)
    assert count > 40
    assert browser.execute_script(f"return {traces}") == count
    browser.find_element("css selector", ".toggle").click()
    wait(browser, f"{traces} === {count - 1}")
    browser.find_element("id", "none").click()
    wait(browser, f"{traces} === 0")
    browser.find_element("id", "all").click()
    wait(browser, f"{traces} === {count}")
    browser.execute_script(
        "const m = document.getElementById('metric'); m.value = 'entropy'; m.dispatchEvent(new Event('change'))"
    )
    wait(browser, "document.getElementById('together').layout.title.text.includes('entropy')")


def test_the_table_of_runs_is_sorted_and_filtered(page):
    browser = page(Report.of("diagnose", diagnose(SEVERAL)))
    groups = [group.text for group in browser.find_elements("css selector", ".overview .group")]
    assert groups == ["CartPole-v1", "FetchReachDense-v4"]
    cells = "[...document.querySelectorAll('.overview tbody')[0].querySelectorAll('tr:not(.group)')]"
    returns = f"return {cells}.map((row) => Number(row.cells[4].dataset.key))"
    (button,) = [one for one in browser.find_elements("css selector", ".sort") if one.text.startswith("final return")]
    button.click()
    ascending = browser.execute_script(returns)
    assert ascending == sorted(ascending)
    assert len(set(ascending)) > 1
    button.click()
    assert browser.execute_script(returns) == ascending[::-1]
    browser.find_element("id", "filter").send_keys("zoo/clip")
    shown = [row.text for row in browser.find_elements("css selector", ".overview tbody tr") if row.is_displayed()]
    assert sum("clip" in row for row in shown) == 4
    assert len(shown) == 4 + len(groups)


@pytest.mark.slow
def test_it_can_be_used_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    browser = page(one())
    # Opened anew: Chromium goes on from where the charts were scrolled into view.
    browser.get(browser.current_url)
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the report"
    reached = set()
    for _ in range(12):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.add(browser.switch_to.active_element.tag_name)
    assert {"summary", "input", "button"} <= reached


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_it_fits_a_phone_by_day_and_by_night(page, scheme, dark):
    browser = page(one(), scheme=scheme, width=500)
    widths = browser.execute_script("return [document.scrollingElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    red = int(colour.removeprefix("rgb(").split(",")[0])
    assert (red < 60) is dark
    ink = browser.execute_script("return document.querySelector('.js-plotly-plot').layout.font.color")
    assert (ink == "#e6edf3") is dark


def test_no_name_becomes_a_script(page):
    hostile = (
        '</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1">{{7*7}}" onmouseover="pwned=1'
    )
    finding = Finding("UPD101", hostile, Severity.ERROR, hostile, hostile, {"metric": "approx_kl", "observed": hostile})
    diagnosis = RankedDiagnosis(hostile, hostile, 0.9, (hostile,), (hostile,), hostile, hostile)
    real = diagnose([SICK])[0]
    strange = RunDiagnosis(
        hostile, Verdict.SICK, hostile, hostile, framework=hostile, findings=(finding,), diagnoses=(diagnosis,)
    )
    browser = page(Report.of("diagnose", [real, strange]))
    assert browser.execute_script("return typeof window.pwned") == "undefined"
    assert browser.find_elements("css selector", "img, main script") == []
    assert hostile in browser.find_element("css selector", ".overview").text
    assert "49" not in browser.find_element("css selector", ".overview").text.replace(hostile, "")


def test_the_policy_forbids_what_is_not_in_the_page():
    text = html.unescape(render(one(), "html").split("</head>")[0])
    assert "default-src 'none'; script-src 'sha256-" in text
    assert "unsafe-eval" not in text
    assert "script-src 'unsafe-inline'" not in text
    assert _embedded({"a": "</script>&"}) == '{"a":"\\u003c/script\\u003e\\u0026"}'


def test_it_is_light(tmp_path):
    single = len(render(one(), "html").encode())
    assert single < 2_000_000
    subjects = diagnose(SEVERAL)
    several = len(render(Report.of("diagnose", subjects), "html").encode())
    fewer = len(render(Report.of("diagnose", subjects[:20]), "html").encode())
    assert (several - fewer) / (len(subjects) - 20) < 100_000


def test_a_run_that_is_gone_and_other_subjects_have_no_curves(tmp_path):
    gone = RunDiagnosis(str(tmp_path / "gone"), Verdict.UNJUDGED)
    env = PreflightResult("CartPole-v1", Verdict.HEALTHY, facts={"versions": {"python": "3"}})
    assert "CartPole-v1" in render(Report.of("checkup", [gone, env]), "html")


def test_thinning_keeps_spikes():
    import numpy as np

    values = np.zeros(10_000)
    values[4321], values[99] = 7.0, np.nan
    kept = thinned(Curve("entropy", np.arange(10_000), values), 120)
    assert len(kept) <= 120
    assert kept.steps[kept.values.argmax()] == 4321
    assert np.isfinite(kept.values).all()
    assert len(thinned(Curve("entropy", np.arange(5), np.array([1, np.nan, 3, 4, 5.0])), 120)) == 5


def test_the_command_writes_it(tmp_path):
    assert run(["diagnose", str(SICK), "--format", "html", "-o", str(tmp_path / "report.html")]) == 1
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_of_many_runs_the_worst_are_shown_in_full_and_some_of_each_verdict():
    verdicts = [*[Verdict.SICK] * 200, *[Verdict.SUSPECT] * 3, *[Verdict.HEALTHY] * 30]
    runs = [RunDiagnosis(f"runs/{place}", verdict) for place, verdict in enumerate(verdicts)]
    page = render(Report.of("diagnose", runs), "html")
    shown = [int(path) for path in re.findall(r'class="path">runs/(\d+)<', page)]
    assert shown == [*range(87), 200, 201, 202, *range(203, 213)]
    assert page.count('class="toggle"') == 100
    assert page.count("<tr>\n<td>") == len(runs)
    assert "133 more runs" in page
    everything = render(Report.of("diagnose", runs), "html", verbose=True)
    assert everything.count('class="path">runs/') == len(runs)
    assert "more runs" not in everything
