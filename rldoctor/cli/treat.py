"""``rldoctor treat``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, need_training_packages
from rldoctor.cli.options import RUNS, Format, pairs
from rldoctor.cli.output import finish
from rldoctor.environments import naming
from rldoctor.errors import UsageError

if TYPE_CHECKING:
    from rldoctor.model import Statement


def treat(
    run: Annotated[Path, typer.Argument(help="The directory of a sick run; it is only read.")],
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=10, help="Maximum number of remedies to try.")] = 3,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Maximum environment steps of a trial. [default: the run's own]")
    ] = None,
    env: options.LoggedEnv = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    examine: Annotated[
        bool,
        typer.Option(
            "--examine", help="First examine its environment, which imports it; a fault there needs no training."
        ),
    ] = False,
    budget: Annotated[float, typer.Option("--budget", min=1, help="Seconds for --examine.")] = 30.0,
    set_: options.Set = None,
    reference: options.ComparedReference = None,
    dry_run: options.DryRun = False,
    runs: options.Runs = RUNS,
    config: options.Config = None,
    isolated: options.Isolated = False,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
) -> None:
    """Apply the leading remedies to a sick run's recipe, train again, and report whether that cured it.

    Exit 0: cured, or nothing needs to be done. Re-run the same command to resume.
    """
    need_training_packages("treat")
    from rldoctor import run_directory
    from rldoctor.cli.progress import bars
    from rldoctor.experiments.treatment.run import TreatmentOptions
    from rldoctor.experiments.treatment.run import treat as run_treatment
    from rldoctor.render.wording import clean

    run_directory.require(run)
    named = naming.absolute(env) if env is not None else None
    changes = (*options.env_changes(None, env_kwargs, max_episode_steps), *pairs(set_))
    settings = configured(config, isolated)
    statements: list[Statement] = []
    if examine:
        from rldoctor.examination.examine import environment_of, state_environment

        of_run, recorded = (named, {}) if named is not None else environment_of(run)
        if not of_run:
            raise UsageError(f"{run} does not say on which environment it was trained.", "Name it with --env ID.")
        given = options.env_arguments(env_kwargs, max_episode_steps)
        statements = [state_environment(of_run, {**recorded, **given}, settings, budget)]
    treatment = TreatmentOptions(rounds, steps, named, changes, reference, runs, dry_run, statements)
    with bars(quiet=format_ not in (None, Format.TEXT)) as bar:
        report = run_treatment(
            run,
            treatment,
            config=settings,
            command=["rldoctor", *sys.argv[1:]],
            say=lambda line: typer.echo(clean(line), err=True),
            watch=bar,
            measure=True,
        )
    finish(report, format_, verbose, output)
