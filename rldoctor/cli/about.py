"""``rldoctor about``."""

from __future__ import annotations

import typer

from rldoctor.cli import options
from rldoctor.cli.options import PlainFormat


def about(format_: options.OutputFormat = PlainFormat.TEXT) -> None:
    """Print versions and hardware in one block to paste into a bug report."""
    import json

    from rldoctor import machine

    facts = {"versions": machine.versions(), "machine": machine.describe()}
    if format_ is PlainFormat.JSON:
        typer.echo(json.dumps(facts, indent=2))
        return
    for title, block in facts.items():
        typer.echo(title)
        for name, value in block.items():
            typer.echo(f"  {name:<20} {'not installed' if value is None else value}")
