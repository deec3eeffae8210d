"""``rldoctor config``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured
from rldoctor.cli.options import (
    FailOnOption,
    IgnoreOption,
    PlainFormat,
    PlainFormatOption,
    RequireOption,
    SelectOption,
    words,
)


def config(
    file: ConfigOption = None,
    isolated: IsolatedOption = False,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    require: RequireOption = None,
    fail_on: FailOnOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Try the examples of your own signs too; exit 1 where one does not hold.")
    ] = False,
    format_: PlainFormatOption = PlainFormat.TEXT,
) -> None:
    """Show what is in force and where it comes from: keys, references, rules and checks of your own."""
    from rldoctor.effective_config import effective_config, failing_examples

    typed = {
        "select": words(select),
        "ignore": words(ignore),
        "require": words(require),
        "fail-on": () if fail_on is None else (fail_on.value,),
    }
    asked = configured(file, isolated)
    shown = effective_config(asked, typed)
    wrong = failing_examples(asked) if check else []
    if format_ is PlainFormat.JSON:
        import json

        typer.echo(json.dumps({**shown.to_json(), **({"wrong_examples": wrong} if check else {})}, indent=2))
    else:
        from rich.console import Console

        from rldoctor.render.terminal.configuration import print_configuration

        print_configuration(Console(highlight=False), shown, wrong if check else None)
    if wrong:
        raise typer.Exit(1)
