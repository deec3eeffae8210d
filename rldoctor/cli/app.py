"""The command ``rldoctor``: gathers the command words and turns every error into one sentence and an exit code."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

from rldoctor.cli.errors import report_error, usage_error
from rldoctor.cli.output import discard, reader_is_gone
from rldoctor.errors import EXIT_PASSED, EXIT_STOPPED, EXIT_USAGE, RldoctorError

# New objects from which on Python looks for circles among them, 700 by default: what a command loads stays, and looking
# through it again and again takes a tenth of the time of a short one.
_COLLECTED_FROM = 50_000

# The order is that of --help: the one-command version first, then in the order of use.
COMMANDS = (
    "checkup",
    "preflight",
    "train",
    "evaluate",
    "diagnose",
    "watch",
    "compare",
    "gate",
    "audit",
    "probe",
    "sweep",
    "treat",
    "replay",
    "show",
    "explain",
    "rules",
    "record",
    "config",
    "faults",
    "skill",
    "about",
    "help",
)
# Earlier names of options: accepted and not shown, by every command that has the new one and no other of that name.
_EARLIER_NAMES = {"--out": "--runs", "--names": "--framework"}

_HELP_NAMES = ["-h", "--help"]

# Typer brings click under its own name in newer versions; its exceptions are found through one that it exports.
_ClickError: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


class _Command(TyperCommand):
    """A command that accepts the earlier names of its options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        names = {name for param in self.params for name in param.opts}
        for place, arg in enumerate(args):
            option, equals, value = arg.partition("=")
            if arg == "--":
                break
            if option not in names and _EARLIER_NAMES.get(option) in names:
                args[place] = _EARLIER_NAMES[option] + equals + value
        return super().parse_args(ctx, args)


def _show_version(value: bool) -> None:
    if value:
        from rldoctor.version import __version__

        typer.echo(f"rldoctor {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit.", callback=_show_version),
) -> None:
    """A doctor for reinforcement-learning training."""


@cache
def application(words: Sequence[str] = COMMANDS, titles_only: bool = False) -> typer.Typer:
    """Return the command line with the commands ``words``; loading all takes as long as one of them takes to answer.

    Args:
        words: Commands of ``COMMANDS``.
        titles_only: Leave out the options of the commands, which the list of commands does not show.
    """
    app = typer.Typer(
        name="rldoctor",
        help="A doctor for reinforcement-learning training.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": _HELP_NAMES},
    )
    app.callback()(_options)
    for word in words:
        # A command's file may define a helper or two: the function that bears the command's name is the command.
        command = getattr(import_module(f"rldoctor.cli.{word}"), word)
        if isinstance(command, typer.Typer):
            for info in command.registered_commands:
                info.cls = _Command
            app.add_typer(command, name=word)
        elif titles_only:
            app.command(word, help=command.__doc__)(lambda: None)
        else:
            app.command(word, cls=_Command)(command)
    return app


def _application_for(arguments: Sequence[str]) -> typer.Typer:
    """Return as much of the command line as ``arguments`` need: one command, or the titles of all."""
    if arguments and arguments[0] in COMMANDS:
        return application((arguments[0],))
    return application(titles_only=not arguments or arguments[0] in _HELP_NAMES)


def main() -> None:
    """Run the command line and exit with the code that docs/decisions/0002 promises."""
    gc.set_threshold(_COLLECTED_FROM)
    for stream in (sys.stdout, sys.stderr):
        # A run may be called é where the terminal shows only ASCII: it is printed as an escape sequence.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command line with ``arguments`` and return the exit code."""
    try:
        code = _application_for(arguments)(args=arguments, prog_name="rldoctor", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.Exit as done:
        return int(done.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("Stopped.", err=True)
        return EXIT_STOPPED
    except _ClickError as error:
        if not error.format_message().strip():
            # No command at all: the help has been printed.
            return EXIT_USAGE
        return report_error(arguments, usage_error(error, arguments))
    except RldoctorError as error:
        return report_error(arguments, error)
    except (BrokenPipeError, SystemExit) as error:
        if not reader_is_gone(error):
            raise
        discard()
        return EXIT_PASSED
    except Exception as error:
        if os.environ.get("RLDOCTOR_TRACEBACK"):
            raise
        problem = RldoctorError(
            f"rldoctor itself failed with {type(error).__name__}: {error}.",
            "This is a bug in rldoctor: please report it with the output of rldoctor about. "
            "Set RLDOCTOR_TRACEBACK=1 to see where it happened.",
        )
        return report_error(arguments, problem)
