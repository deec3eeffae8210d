"""``rldoctor evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import need_training_packages
from rldoctor.cli.options import PlainFormat


def evaluate(
    run: Annotated[Path, typer.Argument(help="The directory of a run of rldoctor train.")],
    episodes: Annotated[
        int | None, typer.Option("--episodes", "-n", min=1, help="Number of episodes. [default: the recipe's]")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Plot distances and paths to this file (.png, .svg, .pdf).")
    ] = None,
    video: Annotated[Path | None, typer.Option("--video", help="Film nine episodes to this file (.gif, .mp4).")] = None,
    format_: options.OutputFormat = PlainFormat.TEXT,
) -> None:
    """Play the deterministic policy on episodes that training never saw, and write evaluation.json."""
    need_training_packages("evaluate")
    from rldoctor import run_directory

    run_directory.require(run)
    # A missing package is reported before a hundred episodes are played.
    if picture:
        from rldoctor.training.reach_picture import require_matplotlib

        require_matplotlib(picture)
    if video:
        from rldoctor.training.video import require_renderer

        require_renderer(video)
    from rldoctor.cli.progress import bars
    from rldoctor.training.evaluate import evaluate as play

    with bars(quiet=format_ is PlainFormat.JSON) as bar:
        shown = {}

        def watch(policy: str, done: int) -> None:
            if policy not in shown:
                shown[policy] = bar(policy, episodes or 100)
            shown[policy].count(done)

        content = play(run, episodes=episodes, watcher=watch)
        if picture:
            from rldoctor.training.reach_picture import draw

            draw(run, picture)
        if video:
            from rldoctor.training.video import film

            film(run, video, watcher=bar("film", 1).count)
    if format_ is PlainFormat.JSON:
        import json

        typer.echo(json.dumps(content, indent=2))
        return
    from rich.console import Console

    from rldoctor.render.terminal.evaluation import table

    Console(highlight=False).print(table(content))
    written = [run / run_directory.EVALUATION_FILE, *filter(None, (picture, video))]
    typer.echo(f"\nWritten: {', '.join(map(str, written))}\nNext: rldoctor gate {run}")
