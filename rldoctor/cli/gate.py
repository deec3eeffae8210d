"""``rldoctor gate``."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, failing, need_training_packages
from rldoctor.cli.options import Format, words
from rldoctor.cli.output import finish


class Aggregate(StrEnum):
    """The words of ``rldoctor.gate.Statistic``, which is not loaded for a command line."""

    WORST = "worst"
    MEAN = "mean"
    IQM = "iqm"


def gate(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Runs of rldoctor train with an evaluation.json, folders of them, or zips of models."),
    ],
    env: options.ModelEnv = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    vec_normalize: options.VecNormalizeFile = None,
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
    if env is not None:
        _evaluate(runs, env, env_kwargs, max_episode_steps, vec_normalize, quiet=format_ not in (None, Format.TEXT))
    results = judge_runs(
        runs,
        require=(*settings.requirements, *words(require)),
        recipe=load_recipe(reference, settings.references) if reference else None,
        aggregate=Statistic(aggregate) if aggregate else None,
        baseline=baseline or (),
        margin=margin,
        criteria=settings.criteria,
    )
    finish(make_report("gate", results, failing(fail_on, settings)), format_, verbose, output, quiet)


def _evaluate(
    runs: list[Path],
    env: str,
    env_kwargs: list[str] | None,
    max_episode_steps: int | None,
    vec_normalize: str | None,
    quiet: bool,
) -> None:
    """Evaluate the models that were not evaluated in this environment since they were saved."""
    from rldoctor.cli.models import no_model_options, player_of
    from rldoctor.cli.progress import bars
    from rldoctor.errors import CannotJudge
    from rldoctor.gate.evaluation import is_model, read_evaluation

    for run in runs:
        if not is_model(run):
            no_model_options(run, env=env)
        try:
            if read_evaluation(run).env == env and not (env_kwargs or max_episode_steps or vec_normalize):
                continue
        except CannotJudge:
            pass
        need_training_packages("gate --env")
        from rldoctor.training.evaluate import EPISODES, evaluate_player

        player = player_of(run, env, env_kwargs, max_episode_steps, vec_normalize)
        with bars(quiet=quiet) as bar:
            evaluate_player(player, watcher=_counting(bar("policy", EPISODES).count))


def _counting(count: Callable[[int], None]) -> Callable[[str, int], None]:
    return lambda policy, done: count(done) if policy == "policy" else None
