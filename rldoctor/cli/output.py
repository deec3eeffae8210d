"""How a command ends: its report is printed or written, and its exit code is that of the report."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import typer

from rldoctor.cli.options import Format
from rldoctor.model import Report


def finish(report: Report, format_: Format, verbose: bool = False, output: Path | None = None) -> None:
    """Print ``report``, or write it to ``output``, and end the command with its exit code.

    Raises:
        typer.Exit: Always, but for
        UsageError: ``output`` cannot be written to.
    """
    from rldoctor.diagnosis.report_files import pieces, write_file

    if output is not None:
        write_file(report, format_.value, output, verbose)
        raise typer.Exit(report.exit_code)
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
