"""``rldoctor gate``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, failing
from rldoctor.cli.options import words
from rldoctor.cli.output import finish


class Aggregate(StrEnum):
    """The words of ``rldoctor.gate.Statistic``, which is not loaded for a command line."""

    WORST = "worst"
    MEAN = "mean"
    IQM = "iqm"


def gate(
    runs: Annotated[
        list[Path], typer.Argument(help="Runs of rldoctor train with an evaluation.json, or folders of them.")
    ],
    require: options.Require = None,
    reference: Annotated[str | None, typer.Option("--reference", "-r", help="Use this reference's criteria.")] = None,
    aggregate: Annotated[
        Aggregate | None, typer.Option("--aggregate", help="Judge several seeds of a recipe together, by this number.")
    ] = None,
    baseline: Annotated[
        list[Path] | None,
        typer.Option("--baseline", help="An earlier run, or a folder of them, to compare with; a regression fails."),
    ] = None,
    margin: Annotated[
        float,
        typer.Option("--margin", min=0.0, max=1.0, help="Allowed regression, as a fraction of the baseline's gain."),
    ] = 0.1,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare evaluations with the passing criteria: exit 0 passed, 1 failed, 3 could not judge."""
    from rldoctor.gate import Statistic, judge_runs
    from rldoctor.model import make_report
    from rldoctor.references import load_recipe

    settings = configured(config, isolated)
    results = judge_runs(
        runs,
        require=(*settings.requirements, *words(require)),
        recipe=load_recipe(reference, settings.references) if reference else None,
        aggregate=Statistic(aggregate) if aggregate else None,
        baseline=baseline or (),
        margin=margin,
    )
    finish(make_report("gate", results, failing(fail_on, settings)), format_, verbose, output, quiet)
