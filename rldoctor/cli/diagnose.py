"""``rldoctor diagnose``."""

from __future__ import annotations

import glob
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, executor_of, failing, need_training_packages
from rldoctor.cli.options import ExecutorName, Format, words
from rldoctor.cli.output import finish, format_of
from rldoctor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rldoctor.config import Config as ConfigOf
    from rldoctor.model import Report, RunDiagnosis


def diagnose(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Folders, or s3://bucket/runs; every run at or below them is diagnosed. Also a table of metrics, or a "
            "file with what a training printed; - is what is piped in. [default: runs]"
        ),
    ] = None,
    reference: options.ComparedReference = None,
    framework: options.Framework = None,
    env: options.MeasuredEnv = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    examine: Annotated[
        bool, typer.Option("--examine", help="Also import and examine the environment that each run names.")
    ] = False,
    model: Annotated[
        Path | None, typer.Option("--model", help="A model that Stable-Baselines3 saved, to be examined with the runs.")
    ] = None,
    budget: Annotated[
        float, typer.Option("--budget", min=1, help="Seconds for the examination of each environment.")
    ] = 30.0,
    select: options.Select = None,
    ignore: options.Ignore = None,
    executor: options.Executor = ExecutorName.LOCAL,
    address: options.Address = None,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache",
            help="Keep diagnoses in the user's cache folder, and read only runs that have changed since. With rules of "
            "your own, --select or --ignore, everything is read.",
        ),
    ] = False,
    parquet: Annotated[
        str | None,
        typer.Option(
            "--parquet",
            help="For very many runs: keep each diagnosis as Parquet files in this folder (or s3://bucket/results) and "
            "report an overview. rldoctor show reads them.",
            callback=options.not_empty,
        ),
    ] = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
    quiet: options.Quiet = False,
) -> None:
    """Read training logs back: healthy or not, what is wrong, the evidence, and what to change."""
    from rldoctor.cli.standard_input import PIPED, kept, named
    from rldoctor.diagnosis.many import diagnose as diagnose_all
    from rldoctor.model import make_report

    where = _expanded(runs) if runs else [_default_folder()]
    settings = configured(config, isolated)
    if PIPED in where and (parquet or cache or executor is not ExecutorName.LOCAL or address):
        raise UsageError(
            "What is piped in is diagnosed here, once.", "Leave out --parquet, --cache, --executor and --address."
        )
    chosen: dict[str, Any] = {
        "reference": reference,
        "select": words(select),
        "ignore": words(ignore),
        "framework": framework,
    }
    # JSON is written a run at a time, and thousands of them need not be in memory.
    packed = not quiet and (format_ or format_of(output.name if output else "")) is Format.JSON
    work: Callable[..., Sequence[RunDiagnosis]] = partial(
        diagnose_all, config=settings, remember=cache, packed=packed, **chosen
    )
    if env is None and (env_kwargs or max_episode_steps):
        raise UsageError("--env-kwargs and --max-episode-steps need --env.", "Add --env ID.")
    if cache and (env is not None or examine or model is not None or executor is not ExecutorName.LOCAL or address):
        raise UsageError(
            "--cache keeps what logs alone say, on this machine.",
            "Leave it out, or --env, --examine, --model, --executor and --address.",
        )
    if parquet and (env is not None or examine or model is not None or cache):
        raise UsageError(
            "--parquet keeps what logs alone say.", "Leave it out, or --env, --examine, --model and --cache."
        )
    if env is not None or examine or model is not None:
        need_training_packages("diagnose --env, --examine and --model")
        from rldoctor.examination.examine import examine as examine_all

        arguments = options.env_arguments(env_kwargs, max_episode_steps)
        known: dict[str, Any] = {"env": env, "arguments": arguments, "recorded_env": examine}
        known |= {"model": model, "seconds": budget}
        work = partial(examine_all, config=settings, **known, **chosen)
    if parquet:
        finish(_kept(where, parquet, executor, address, settings, fail_on, chosen), format_, verbose, output, quiet)
    if executor is ExecutorName.LOCAL and address is None:
        # It starts processes of its own for hundreds of runs; fewer need none.
        with kept(where) as files:
            results = named(work(files), where, files)
    else:
        with executor_of(executor, None, address) as shared:
            results = work(where, executor=shared)
    finish(make_report("diagnose", results, failing(fail_on, settings)), format_, verbose, output, quiet)


def _kept(
    where: list[str],
    place: str,
    executor: ExecutorName,
    address: str | None,
    settings: ConfigOf,
    fail_on: options.FailOnVerdict | None,
    chosen: dict[str, Any],
) -> Report:
    """Diagnose runs into Parquet files, here or on a cluster, and return the overview."""
    # Late: nothing else of the command needs pyarrow.
    from rldoctor.diagnosis.bulk.conduct import report_kept
    from rldoctor.diagnosis.many import diagnoser

    each = diagnoser(config=settings, **chosen)
    fails = failing(fail_on, settings)
    if executor is ExecutorName.LOCAL and address is None:
        return report_kept(where, each, place, fail_on=fails)
    with executor_of(executor, None, address) as shared:
        return report_kept(where, each, place, shared, fail_on=fails)


def _expanded(runs: list[str]) -> list[str]:
    """Return paths with patterns expanded that no shell has: quoted ones, and all on Windows.

    Raises:
        UsageError: Nothing fits a pattern.
    """
    found: list[str] = []
    for run in runs:
        if not set(run) & set("*?[") or "://" in run or Path(run).exists():
            found.append(run)
            continue
        fitting = sorted(glob.glob(run, recursive=True))  # noqa: PTH207 - absolute and relative alike
        if not fitting:
            raise UsageError(f"Nothing fits {run}.", "Check the pattern.")
        found += fitting
    return found


def _default_folder() -> str:
    """Return the folder that collects runs.

    Raises:
        UsageError: There is none here.
    """
    if not options.RUNS.is_dir():
        raise UsageError("There is no folder runs here.", "Name a run or a folder of runs: rldoctor diagnose RUNS.")
    return str(options.RUNS)
