"""Options that several command words share, declared once, and the two steps that end most of them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, TextIO

import typer

from rldoctor.environments.engine import Engine
from rldoctor.errors import MissingExtra
from rldoctor.model import Report


class Format(StrEnum):
    """Output formats; the names are the keys of ``rldoctor.render.formats.FORMATS``."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    JUNIT = "junit"
    SARIF = "sarif"
    GITHUB = "github"
    MD = "md"
    CSV = "csv"


class PlainFormat(StrEnum):
    """Output formats of what is no report of verdicts."""

    TEXT = "text"
    JSON = "json"


class FailOn(StrEnum):
    """The mildest verdict that ends with exit code 1."""

    SICK = "sick"
    SUSPECT = "suspect"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the report.")]
PlainFormatOption = Annotated[PlainFormat, typer.Option("--format", help="How to print it.")]
_OUTPUT = "Write the report into this file instead of printing it."
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help=_OUTPUT)]
# Where -o is the folder that collects runs.
LongOutputOption = Annotated[Path | None, typer.Option("--output", help=_OUTPUT)]
FailOnOption = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="The mildest verdict that ends with exit code 1. [default: sick]"),
]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Show everything that was looked at.")]
SelectOption = Annotated[list[str] | None, typer.Option("--select", help="Only these codes (prefix) or names.")]
IgnoreOption = Annotated[list[str] | None, typer.Option("--ignore", help="Not these codes (prefix) or names.")]
ReferenceOption = Annotated[str, typer.Option("--reference", "-r", help="Name or folder of a reference.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting: key=value. Recorded in run.json.")
]
RequireOption = Annotated[
    list[str] | None,
    typer.Option("--require", help="Change a passing criterion: success_rate=0.95 (or off, warn, error)."),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="The folder that collects runs.")]
SeedOption = Annotated[int, typer.Option("--seed", "-s", min=0, max=2**31 - 1, help="Seed of the training.")]
EngineOption = Annotated[
    Engine,
    typer.Option("--engine", help="What steps the environments in training; envpool needs the extra [fast]."),
]
RUNS = Path("runs")


def need_training_packages(command: str) -> None:
    """Check that the extra ``[train]`` is installed.

    Raises:
        MissingExtra: A package is missing; the message says what to install.
    """
    for package in ("gymnasium", "torch", "stable_baselines3", "gymnasium_robotics", "mujoco", "psutil"):
        try:
            # Finding the package is enough, importing it is the command's own affair.
            if import_module("importlib.util").find_spec(package) is None:
                raise ModuleNotFoundError
        except ModuleNotFoundError:
            raise MissingExtra(f"rldoctor {command}", package) from None


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
        if not reader_went_away(error):
            raise
        # The verdict stands, whether or not anybody reads it to the end.
        hush()
    raise typer.Exit(report.exit_code)


def reader_went_away(error: BaseException) -> bool:
    """Tell whether ``error`` says that the reader of stdout (head, less) is gone; rich and click exit with 1 for it."""
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def hush(stream: TextIO | None = sys.__stdout__) -> None:
    """Send what is left for ``stream`` nowhere, so that Python does not complain about the closed pipe at exit."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def literally(stream: TextIO) -> Iterator[None]:
    """Keep GitHub Actions from obeying lines that are written for people meanwhile: runs may have any name.

    A runner takes lines that look like ``::command::`` or ``##[command]`` for commands until it is told to stop, by a
    word that nobody can guess. Source: docs.github.com, "Workflow commands for GitHub Actions".
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    word = secrets.token_hex(16)
    stream.write(f"::stop-commands::{word}\n")
    try:
        yield
    finally:
        stream.write(f"::{word}::\n")


def words(option: Sequence[str] | None) -> tuple[str, ...]:
    """Return the values of a repeatable option, commas split: ``--select ENV,SYS101``."""
    return tuple(word.strip() for value in option or () for word in value.split(",") if word.strip())


def pairs(option: Sequence[str] | None) -> tuple[str, ...]:
    """Return the ``key=value`` pairs of a repeatable option; a comma splits only before another ``key=``.

    So ``net_arch=[64,64]`` is one pair, and ``seed=1,gamma=0.9`` are two.
    """
    return tuple(pair.strip() for value in option or () for pair in re.split(r",(?=\s*\w+\s*=)", value) if pair.strip())
