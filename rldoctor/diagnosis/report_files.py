"""The report as files beside the run that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import UsageError
from rldoctor.model import Report
from rldoctor.render.formats import stream
from rldoctor.render.terminal.report import lines_of


def write_file(report: Report, format_: str, path: Path, verbose: bool = False) -> None:
    """Write ``report`` in a format to ``path``, whole or not at all; missing folders are made.

    Raises:
        UsageError: The place cannot be written to.
    """
    lines = ["\n".join(lines_of(report, verbose))] if format_ == "text" else stream(report, format_, verbose)
    _write(lines or (), path)


def write_text(text: str, path: Path) -> None:
    """Write ``text`` and a line's end to ``path``, whole or not at all; missing folders are made.

    Raises:
        UsageError: The place cannot be written to.
    """
    _write([text], path)


def _write(pieces: Iterable[str], path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a directory.", "Name a file for the report.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.", "Name another place.") from error
    with (
        run_directory.replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace") as file,
    ):
        file.writelines(pieces)
        file.write("\n")


def write_report(report: Report, directory: Path) -> None:
    """Write ``report.txt`` and ``report.html`` for people and ``report.json`` for programs into ``directory``.

    Raises:
        UsageError: The place cannot be written to.
    """
    write_file(report, "text", directory / "report.txt", verbose=True)
    write_file(report, "json", directory / "report.json")
    write_file(report, "html", directory / "report.html")
