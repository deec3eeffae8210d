"""``rldoctor preflight``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured, failing
from rldoctor.cli.options import (
    RUNS,
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
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    fail_on: FailOnOption = None,
    format_: FormatOption = Format.TEXT,
    output: LongOutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Examine the machine and the environment before a training: is it fit to train on?"""
    need_training_packages("preflight")
    from rldoctor.cli.progress import bars
    from rldoctor.model import make_report
    from rldoctor.preflight.runner import available_checks, run_preflight
    from rldoctor.references import load_trainable

    if list_:
        for check in available_checks():
            origin = f" [{check.origin}]" if check.origin else ""
            typer.echo(f"{check.code}  {check.name:<34} {check.title}{origin}")
        return
    asked = configured(config, isolated)
    recipe = load_trainable(reference, asked.references).with_overrides(pairs(set_))
    with bars(quiet=format_ is not Format.TEXT) as bar:
        shown = bar("preflight", 1)
        subject = run_preflight(
            env or recipe.env,
            recipe=recipe,
            directory=out,
            select=words(select),
            ignore=words(ignore),
            watcher=lambda name, done, total: shown.count(done, total, name),
            config=asked,
        )
    finish(make_report("preflight", [subject], failing(fail_on, asked)), format_, verbose, output)
