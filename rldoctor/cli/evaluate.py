"""``rldoctor evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import need_training_packages
from rldoctor.cli.options import PlainFormat


def evaluate(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="The directory of a run of rldoctor train, or a model's zip.")
    ],
    env: options.ModelEnv = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    vec_normalize: options.VecNormalizeFile = None,
    episodes: Annotated[
        int | None,
        typer.Option("--episodes", "-n", min=1, help="Number of episodes. [default: the recipe's; 50 of a model]"),
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
    from rldoctor.cli.models import no_model_options, player_of
    from rldoctor.errors import UsageError
    from rldoctor.gate.evaluation import is_model

    of_model = is_model(run)
    if of_model and picture:
        raise UsageError("--picture draws the paths of a run of rldoctor train.", "Use --video for a model.")
    if not of_model:
        no_model_options(run, env=env, env_kwargs=env_kwargs, max_episode_steps=max_episode_steps, vec=vec_normalize)
        run_directory.require(run)
    # A missing package is reported before a hundred episodes are played.
    if picture:
        from rldoctor.training.reach_picture import require_matplotlib

        require_matplotlib(picture)
    if video:
        from rldoctor.training.video import require_renderer

        require_renderer(video)
    from rldoctor.cli.progress import bars
    from rldoctor.training.evaluate import EPISODES, evaluate_player
    from rldoctor.training.evaluate import evaluate as play

    with bars(quiet=format_ is PlainFormat.JSON) as bar:
        shown: dict[str, Any] = {}

        def watch(policy: str, done: int) -> None:
            if policy not in shown:
                shown[policy] = bar(policy, episodes or (EPISODES if of_model else 100))
            shown[policy].count(done)

        if of_model:
            player = player_of(run, env, env_kwargs, max_episode_steps, vec_normalize)
            content = evaluate_player(player, episodes=episodes or EPISODES, watcher=watch)
        else:
            content = play(run, episodes=episodes, watcher=watch)
        if picture:
            from rldoctor.training.reach_picture import draw

            draw(run, picture)
        if video:
            from rldoctor.training.players import player_of_run
            from rldoctor.training.video import film

            film(player if of_model else player_of_run(run)[0], video, watcher=bar("film", 1).count)
    if format_ is PlainFormat.JSON:
        import json

        typer.echo(json.dumps(content, indent=2))
        return
    from rich.console import Console

    from rldoctor.render.terminal.evaluation import table

    Console(highlight=False).print(table(content))
    name = run_directory.EVALUATION_FILE
    file = run_directory.beside(run, name) if of_model else run / name
    written = [file, *filter(None, (picture, video))]
    if content.get("normalised_by"):
        typer.echo(f"\nObservations normalised by {content['normalised_by']}")
    typer.echo(f"\nWritten: {', '.join(map(str, written))}\nNext: rldoctor gate {run}")
