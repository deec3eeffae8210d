"""``rldoctor gate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured, failing
from rldoctor.cli.options import (
    FailOnOption,
    Format,
    FormatOption,
    OutputOption,
    RequireOption,
    VerboseOption,
    finish,
    words,
)


class Aggregate(StrEnum):
    """The words of ``rldoctor.gate.Statistic``, which is not loaded for a command line."""

    WORST = "worst"
    MEAN = "mean"
    IQM = "iqm"


def gate(
    runs: Annotated[list[Path], typer.Argument(help="Run directories with an evaluation.json, or folders of them.")],
    require: RequireOption = None,
    reference: Annotated[str | None, typer.Option("--reference", "-r", help="Use this reference's criteria.")] = None,
    aggregate: Annotated[
        Aggregate | None, typer.Option("--aggregate", help="Judge several seeds of a recipe together, by this number.")
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option("--baseline", help="An earlier run, or a folder of them, that must not have been better."),
    ] = None,
    margin: Annotated[
        float,
        typer.Option("--margin", min=0.0, max=1.0, help="Share of the baseline's lead that may be lost."),
    ] = 0.1,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    fail_on: FailOnOption = None,
    format_: FormatOption = Format.TEXT,
    output: OutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Hold evaluations against the passing criteria: exit 0 passed, 1 failed, 3 could not judge."""
    from rldoctor.gate import Statistic, judge_runs
    from rldoctor.model import make_report
    from rldoctor.references import load_recipe

    asked = configured(config, isolated)
    subjects = judge_runs(
        runs,
        require=(*asked.requirements, *words(require)),
        recipe=load_recipe(reference, asked.references) if reference else None,
        aggregate=Statistic(aggregate) if aggregate else None,
        baseline=baseline or (),
        margin=margin,
    )
    finish(make_report("gate", subjects, failing(fail_on, asked)), format_, verbose, output)
