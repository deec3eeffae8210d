"""``rldoctor rules``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured


class RulesFormat(StrEnum):
    """Formats of the list; Markdown holds the whole pages."""

    TEXT = "text"
    JSON = "json"
    MD = "md"


def rules(
    format_: Annotated[RulesFormat, typer.Option("--format", help="Output format.")] = RulesFormat.TEXT,
    config: options.Config = None,
    isolated: options.Isolated = False,
) -> None:
    """List everything that the doctor knows: checks, signs, criteria, diagnoses, metrics and concepts."""
    import json

    from rldoctor.explain.pages import catalogue, library

    settings = configured(config, isolated)
    if format_ is RulesFormat.MD:
        from rldoctor.explain.rule_reference import render_reference

        typer.echo(render_reference(library(settings)), nl=False)
        return
    shelves = catalogue(settings)
    if format_ is RulesFormat.JSON:
        typer.echo(json.dumps(shelves, indent=2))
        return
    for shelf, entries in shelves.items():
        typer.echo(f"{shelf} ({len(entries)})")
        for name, title in entries.items():
            typer.echo(f"  {name:<30} {title}")
        typer.echo()
    typer.echo("For any of them: rldoctor explain NAME")
