"""``rldoctor replay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import need_training_packages
from rldoctor.cli.options import PlainFormat
from rldoctor.errors import EXIT_FINDINGS, EXIT_UNJUDGED


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="before-nan.npz, which DoctorCallback writes.")],
    env: Annotated[str, typer.Option("--env", help="The environment of the training.")],
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    number: Annotated[
        int | None,
        typer.Option("--number", min=0, help="Which of the training's environments. [default: the one that broke]"),
    ] = None,
    seed: options.Seed = 0,
    format_: options.OutputFormat = PlainFormat.TEXT,
) -> None:
    """Play the last steps before a NaN again: which quantity left its range first?"""
    need_training_packages("replay")
    import json

    from rldoctor.environments import naming
    from rldoctor.examination.replay import replay as play
    from rldoctor.examination.replay import shown

    arguments = options.env_arguments(env_kwargs, max_episode_steps)
    found = play(file, naming.absolute(env), number, seed, **arguments)
    if format_ is PlainFormat.JSON:
        typer.echo(json.dumps(found.to_json(), indent=2))
    else:
        typer.echo(f"Recorded, environment {found.environment}, steps {found.first_step:,} to {found.last_step:,}:")
        for line in shown(found.recorded) if found.recorded else ("no quantity leaves its range",):
            typer.echo(f"  {line}")
        typer.echo(f"Played again on {env} from a reset with seed {seed}, {found.count} steps:")
        for line in shown(found.played) if found.played else ("no quantity leaves its range",):
            typer.echo(f"  {line}")
        if found.error:
            typer.echo(f"  the environment raised {found.error}")
        typer.echo(
            "The environment breaks on these actions: the fault is in it, or in the actions."
            if found.reproduced
            else "The environment stays finite on these actions: what broke depends on the state before the first one,"
            " on chance, or on what the training wraps around it."
        )
    if found.reproduced or found.recorded:
        raise typer.Exit(EXIT_FINDINGS)
    raise typer.Exit(EXIT_UNJUDGED)
