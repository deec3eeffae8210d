"""``rldoctor evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli.options import PlainFormat, PlainFormatOption, need_training_packages


def evaluate(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    episodes: Annotated[int | None, typer.Option("--episodes", "-n", min=1, help="How many episodes.")] = None,
    format_: PlainFormatOption = PlainFormat.TEXT,
) -> None:
    """Play the deterministic policy on episodes that training never saw, and write evaluation.json."""
    need_training_packages("evaluate")
    from rldoctor import run_directory

    run_directory.require(run)
    from rldoctor.cli.progress import bars
    from rldoctor.training.evaluate import evaluate as play

    with bars(quiet=format_ is PlainFormat.JSON) as bar:
        shown = {}

        def watch(policy: str, done: int) -> None:
            if policy not in shown:
                shown[policy] = bar(policy, episodes or 100)
            shown[policy].count(done)

        content = play(run, episodes=episodes, watcher=watch)
    if format_ is PlainFormat.JSON:
        import json

        typer.echo(json.dumps(content, indent=2))
        return
    from rich.console import Console

    from rldoctor.render.evaluation import table

    Console(highlight=False).print(table(content))
    typer.echo(f"\nWritten: {run / run_directory.EVALUATION_FILE}\nNext: rldoctor gate {run}")
