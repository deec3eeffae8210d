"""The pages of preflight checks are read from their source: they must say what the checks themselves say."""

from __future__ import annotations

from rldoctor.explain.pages import preflight_checks
from rldoctor.preflight.runner import all_checks


def test_every_check_has_its_page():
    pages = {page.code: (page.name, page.title) for page in preflight_checks()}
    assert pages == {check.code: (check.name, check.title) for check in all_checks()}
    assert all(len(page.text) > 80 for page in preflight_checks())
