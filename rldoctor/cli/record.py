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
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Trainings at a time, one thread each.")] = 2,
) -> None:
    """Record a reference: train its recipe with many seeds and write the bands of healthy curves."""
    need_training_packages("record")
    from rldoctor.cli.options import numbers
    from rldoctor.cli.progress import bars
    from rldoctor.references import find_folder, load_recipe
    from rldoctor.training.record import passing, train_seeds, write_bands

    recipe, chosen = load_recipe(reference), numbers(seeds, "--seeds")
    with bars() as bar:
        shown = bar("record", len(chosen))
        directories = train_seeds(recipe, chosen, runs, jobs, shown.count)
        healthy = passing(directories, bar("evaluate", len(directories)).count)
    left_out = [directory for directory in directories if directory not in healthy]
    for directory in left_out:
        typer.echo(f"{directory} does not pass the recipe's criteria and is left out: rldoctor gate {directory}")
    typer.echo(f"Written: {write_bands(recipe, healthy, find_folder(reference), left_out)}")
