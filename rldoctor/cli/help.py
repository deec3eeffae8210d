"""``rldoctor help``."""

from __future__ import annotations

from typing import Annotated

import typer


def help(
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", help="The command to explain.")] = None,
) -> None:
    """Show the help of rldoctor or of a command."""
    from rldoctor.cli.app import run

    raise typer.Exit(run([*(words or []), "--help"]))
