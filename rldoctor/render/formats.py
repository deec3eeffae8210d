"""The output formats by name. A new format is a new file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

from rldoctor.errors import UsageError, near
from rldoctor.model import Report

# Name to module and function, imported when asked for: a diagnosis in the terminal needs no templates.
FORMATS: Mapping[str, str] = {
    "text": "terminal.report:render_text",
    "json": "json_report:render_json",
    "html": "html.report:render_html",
    "junit": "junit:render_junit",
    "sarif": "sarif:render_sarif",
    "github": "github:render_github",
    "md": "markdown:render_markdown",
    "csv": "csv_table:render_csv",
}


def check(name: str) -> str:
    """Return ``name`` if it is a format.

    Raises:
        UsageError: It is not.
    """
    if name not in FORMATS:
        raise UsageError(f"There is no output format {name!r}.", near(name, FORMATS))
    return name


def stream(report: Report, name: str, verbose: bool = False) -> Iterable[str] | None:
    """Return ``report`` in pieces to be written one after the other; ``None`` where :func:`render` returns that."""
    if name == "json":
        from rldoctor.render.json_report import pieces

        return pieces(report)
    text = render(report, name, verbose)
    return None if text is None else [text]


def render(report: Report, name: str, verbose: bool = False) -> str | None:
    """Return ``report`` in the format ``name``; a format that prints by itself (text) returns ``None``."""
    module, _, function = FORMATS[check(name)].partition(":")
    renderer: Callable[[Report, bool], str | None] = getattr(import_module(f"rldoctor.render.{module}"), function)
    return renderer(report, verbose)
