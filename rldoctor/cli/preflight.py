"""``rldoctor preflight``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli.options import (
    RUNS,
    FailOn,
    FailOnOption,
    Format,
    FormatOption,
    IgnoreOption,
    LongOutputOption,
    OutOption,
    ReferenceOption,
    SelectOption,
    SetOption,
    VerboseOption,
    fail_on,
    finish,
    need_training_packages,
    pairs,
    words,
)


def preflight(
    env: Annotated[str | None, typer.Option("--env", help="Your own environment: id or module:id.")] = None,
    reference: ReferenceOption = "chapter",
    set_: SetOption = None,
    select: SelectOption = None,
    ignore: IgnoreOption = None,
    list_: Annotated[bool, typer.Option("--list", help="List the checks and exit.")] = False,
    out: OutOption = RUNS,
    fail_on_: FailOnOption = FailOn.SICK,
    format_: FormatOption = Format.TEXT,
    output: LongOutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Examine the machine and the environment before a training: is it fit to train on?"""
    need_training_packages("preflight")
    from rldoctor.cli.progress import bars
    from rldoctor.model import make_report
    from rldoctor.preflight_checks.runner import all_checks, run_preflight
    from rldoctor.references import load_recipe

    if list_:
        for check in all_checks():
            typer.echo(f"{check.code}  {check.name:<34} {check.title}")
        return
    recipe = load_recipe(reference).with_overrides(pairs(set_))
    with bars(quiet=format_ is not Format.TEXT) as bar:
        shown = bar("preflight", 1)
        subject = run_preflight(
            env or recipe.env,
            recipe=recipe,
            directory=out,
            select=words(select),
            ignore=words(ignore),
            watcher=lambda name, done, total: shown.count(done, total, name),
        )
    finish(make_report("preflight", [subject], fail_on(fail_on_)), format_, verbose, output)
