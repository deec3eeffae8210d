"""The command ``rldoctor``: gathers the command words and turns every error into one sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

from rldoctor.cli.errors import report_error, usage_error
from rldoctor.cli.output import discard, reader_is_gone
from rldoctor.errors import EXIT_PASSED, EXIT_STOPPED, EXIT_USAGE, RldoctorError

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

app = typer.Typer(
    name="rldoctor",
    help="A doctor for reinforcement-learning training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

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


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and exit.", callback=_show_version),
) -> None:
    """A doctor for reinforcement-learning training."""


for _word in COMMANDS:
    # A command's file may define a helper or two: the function that bears the command's name is the command.
    _command = getattr(import_module(f"rldoctor.cli.{_word}"), _word)
    if isinstance(_command, typer.Typer):
        for _info in _command.registered_commands:
            _info.cls = _Command
        app.add_typer(_command, name=_word)
    else:
        app.command(_word, cls=_Command)(_command)


def main() -> None:
    """Run the command line and exit with the code that docs/decisions/0002 promises."""
    for stream in (sys.stdout, sys.stderr):
        # A run may be called é where the terminal shows only ASCII: it is printed as an escape sequence.
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
