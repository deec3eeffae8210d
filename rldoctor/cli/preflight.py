"""``rldoctor preflight``."""

from __future__ import annotations

from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, failing, need_training_packages
from rldoctor.cli.options import RUNS, Format, pairs, words
from rldoctor.cli.output import finish


def preflight(
    env: options.Env = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    reference: options.Reference = "chapter",
    set_: options.Set = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    budget: Annotated[float, typer.Option(help="Seconds; checks that do not fit are not run.", min=1.0)] = 20.0,
    list_: Annotated[bool, typer.Option("--list", help="List the checks and exit.")] = False,
    runs: options.Runs = RUNS,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Check the machine and the environment before a training: is it fit to train on?"""
    need_training_packages("preflight")
    from rldoctor.cli.progress import bars
    from rldoctor.model import make_report
    from rldoctor.preflight.background import environment_checks
    from rldoctor.preflight.runner import available_checks, run_preflight
    from rldoctor.references import load_trainable

    if list_:
        for check in available_checks():
            origin = f" [{check.origin}]" if check.origin else ""
            typer.echo(f"{check.code}  {check.name:<34} {check.title}{origin}")
        return
    settings = configured(config, isolated)
    recipe = load_trainable(reference, settings.references).with_overrides(
        (*options.env_changes(env, env_kwargs, max_episode_steps), *pairs(set_))
    )
    with bars(quiet=format_ not in (None, Format.TEXT)) as bar:
        shown = bar("preflight", 1)
        result = run_preflight(
            recipe.env,
            recipe=recipe,
            directory=runs,
            select=words(select),
            ignore=words(ignore),
            watcher=lambda name, done, total: shown.count(done, total, name),
            config=settings,
            budget=budget,
            beside=environment_checks,
        )
    finish(make_report("preflight", [result], failing(fail_on, settings)), format_, verbose, output, quiet)
