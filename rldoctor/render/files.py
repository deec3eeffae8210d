"""The report as files beside the run that it speaks of."""

from __future__ import annotations

from pathlib import Path

from rldoctor import run_directory
from rldoctor.model import Report
from rldoctor.render.json_report import render_json
from rldoctor.render.text import lines_of


def write_report(report: Report, directory: Path) -> None:
    """Write ``report.txt`` for people and ``report.json`` for programs into ``directory``.

    Raises:
        UsageError: The place cannot be written to.
    """
    for name, content in (("report.txt", "\n".join(lines_of(report))), ("report.json", render_json(report))):
        with run_directory.replacing(directory / name) as temporary:
            temporary.write_text(f"{content}\n", encoding="utf-8", errors="backslashreplace")
