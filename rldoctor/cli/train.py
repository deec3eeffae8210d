"""``rldoctor train``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.configured import ConfigOption, IsolatedOption, configured
from rldoctor.cli.options import (
    RUNS,
    EngineOption,
    OutOption,
    SeedOption,
    SetOption,
    need_training_packages,
    pairs,
)
from rldoctor.environments.engine import Engine
from rldoctor.errors import EXIT_STOPPED, UsageError


def train(
    reference: Annotated[
        str | None, typer.Option("--reference", "-r", help="Name or folder of a reference. [default: chapter]")
    ] = None,
    recipe_: Annotated[
        Path | None, typer.Option("--recipe", help="A recipe.toml instead, such as one of rldoctor treat.")
    ] = None,
    seed: SeedOption = 0,
    env: Annotated[str | None, typer.Option("--env", help="Train on another environment: id or module:id.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Train for so many environment steps.")] = None,
    set_: SetOption = None,
    engine: EngineOption = Engine.GYMNASIUM,
    out: OutOption = RUNS,
    config: ConfigOption = None,
    isolated: IsolatedOption = False,
    resume: Annotated[Path | None, typer.Option("--resume", help="Go on with this interrupted run.")] = None,
) -> None:
    """Train PPO by a recipe; TensorBoard logs, checkpoints and run.json go to one new directory."""
    need_training_packages("train")
    from rldoctor.cli.progress import bars
    from rldoctor.references import load_trainable
    from rldoctor.run_directory import create, place, read_run_record, removed_if_empty, require

    changes = pairs(set_)
    changes += (f"env={env}",) if env is not None else ()
    changes += (f"total_steps={steps}",) if steps is not None else ()
    if resume is not None and engine is not Engine.GYMNASIUM:
        raise UsageError("--resume goes on with the engine of the run.", "Leave --engine out.")
    if resume is not None and changes:
        raise UsageError(
            f"--resume goes on with the recipe in {resume}, which {changes[0]} would change.",
            "Leave --set, --env and --steps out, or start a new run with them.",
        )
    if recipe_ is not None and reference is not None:
        raise UsageError("--recipe and --reference both name what is trained.", "Leave one of them out.")
    if recipe_ is not None and not recipe_.exists():
        raise UsageError(f"There is no recipe {recipe_}.", "Name a recipe.toml, or the folder of one.")
    named = str(recipe_) if recipe_ is not None else reference or "chapter"
    recipe = load_trainable(named, configured(config, isolated).references).with_overrides(changes)
    from rldoctor.environments.engine import require_engine
    from rldoctor.environments.registry import resolve
    from rldoctor.training.train import resume as go_on
    from rldoctor.training.train import train as begin

    with bars() as bar:
        if resume is not None:
            total = read_run_record(require(resume)).require_recipe(resume).total_steps
            training = go_on(resume, watcher=bar("train", total))
        else:
            resolve(recipe.env)
            require_engine(engine, recipe.env)
            directory = create(place(out, recipe, f"seed-{seed}"))
            watcher = bar("train", recipe.total_steps)
            with removed_if_empty(directory):
                training = begin(
                    recipe,
                    directory,
                    seed,
                    command=["rldoctor", *sys.argv[1:]],
                    watcher=watcher,
                    engine=engine,
                )
    typer.echo(
        f"{training.directory}: {training.status} at {training.steps:,} steps, "
        f"{training.seconds:.1f} s, {training.steps_per_second:,.0f} steps/s"
    )
    if training.status != "finished":
        typer.echo(f"Go on with: rldoctor train --resume {training.directory}")
        raise typer.Exit(EXIT_STOPPED)
    typer.echo(f"Next: rldoctor evaluate {training.directory}")
