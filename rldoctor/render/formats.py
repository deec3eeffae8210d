"""The output formats by name. A new format is a new file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rldoctor.errors import UsageError, near
from rldoctor.model import Report
from rldoctor.render.csv_table import render_csv
from rldoctor.render.github import render_github
from rldoctor.render.html import render_html
from rldoctor.render.json_report import pieces, render_json
from rldoctor.render.junit import render_junit
from rldoctor.render.markdown import render_markdown
from rldoctor.render.sarif import render_sarif
from rldoctor.render.terminal import render_text

# A renderer takes a report and whether to show everything; one that prints by itself (text) returns None.
FORMATS: Mapping[str, Callable[[Report, bool], str | None]] = {
    "text": render_text,
    "json": render_json,
    "html": render_html,
    "junit": render_junit,
    "sarif": render_sarif,
    "github": render_github,
    "md": render_markdown,
    "csv": render_csv,
}


def stream(report: Report, name: str, verbose: bool = False) -> Iterable[str] | None:
    """Return ``report`` in pieces to be written one after the other; ``None`` where :func:`render` returns that."""
    if name == "json":
        return pieces(report)
    text = render(report, name, verbose)
    return None if text is None else [text]


def render(report: Report, name: str, verbose: bool = False) -> str | None:
    """Return ``report`` in the format ``name``; a format that prints by itself (text) returns ``None``.

    Raises:
        UsageError: There is no such format.
    """
    if name not in FORMATS:
        raise UsageError(f"There is no output format {name!r}.", near(name, FORMATS))
    return FORMATS[name](report, verbose)
