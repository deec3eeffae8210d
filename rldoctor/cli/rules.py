"""``rldoctor rules``."""

from __future__ import annotations

import typer

from rldoctor.cli.options import PlainFormat, PlainFormatOption


def rules(format_: PlainFormatOption = PlainFormat.TEXT) -> None:
    """List everything that the doctor knows: checks, signs, criteria, diagnoses, metrics and concepts."""
    import json

    from rldoctor.explain import catalogue

    shelves = catalogue()
    if format_ is PlainFormat.JSON:
        typer.echo(json.dumps(shelves, indent=2))
        return
    for shelf, entries in shelves.items():
        typer.echo(f"{shelf} ({len(entries)})")
        for name, title in entries.items():
            typer.echo(f"  {name:<30} {title}")
        typer.echo()
    typer.echo("For any of them: rldoctor explain NAME")
