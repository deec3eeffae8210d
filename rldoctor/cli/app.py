"""The command ``rldoctor``: gathers the command words and turns every error into one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import typer

from rldoctor.cli.options import hush, literally, reader_went_away
from rldoctor.errors import EXIT_PASSED, EXIT_USAGE, RldoctorError, UsageError

# The order is that of --help: the one-command version first, then in the order of use.
COMMANDS = (
    "checkup",
    "preflight",
    "train",
    "evaluate",
    "diagnose",
    "gate",
    "sweep",
    "treat",
    "show",
    "explain",
    "rules",
    "record",
    "config",
    "faults",
    "about",
)

app = typer.Typer(
    name="rldoctor",
    help="A doctor for reinforcement-learning training.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Typer brings click under its own name in newer versions; its exceptions are found through one that it exports.
_ClickError: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def _show_version(value: bool) -> None:
    if value:
        from rldoctor.version import __version__

        typer.echo(f"rldoctor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", callback=_show_version),
) -> None:
    """A doctor for reinforcement-learning training."""


for _word in COMMANDS:
    # A command's file may define a helper or two: the function that bears the command's name is the command.
    _command = getattr(import_module(f"rldoctor.cli.{_word}"), _word)
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_word)
    else:
        app.command(_word)(_command)


def main() -> None:
    """Run the command line and exit with the code that docs/decisions/0002 promises."""
    for stream in (sys.stdout, sys.stderr):
        # A run may be called é where the terminal speaks only ASCII: spelt out, it is still a report.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line with ``arguments`` and return the exit code."""
    try:
        code = app(args=arguments, prog_name="rldoctor", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.Exit as done:
        return int(done.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("Stopped.", err=True)
        return 130
    except _ClickError as error:
        if not error.format_message().strip():
            # No command at all: the help, which is on the screen by now, is the message.
            return EXIT_USAGE
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "rldoctor"
        return _tell(arguments, UsageError(error.format_message().rstrip(".") + ".", f"See: {path} --help"))
    except RldoctorError as error:
        return _tell(arguments, error)
    except (BrokenPipeError, SystemExit) as error:
        if not reader_went_away(error):
            raise
        hush()
        return EXIT_PASSED
    except Exception as error:
        if os.environ.get("RLDOCTOR_TRACEBACK"):
            raise
        problem = RldoctorError(
            f"rldoctor itself failed with {type(error).__name__}: {error}.",
            "This is a defect of rldoctor: please report it with the output of rldoctor about. "
            "RLDOCTOR_TRACEBACK=1 shows where it happened.",
        )
        return _tell(arguments, problem)


def _tell(arguments: list[str], error: RldoctorError) -> int:
    """Print an error: one sentence on stderr, or, where a format for programs was asked for, in that format too."""
    format_ = _value(arguments, "--format")
    if format_ and format_ != "text":
        _tell_programs(arguments, error, format_)
    if format_ != "json":
        try:
            _tell_people(error)
        except (BrokenPipeError, SystemExit) as gone:
            if not reader_went_away(gone):
                raise
            # What is wrong stays wrong, whether or not anybody reads it.
            hush(sys.__stderr__)
    return error.exit_code


def _tell_people(error: RldoctorError) -> None:
    from rich.console import Console
    from rich.text import Text

    from rldoctor.render.wording import one_line

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with literally(sys.stderr):
        console.print(Text.assemble(("error: ", "bold red"), one_line(error.problem)))
        if error.cure:
            console.print(Text.assemble(("  fix: ", "bold green"), one_line(error.cure)))


def _tell_programs(arguments: list[str], error: RldoctorError, format_: str) -> None:
    """Give the error as a report where the report was to go: no report would look like nothing to report."""
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
        subject = FailedCommand(f"rldoctor {command}", Verdict.UNJUDGED, summary=error.problem, unjudged=(reason,))
        text = render(Report(command, (subject,), Verdict.UNJUDGED, error.exit_code), format_) or ""
    # For the others -o is the folder that collects runs.
    short = _value(arguments, "-o") if command in ("diagnose", "gate") else ""
    place = _value(arguments, "--output") or short
    try:
        if place:
            write_text(text, Path(place))
        else:
            typer.echo(text)
    except BrokenPipeError:
        hush()
    except RldoctorError:
        # That nothing can be written there is what stderr says, or one trouble more than anybody can use.
        return


def _value(arguments: list[str], option: str) -> str:
    """Return what the last ``option`` on the command line says, whether the rest of it can be understood or not."""
    split = [words for word in arguments for words in (word.split("=", 1) if word.startswith("--") else [word])]
    return next((value for key, value in reversed(list(pairwise(split))) if key == option), "")
