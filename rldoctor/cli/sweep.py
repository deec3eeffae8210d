"""``rldoctor sweep``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured, failing
from rldoctor.cli.executors import AddressOption, ExecutorName, executor_of
from rldoctor.cli.options import (
    RUNS,
    FailOnOption,
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
from rldoctor.cli.progress import sweep_bars
from rldoctor.environments.engine import Engine


def sweep(
    file: Annotated[Path | None, typer.Argument(help="A TOML file that describes the sweep.")] = None,
    seeds: Annotated[str | None, typer.Option("--seeds", help="Seeds, such as 0-4 or 1,2,5. [default: 0-4]")] = None,
    vary: Annotated[
        list[str] | None, typer.Option("--vary", help="Values that a setting is to take: clip_range=0.1,0.2,0.4.")
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Vary one setting at a time, instead of all combinations.")
    ] = False,
    baseline: Annotated[
        list[str] | None, typer.Option("--baseline", help="The setting to hold the others against: clip_range=0.1.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option("--reference", "-r", help="Name or folder of a reference. [default: chapter]")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Train for so many environment steps.")] = None,
    set_: SetOption = None,
    engine: Annotated[
        Engine | None, typer.Option("--engine", help="What steps the environments. [default: gymnasium]")
    ] = None,
    executor: Annotated[
        ExecutorName, typer.Option("--executor", help="Where trials are done: ray needs the extra [ray].")
    ] = ExecutorName.LOCAL,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Trials at a time, one thread each. [default: the cores]")
    ] = None,
    address: AddressOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and stop.")] = False,
    out: OutOption = RUNS,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    fail_on: FailOnOption = None,
    format_: FormatOption = Format.TEXT,
    output: LongOutputOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Train many seeds and settings side by side, and compare them. The same command goes on where it was stopped."""
    need_training_packages("sweep")
    from rldoctor.experiments.sweep.plan import make_plan
    from rldoctor.experiments.sweep.run import run_sweep, write_reports
    from rldoctor.experiments.sweep.spec import SweepSpec, read_sweep_spec, seeds_of, varied
    from rldoctor.model import make_report
    from rldoctor.references import load_trainable

    asked = read_sweep_spec(file) if file is not None else SweepSpec()
    changes = pairs(set_) + ((f"total_steps={steps}",) if steps is not None else ())
    wish = replace(
        asked,
        reference=reference or asked.reference,
        seeds=seeds_of(seeds, "--seeds") if seeds is not None else asked.seeds,
        changes=(*asked.changes, *changes),
        vary={**asked.vary, **varied(vary or ())},
        each=each or asked.each,
        baseline=pairs(baseline) or asked.baseline,
        engine=engine or asked.engine,
    )
    project = configured(config, isolated)
    plan = make_plan(wish, load_trainable(wish.reference, project.references), out)
    with executor_of(executor, jobs, address) as working:
        subjects = run_sweep(
            plan,
            working,
            command=["rldoctor", *sys.argv[1:]],
            say=_teller(format_),
            bars=sweep_bars,
            dry_run=dry_run,
            config=project,
        )
    if subjects:
        report = make_report("sweep", subjects, failing(fail_on, project))
        write_reports(report, plan)
        finish(report, format_, verbose, output)


def _teller(format_: Format) -> Callable[[str], None]:
    """Return what prints the plan: with the report for people, on stderr where stdout is for programs."""
    from rldoctor.render.wording import clean

    return lambda line: typer.echo(clean(line), err=format_ is not Format.TEXT)
