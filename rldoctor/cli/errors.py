"""How a command fails: one sentence on stderr and, where a format for programs was asked for, a report in it."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from rldoctor.cli.output import discard, format_of, literally, reader_is_gone
from rldoctor.errors import RldoctorError, UsageError

# What Typer and the packages beneath it say of a wrong value, which differs from version to version, in our words.
_PHRASES = (
    (r"^Value error, ", ""),
    (r"^Input should be a valid integer\b.*", "must be a whole number."),
    (r"^Input should be a valid number\b.*", "must be a number."),
    (r"^Input should be greater than or equal to ", "must be at least "),
    (r"^Input should be less than or equal to ", "must be at most "),
    (r"^Input should be ", "must be "),
    (r" \(Possible options: (.*)\)\.?$", r" Did you mean \1?"),
    (r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)\.?$", r"Unexpected argument: \1."),
)


def usage_error(error: Any, arguments: list[str]) -> UsageError:
    """Return what Typer found wrong with the command line as an error of ours.

    Args:
        error: One of Typer's ``ClickException``.
        arguments: The command line.
    """
    options = [name for name in getattr(getattr(error, "param", None), "opts", ()) if name.startswith("-")]
    # The message of a wrong value does not name the option.
    about_value = bool(options and error.message)
    text: str = error.message if about_value else error.format_message()
    for pattern, better in _PHRASES:
        text = re.sub(pattern, better, text)
    if about_value:
        value = value_of(arguments, *options)
        text = f"{max(options, key=len)} {repr(value) if value else ''} {text.removeprefix(repr(value)).strip()}"
    text, _, suggestion = " ".join(text.split()).partition(" Did you mean ")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else " ".join(["rldoctor", *arguments[:1]])
    hint = f"Did you mean {suggestion} " if suggestion else ""
    return UsageError(text if text.endswith((".", "?")) else f"{text}.", f"{hint}See: {path} --help")


def report_error(arguments: list[str], error: RldoctorError) -> int:
    """Print ``error`` for people, and for programs in the format that ``arguments`` ask for; return its exit code."""
    asked = value_of(arguments, "--format")
    format_ = asked or format_of(value_of(arguments, "--output", "-o")).value
    if format_ and format_ != "text":
        _write_for_programs(arguments, error, format_)
    if asked != "json":
        try:
            _print_for_people(error)
        except (BrokenPipeError, SystemExit) as gone:
            if not reader_is_gone(gone):
                raise
            # The exit code is the same, whether or not anybody reads the message.
            discard(sys.__stderr__)
    return error.exit_code


def _print_for_people(error: RldoctorError) -> None:
    from rich.console import Console
    from rich.text import Text

    from rldoctor.render.wording import one_line

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with literally(sys.stderr):
        console.print(Text.assemble(("error: ", "bold red"), one_line(error.problem)))
        if error.cure:
            console.print(Text.assemble(("  fix: ", "bold green"), one_line(error.cure)))


def _write_for_programs(arguments: list[str], error: RldoctorError, format_: str) -> None:
    """Write the error as a report where the report was to go: no report would look like nothing to report."""
    from rldoctor.diagnosis.report_files import write_text
    from rldoctor.model import FailedCommand, Report, Unjudged, Verdict
    from rldoctor.render.formats import FORMATS, render
    from rldoctor.render.json_report import render_error

    if format_ not in FORMATS:
        return
    command = arguments[0]
    if format_ == "json":
        text = render_error(command, error)
    else:
        reason = Unjudged("error", error.problem, error.cure)
        result = FailedCommand(f"rldoctor {command}", Verdict.UNJUDGED, summary=error.problem, unjudged=(reason,))
        text = render(Report(command, (result,), Verdict.UNJUDGED, error.exit_code), format_) or ""
    place = value_of(arguments, "--output", "-o")
    try:
        if place:
            write_text(text, Path(place))
        else:
            typer.echo(text)
    except BrokenPipeError:
        discard()
    except RldoctorError:
        # If the place cannot be written to, stderr still has the error that matters.
        return


def value_of(arguments: list[str], *options: str) -> str:
    """Return the last value that the command line gives to one of ``options``, whether or not the rest is valid."""
    split = [words for word in arguments for words in (word.split("=", 1) if word.startswith("--") else [word])]
    return next((value for key, value in reversed(list(pairwise(split))) if key in options), "")
