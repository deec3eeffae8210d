"""The pages that the site makes of rules and commands, without building it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rldoctor.cli.app import COMMANDS
from rldoctor.explain.pages import library
from rldoctor.model.website import location


@pytest.fixture
def makers(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "docs" / "site"))
    import command_pages
    import rule_pages

    yield rule_pages, command_pages
    for module in ("rule_pages", "command_pages"):
        sys.modules.pop(module, None)


def test_every_code_cause_metric_and_command_has_a_page(makers):
    rule_pages, command_pages = makers
    made = {**rule_pages.pages({"UPD101": [("A run", "gallery/a.md")]}), **command_pages.pages()}
    places = [page.location for shelf in library().values() for page in shelf]
    places += [location("commands", word) for word in COMMANDS]
    assert {place.removesuffix(".html") + ".md" for place in places} <= made.keys()
    assert "[approx_kl](../metrics/approx_kl.md)" in made["codes/UPD101.md"]
    assert "- [A run](../gallery/a.md)" in made["codes/UPD101.md"]
    assert "| `-o, --output" in made["commands/diagnose.md"]
    assert "## export" in made["commands/faults.md"]
