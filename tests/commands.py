"""The commands of rldoctor, for tests of what documents say of them."""

from __future__ import annotations

from functools import cache

import typer

from rldoctor.cli.app import application


@cache
def command_line():
    """All commands with their options; each takes a moment to make."""
    return typer.main.get_command(application())
