"""``rldoctor record``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.options import RUNS, need_training_packages


def record(
    reference: Annotated[str, typer.Argument(help="Name or folder of a reference with a recipe.toml.")],
    seeds: Annotated[str, typer.Option("--seeds", help="Seeds, such as 0-19 or 1,2,5.")] = "0-19",
    runs: Annotated[
        Path, typer.Option("--runs", help="Where the runs are kept; finished ones are not repeated.")
    ] = RUNS,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, help="Trainings at a time, one thread each. [default: the cores]"),
    ] = None,
) -> None:
    """Record a reference: train its recipe with many seeds and write the bands of healthy curves."""
    need_training_packages("record")
    from rldoctor import criteria
    from rldoctor.cli.progress import sweep_bars
    from rldoctor.errors import TrainingFailed
    from rldoctor.executors.local import LocalExecutor
    from rldoctor.model import Verdict
    from rldoctor.references import find_folder, load_trainable
    from rldoctor.sweep.plan import trials_of
    from rldoctor.sweep.run import run, waiting
    from rldoctor.sweep.trial import PRELOAD
    from rldoctor.sweep.wish import seeds_of
    from rldoctor.training.record import write_bands

    recipe = load_trainable(reference)
    trials = trials_of(recipe, seeds_of(seeds, "--seeds"), runs)
    todo = waiting(trials)
    with sweep_bars(len(todo), len(todo) * recipe.total_steps) as onlooker:
        failures = run(
            todo,
            LocalExecutor(jobs, PRELOAD),
            command=["rldoctor", "record", reference],
            onlooker=onlooker,
            known=[trial for trial in trials if trial not in todo],
        )
    for trial, failure in failures.items():
        raise TrainingFailed(f"Seed {trial.seed}: {failure.problem}", failure.cure)
    directories = [trial.directory for trial in trials]
    # Only those that pass are healthy patients.
    healthy = [directory for directory in directories if criteria.judge(directory).verdict is Verdict.HEALTHY]
    left_out = [directory for directory in directories if directory not in healthy]
    for directory in left_out:
        typer.echo(f"{directory} does not pass the recipe's criteria and is left out: rldoctor gate {directory}")
    typer.echo(f"Written: {write_bands(recipe, healthy, find_folder(reference), left_out)}")
