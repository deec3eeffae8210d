"""``rldoctor diagnose``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, executor_of, failing, need_training_packages
from rldoctor.cli.options import ExecutorName, words
from rldoctor.cli.output import finish
from rldoctor.model import Json

# Enough for a stable mean, in a few seconds.
_BASELINE_EPISODES = 20


def diagnose(
    runs: Annotated[
        list[str] | None,
        typer.Argument(help="Folders, or s3://bucket/runs; every run at or below them is diagnosed. [default: runs]"),
    ] = None,
    reference: options.ComparedReference = None,
    framework: options.Framework = None,
    env: options.MeasuredEnv = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    select: options.Select = None,
    ignore: options.Ignore = None,
    executor: options.Executor = ExecutorName.LOCAL,
    address: options.Address = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Read training logs back: healthy or not, what is wrong, the evidence, and what to change."""
    from rldoctor.diagnosis.many import diagnose as examine
    from rldoctor.model import make_report

    where = runs or [_default_folder()]
    settings = configured(config, isolated)
    chosen = (reference, words(select), words(ignore))
    baseline = _baseline_return(env, options.env_arguments(env_kwargs, max_episode_steps))
    known: dict[str, Any] = {"framework": framework, "config": settings, "baseline_return": baseline}
    if executor is ExecutorName.LOCAL and address is None:
        # It starts processes of its own for hundreds of runs; fewer need none.
        results = examine(where, *chosen, **known)
    else:
        with executor_of(executor, None, address) as shared:
            results = examine(where, *chosen, executor=shared, **known)
    finish(make_report("diagnose", results, failing(fail_on, settings)), format_, verbose, output, quiet)


def _default_folder() -> str:
    """Return the folder that collects runs.

    Raises:
        UsageError: There is none here.
    """
    from rldoctor.errors import UsageError

    if not options.RUNS.is_dir():
        raise UsageError("There is no folder runs here.", "Name a run or a folder of runs: rldoctor diagnose RUNS.")
    return str(options.RUNS)


def _baseline_return(env: str | None, arguments: dict[str, Json]) -> float | None:
    if env is None:
        return None
    need_training_packages("diagnose --env")
    from rldoctor.environments import registry
    from rldoctor.environments.baselines import measure_baselines
    from rldoctor.logs.read import baseline_return

    registry.resolve(env)
    return baseline_return(measure_baselines(lambda: registry.make(env, **arguments), range(_BASELINE_EPISODES)))
