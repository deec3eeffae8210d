"""The report as files beside the run that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import UsageError
from rldoctor.model import Details, Report
from rldoctor.render.formats import stream


def stored_details() -> Details:
    """Return what looks up a report's curves, bands and rules."""
    # Late: a healthy run's report in the terminal needs none of it.
    from rldoctor.diagnosis.chart_data import StoredDetails

    return StoredDetails()


def pieces(report: Report, format_: str, verbose: bool = False) -> Iterable[str] | None:
    """Return a report in a format, in pieces to be written one after the other; ``None`` for text, which is printed.

    Raises:
        UsageError: There is no such format.
    """
    return stream(replace(report, details=stored_details), format_, verbose)


def write_file(report: Report, format_: str, path: Path, verbose: bool = False) -> None:
    """Write ``report`` in a format to ``path``, whole or not at all; missing folders are made.

    Raises:
        UsageError: The place cannot be written to.
    """
    if format_ == "text":
        from rldoctor.render.terminal.report import lines_of  # Late: no other format needs it.

        write_text("\n".join(lines_of(replace(report, details=stored_details), verbose)), path)
    else:
        _write(pieces(report, format_, verbose) or (), path)


def write_text(text: str, path: Path) -> None:
    """Write ``text`` and a line's end to ``path``, whole or not at all; missing folders are made.

    Raises:
        UsageError: The place cannot be written to.
    """
    _write([text], path)


def _write(parts: Iterable[str], path: Path) -> None:
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
        file.writelines(parts)
        file.write("\n")


def write_report(report: Report, directory: Path, name: str = "report", more: Sequence[str] = ()) -> None:
    """Write ``report.txt`` and ``report.html`` for people and ``report.json`` for programs into ``directory``.

    Args:
        report: The report.
        directory: The folder.
        name: Another name for the files.
        more: Further formats.

    Raises:
        UsageError: The place cannot be written to.
    """
    for format_ in ("text", "json", "html", *more):
        suffix = "txt" if format_ == "text" else format_
        write_file(report, format_, directory / f"{name}.{suffix}", verbose=format_ == "text")
