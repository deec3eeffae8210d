"""Reports lead to the documentation's pages where the site has an address, and to nothing where it has none."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

import rldoctor
from rldoctor.cli.app import run
from rldoctor.explain.pages import look_up
from rldoctor.model import Finding, PreflightResult, Severity, Verdict
from rldoctor.model.website import SITE
from rldoctor.render.formats import render
from rldoctor.render.terminal.page import render_page
from rldoctor.render.terminal.report import print_report

SICK = Path(__file__).parents[1] / "runs/sick/learning-rate-too-high/fetch_reach_dense-learning-rate-high-extreme-100"
DOCUMENTATION = "https://docs.example.org/rldoctor"


@pytest.fixture(params=[DOCUMENTATION, f"{DOCUMENTATION}/"])
def site(monkeypatch, request):
    monkeypatch.setenv("RLDOCTOR_SITE", request.param)


def in_a_terminal(printed, links=True):
    console = Console(file=io.StringIO(), force_terminal=links, color_system="standard" if links else None, width=100)
    printed(console)
    return console.file.getvalue()


def help_uris(report):
    rules = json.loads(render(report, "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    return {rule["id"]: rule.get("helpUri") for rule in rules}


def test_sarif_leads_to_codes_and_causes(site):
    uris = help_uris(rldoctor.diagnose(SICK))
    assert uris["UPD101"] == f"{DOCUMENTATION}/codes/UPD101.html"
    assert uris["learning-rate-too-high"] == f"{DOCUMENTATION}/causes/learning-rate-too-high.html"


def test_a_code_of_ones_own_has_no_page(site):
    finding = Finding("OWN101", "ours", Severity.ERROR, "it is ours", "", {})
    report = rldoctor.diagnosis.report.Report.of("preflight", [PreflightResult("E", Verdict.SICK, findings=(finding,))])
    assert help_uris(report) == {"OWN101": None}
    assert "\x1b]8;" not in in_a_terminal(lambda console: print_report(console, report))


def test_the_terminal_has_links_where_it_can(site):
    report = rldoctor.diagnose(SICK)
    text = in_a_terminal(lambda console: print_report(console, report))
    assert f";{DOCUMENTATION}/codes/UPD101.html\x1b\\" in text
    assert f";{DOCUMENTATION}/causes/clipping.html" not in text
    page = in_a_terminal(lambda console: console.print(render_page(look_up("clipping"))))
    assert f";{DOCUMENTATION}/concepts/clipping.html\x1b\\" in page
    assert "\x1b]8;" not in in_a_terminal(lambda console: print_report(console, report), links=False)


def test_without_an_address_nothing_is_linked(monkeypatch, capsys):
    monkeypatch.delenv("RLDOCTOR_SITE", raising=False)
    assert SITE == "" or SITE.startswith("https://")
    monkeypatch.setattr("rldoctor.model.website.SITE", "")
    report = rldoctor.diagnose(SICK)
    assert set(help_uris(report).values()) == {None}
    assert "\x1b]8;" not in in_a_terminal(lambda console: print_report(console, report))
    assert run(["explain", "UPD101"]) == 0
    assert "http" not in capsys.readouterr().out
