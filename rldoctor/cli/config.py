"""``rldoctor config``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured
from rldoctor.cli.options import PlainFormat, words


def config(
    file: options.Config = None,
    isolated: options.Isolated = False,
    select: options.Select = None,
    ignore: options.Ignore = None,
    require: options.Require = None,
    fail_on: options.FailOn = None,
    check: Annotated[
        bool, typer.Option("--check", help="Also run the examples of your own signs; exit 1 if one fails.")
    ] = False,
    format_: options.OutputFormat = PlainFormat.TEXT,
) -> None:
    """Show the effective configuration and where it comes from: keys, references, and your own rules and checks."""
    from rldoctor.effective_config import effective_config, failing_examples

    typed = {
        "select": words(select),
        "ignore": words(ignore),
        "require": words(require),
        "fail-on": () if fail_on is None else (fail_on.value,),
    }
    settings = configured(file, isolated)
    shown = effective_config(settings, typed)
    wrong = failing_examples(settings) if check else []
    if format_ is PlainFormat.JSON:
        import json

        typer.echo(json.dumps({**shown.to_json(), **({"wrong_examples": wrong} if check else {})}, indent=2))
    else:
        from rich.console import Console

        from rldoctor.render.terminal.configuration import print_configuration

        print_configuration(Console(highlight=False), shown, wrong if check else None)
    if wrong:
        raise typer.Exit(1)
