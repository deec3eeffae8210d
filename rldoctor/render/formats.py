"""The output formats by name. A new format is a new file, its name here, and the line that loads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rldoctor.errors import UsageError, near
from rldoctor.model import Report

FORMATS = ("text", "json", "html", "junit", "sarif", "github", "md", "csv")
# Takes a report and whether to show everything; one that prints by itself (text) returns None.
Renderer = Callable[[Report, bool], str | None]


def _renderer(name: str) -> Renderer:
    """Return the renderer of a format. Only that one is loaded: together they take as long to load as to judge a run.

    Raises:
        UsageError: There is no such format.
    """
    match name:
        case "text":
            from rldoctor.render.terminal import render_text

            return render_text
        case "json":
            from rldoctor.render.json_report import render_json

            return render_json
        case "html":
            from rldoctor.render.html import render_html

            return render_html
        case "junit":
            from rldoctor.render.junit import render_junit

            return render_junit
        case "sarif":
            from rldoctor.render.sarif import render_sarif

            return render_sarif
        case "github":
            from rldoctor.render.github import render_github

            return render_github
        case "md":
            from rldoctor.render.markdown import render_markdown

            return render_markdown
        case "csv":
            from rldoctor.render.csv_table import render_csv

            return render_csv
        case _:
            raise UsageError(f"There is no output format {name!r}.", near(name, FORMATS))


def stream(report: Report, name: str, verbose: bool = False) -> Iterable[str] | None:
    """Return ``report`` in pieces to be written one after the other; ``None`` where :func:`render` returns that."""
    if name == "json":
        from rldoctor.render.json_report import pieces

        return pieces(report)
    text = render(report, name, verbose)
    return None if text is None else [text]


def render(report: Report, name: str, verbose: bool = False) -> str | None:
    """Return ``report`` in the format ``name``; a format that prints by itself (text) returns ``None``.

    Raises:
        UsageError: There is no such format.
    """
    return _renderer(name)(report, verbose)
