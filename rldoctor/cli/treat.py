"""``rldoctor treat``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured
from rldoctor.cli.options import (
    RUNS,
    Format,
    FormatOption,
    LongOutputOption,
    OutOption,
    SetOption,
    VerboseOption,
    finish,
    need_training_packages,
    pairs,
)


def treat(
    run: Annotated[Path, typer.Argument(help="The directory of a sick run; it is only read.")],
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=10, help="So many remedies may be tried.")] = 3,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Environment steps of a trial, at most. [default: the run's own]")
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", help="For logs without run.json: the environment, id or module:id.")
    ] = None,
    set_: SetOption = None,
    reference: Annotated[str | None, typer.Option("--reference", "-r", help="Hold it against this one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and stop.")] = False,
    out: OutOption = RUNS,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    format_: FormatOption = Format.TEXT,
    output: LongOutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Apply the leading remedies to a sick run's recipe, train again, and say whether that cured it.

    Exit 0: cured, or nothing needs to be done. The same command goes on where it was stopped.
    """
    need_training_packages("treat")
    from rldoctor import run_directory
    from rldoctor.cli.progress import bars
    from rldoctor.experiments.treatment.run import TreatmentOptions
    from rldoctor.experiments.treatment.run import treat as run_treatment
    from rldoctor.render.wording import clean

    run_directory.require(run)
    treatment = TreatmentOptions(rounds, steps, env, pairs(set_), reference, out, dry_run)
    with bars(quiet=format_ is not Format.TEXT) as bar:
        report = run_treatment(
            run,
            treatment,
            config=configured(config, isolated),
            command=["rldoctor", *sys.argv[1:]],
            say=lambda line: typer.echo(clean(line), err=True),
            watch=bar,
            measure=True,
        )
    finish(report, format_, verbose, output)
