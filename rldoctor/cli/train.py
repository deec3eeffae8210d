"""``rldoctor train``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, need_training_packages
from rldoctor.cli.options import RUNS, pairs
from rldoctor.environments.engine import Engine
from rldoctor.errors import EXIT_STOPPED, UsageError

if TYPE_CHECKING:
    from rldoctor.recipe import Recipe


def train(
    reference: options.TrainedReference = None,
    recipe_: Annotated[
        Path | None, typer.Option("--recipe", help="Train by this recipe.toml instead, such as one of rldoctor treat.")
    ] = None,
    seed: options.Seed = 0,
    env: options.Env = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    steps: options.Steps = None,
    set_: options.Set = None,
    engine: options.Engine = None,
    runs: options.Runs = RUNS,
    config: options.Config = None,
    isolated: options.Isolated = False,
    resume: Annotated[Path | None, typer.Option("--resume", help="Resume this interrupted run.")] = None,
) -> None:
    """Train by a recipe; TensorBoard logs, checkpoints and run.json go to one new directory."""
    need_training_packages("train")
    from rldoctor.cli.progress import bars
    from rldoctor.environments.engine import require_engine
    from rldoctor.environments.registry import resolve
    from rldoctor.references import load_trainable
    from rldoctor.run_directory import create, place, removed_if_empty, require
    from rldoctor.run_record import read_run_record
    from rldoctor.training import train as training

    backend = engine or Engine.GYMNASIUM
    changes = (*pairs(set_), *options.env_changes(env, env_kwargs, max_episode_steps))
    changes += (f"total_steps={steps}",) if steps is not None else ()
    if resume is not None and backend is not Engine.GYMNASIUM:
        raise UsageError("--resume uses the engine of the run.", "Leave --engine out.")
    if resume is not None and changes:
        raise UsageError(
            f"--resume uses the recipe in {resume}, which {changes[0]} would change.",
            "Leave --set, --env and --steps out, or start a new run with them.",
        )
    if recipe_ is not None and reference is not None:
        raise UsageError("--recipe and --reference both name a recipe.", "Use only one of them.")
    if recipe_ is not None and not recipe_.exists():
        raise UsageError(f"There is no recipe {recipe_}.", "Name a recipe.toml, or the folder of one.")
    named = str(recipe_) if recipe_ is not None else reference or "chapter"
    recipe = load_trainable(named, configured(config, isolated).references).with_overrides(changes)
    if resume is None:
        resolve(recipe.env)
        require_engine(backend, recipe.env)
        directory = create(place(runs, recipe, f"seed-{seed}"))
        _report_rounding(recipe)
        _report_no_learning(recipe)
        with bars() as bar, removed_if_empty(directory):
            watcher, command = bar("train", recipe.total_steps), ["rldoctor", *sys.argv[1:]]
            result = training.train(
                recipe, directory, seed, command=command, watcher=watcher, engine=backend, say=_note
            )
    else:
        total = read_run_record(require(resume)).require_recipe(resume).total_steps
        with bars() as bar:
            result = training.resume(resume, watcher=bar("train", total))
    typer.echo(
        f"{result.directory}: {result.status} at {result.steps:,} steps, "
        f"{result.seconds:.1f} s, {result.steps_per_second:,.0f} steps/s"
    )
    if result.status != "finished":
        typer.echo(f"Resume with: rldoctor train --resume {result.directory}")
        raise typer.Exit(EXIT_STOPPED)
    typer.echo(f"Next: rldoctor evaluate {result.directory}")


def _report_rounding(recipe: Recipe) -> None:
    rollout = recipe.rollout_steps
    rounded = -(-recipe.total_steps // rollout) * rollout
    if rounded != recipe.total_steps:
        _note(f"Trains {rounded:,} steps instead of {recipe.total_steps:,}, whole rollouts of {rollout:,} steps.")


def _report_no_learning(recipe: Recipe) -> None:
    starts = recipe.setting("learning_starts")
    if isinstance(starts, int) and starts >= recipe.total_steps:
        _note(
            f"learning_starts is {starts:,}, and the training ends after {recipe.total_steps:,} steps: nothing will be "
            f"learned. Set learning_starts to at most {max(recipe.total_steps // 10, 1):,}."
        )


def _note(sentence: str) -> None:
    typer.echo(f"Note: {sentence}", err=True)
