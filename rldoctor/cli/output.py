"""How a command ends: its report is printed or written, and its exit code is that of the report."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from rldoctor.cli.options import Format

if TYPE_CHECKING:
    from rldoctor.model import Report

# What the name of a file says of its format.
_SUFFIXES = {
    ".json": Format.JSON,
    ".html": Format.HTML,
    ".htm": Format.HTML,
    ".xml": Format.JUNIT,
    ".sarif": Format.SARIF,
    ".sarif.json": Format.SARIF,
    ".md": Format.MD,
    ".csv": Format.CSV,
}


def format_of(name: str) -> Format:
    """Return the format that the name of a file says: that of its longest known suffix, otherwise text."""
    known = [suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)]
    return _SUFFIXES[max(known, key=len)] if known else Format.TEXT


def finish(
    report: Report, format_: Format | None, verbose: bool = False, output: Path | None = None, quiet: bool = False
) -> None:
    """Print ``report``, or write it to ``output``, and end the command with its exit code.

    Without ``--format`` the suffix of ``output`` says the format. With ``quiet`` one line is printed; as CSV, a row
    a run instead of a row a finding.

    Raises:
        typer.Exit: Always, but for
        UsageError: ``output`` cannot be written to.
    """
    from rldoctor.diagnosis.report_files import pieces, write_file
    from rldoctor.render.remarks import in_short
    from rldoctor.render.wording import headline, one_line

    rows = quiet and (format_ or format_of(output.name if output else "")) is Format.CSV
    if output is not None and not rows:
        write_file(report, (format_ or format_of(output.name)).value, output, verbose)
    if rows:
        _finish_with_rows(report, output)
    elif quiet:
        typer.echo(one_line(in_short(report.subjects[0]) if len(report.subjects) == 1 else headline(report)))
    elif output is not None and sys.stderr.isatty():
        # Who looks on is told where the report is; a script need not be.
        typer.echo(f"{headline(report)}. Written to {output}", err=True)
    if output is not None or quiet:
        raise typer.Exit(report.exit_code)
    format_ = format_ or Format.TEXT
    try:
        with literally(sys.stdout) if format_ is Format.TEXT else contextlib.nullcontext():
            parts = pieces(report, format_.value, verbose)
            if parts is not None:
                for part in parts:
                    typer.echo(part, nl=False)
                typer.echo()
    except (BrokenPipeError, SystemExit) as error:
        if not reader_is_gone(error):
            raise
        # The verdict is the same, whether or not it is read to the end.
        discard()
    raise typer.Exit(report.exit_code)


def _finish_with_rows(report: Report, output: Path | None) -> None:
    from rldoctor.diagnosis.report_files import write_text
    from rldoctor.render.csv_table import render_csv

    text = render_csv(report, table="subjects")
    if output is not None:
        write_text(text, output)
    else:
        typer.echo(text)


def reader_is_gone(error: BaseException) -> bool:
    """Return whether ``error`` means that the reader of stdout (head, less) has ended; rich and click exit with 1."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def discard(stream: TextIO | None = sys.__stdout__) -> None:
    """Discard what is left to be written to ``stream``, so that Python does not report the closed pipe at exit."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def literally(stream: TextIO) -> Iterator[None]:
    """Keep GitHub Actions from executing what is printed meanwhile: a run's name may look like a command.

    A runner executes lines such as ``::command::`` or ``##[command]`` until it is told to stop, by a token that cannot
    be guessed. Source: docs.github.com, "Workflow commands for GitHub Actions".
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    token = secrets.token_hex(16)
    stream.write(f"::stop-commands::{token}\n")
    try:
        yield
    finally:
        stream.write(f"::{token}::\n")
