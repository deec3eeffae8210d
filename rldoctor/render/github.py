"""GitHub Actions: annotations on stdout, and the job's summary where GitHub names a file for it.

Source: docs.github.com, "Workflow commands for GitHub Actions" and "Adding a job summary".
"""

from __future__ import annotations

import os
from pathlib import Path

from rldoctor.model import Report, Severity
from rldoctor.render.markdown import render_markdown
from rldoctor.render.remarks import Remark, remarks
from rldoctor.render.wording import headline

_COMMAND = {Severity.NOTE: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}
_SUMMARY = "GITHUB_STEP_SUMMARY"


def render_github(report: Report, verbose: bool = False) -> str:
    """Return one annotation a remark, worst first, and append the Markdown report to the step's summary."""
    lines = _write_summary(render_markdown(report, verbose))
    said = sorted(remarks(report, brief=not verbose), key=lambda remark: -remark.severity.rank)
    # GitHub shows ten annotations of a kind a step: notes would only push others out.
    shown = [remark for remark in said if verbose or remark.severity is not Severity.NOTE]
    return "\n".join([*map(_annotation, shown), *lines, _escape(headline(report))])


def _write_summary(text: str) -> list[str]:
    """Append to the file that GitHub names; a verdict does not depend on whether that can be written to."""
    place = os.environ.get(_SUMMARY)
    try:
        if place:
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
    except OSError as error:
        return [f"::warning title={_SUMMARY}::{_escape(f'{place} cannot be written: {error.strerror}')}"]
    return []


def _annotation(remark: Remark) -> str:
    title = _property(f"{remark.rule} {remark.subject}")
    return f"::{_COMMAND[remark.severity]} title={title}::{_escape(remark.text)}"


def _escape(text: str) -> str:
    """Escape a command's message; whatever a run is called, it must not begin a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
