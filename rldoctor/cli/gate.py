"""``rldoctor gate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.options import Format, FormatOption, OutputOption, RequireOption, VerboseOption, finish, words


def gate(
    runs: Annotated[list[Path], typer.Argument(help="Run directories with an evaluation.json.")],
    require: RequireOption = None,
    reference: Annotated[str | None, typer.Option("--reference", "-r", help="Use this reference's criteria.")] = None,
    format_: FormatOption = Format.TEXT,
    output: OutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Hold evaluations against the passing criteria: exit 0 passed, 1 failed, 3 could not judge."""
    from rldoctor.gate import judge
    from rldoctor.model import make_report
    from rldoctor.references import load_recipe

    recipe = load_recipe(reference) if reference else None
    finish(make_report("gate", [judge(run, words(require), recipe) for run in runs]), format_, verbose, output)
