"""The output formats by name. A new format is a new file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rldoctor.errors import UsageError
from rldoctor.model import Report
from rldoctor.recipe import near
from rldoctor.render.github import render_github
from rldoctor.render.json_report import render_json
from rldoctor.render.junit import render_junit
from rldoctor.render.markdown import render_markdown
from rldoctor.render.sarif import render_sarif
from rldoctor.render.table import render_csv
from rldoctor.render.text import render_text

FORMATS: Mapping[str, Callable[[Report, bool], str | None]] = {
    "text": render_text,
    "json": render_json,
    "junit": render_junit,
    "sarif": render_sarif,
    "github": render_github,
    "md": render_markdown,
    "csv": render_csv,
}


def check(name: str) -> str:
    """Return ``name`` if it is a format.

    Raises:
        UsageError: It is not.
    """
    if name not in FORMATS:
        raise UsageError(f"There is no output format {name!r}.", near(name, FORMATS))
    return name


def render(report: Report, name: str, verbose: bool = False) -> str | None:
    """Return ``report`` in the format ``name``; a format that prints by itself (text) returns ``None``."""
    return FORMATS[check(name)](report, verbose)
