"""``rldoctor sweep``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, executor_of, failing, need_training_packages
from rldoctor.cli.options import RUNS, ExecutorName, Format, pairs
from rldoctor.cli.output import finish


def sweep(
    file: Annotated[Path | None, typer.Argument(help="A TOML file that describes the sweep.")] = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Seeds, such as 0-4 or 1,2,5. [default: 0-4]")] = None,
    vary: Annotated[
        list[str] | None, typer.Option("--vary", help="Values to try for a setting: clip_range=0.1,0.2,0.4.")
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Vary one setting at a time, instead of all combinations.")
    ] = False,
    baseline: Annotated[
        list[str] | None, typer.Option("--baseline", help="The setting to compare the others with: clip_range=0.1.")
    ] = None,
    reference: options.TrainedReference = None,
    env: options.Env = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    steps: options.Steps = None,
    set_: options.Set = None,
    engine: options.Engine = None,
    executor: options.Executor = ExecutorName.LOCAL,
    jobs: options.Jobs = None,
    address: options.Address = None,
    dry_run: options.DryRun = False,
    runs: options.Runs = RUNS,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = None,
    output: options.Output = None,
    verbose: options.Verbose = False,
) -> None:
    """Train many seeds and settings side by side, and compare them. Re-run the same command to resume."""
    need_training_packages("sweep")
    from rldoctor.cli.progress import sweep_bars
    from rldoctor.diagnosis.report_files import write_report
    from rldoctor.experiments.sweep.plan import make_plan
    from rldoctor.experiments.sweep.run import run_sweep
    from rldoctor.experiments.sweep.spec import SweepSpec, read_sweep_spec, seeds_of, varied
    from rldoctor.model import make_report
    from rldoctor.references import load_trainable
    from rldoctor.render.wording import clean

    settings = configured(config, isolated)
    spec = read_sweep_spec(file) if file is not None else SweepSpec()
    changes = (*options.env_changes(env, env_kwargs, max_episode_steps), *pairs(set_))
    changes += (f"total_steps={steps}",) if steps is not None else ()
    spec = replace(
        spec,
        reference=reference or spec.reference,
        seeds=seeds_of(seeds, "--seeds") if seeds is not None else spec.seeds,
        changes=(*spec.changes, *changes),
        vary={**spec.vary, **varied(vary or ())},
        each=each or spec.each,
        baseline=pairs(baseline) or spec.baseline,
        engine=engine or spec.engine,
    )
    plan = make_plan(spec, load_trainable(spec.reference, settings.references), runs)
    with executor_of(executor, jobs, address) as working:
        results = run_sweep(
            plan,
            working,
            command=["rldoctor", *sys.argv[1:]],
            # The plan goes with the report for people, and to stderr where stdout is for programs.
            say=lambda line: typer.echo(clean(line), err=format_ not in (None, Format.TEXT)),
            bars=sweep_bars,
            dry_run=dry_run,
            config=settings,
        )
    if results:
        report = make_report("sweep", results, failing(fail_on, settings))
        # Next to the runs, in every format that a reader or a program may want of a sweep.
        write_report(report, plan.folder, plan.name, ("csv", "md"))
        finish(report, format_, verbose, output)
