"""``rldoctor audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rldoctor.cli import options
from rldoctor.cli.configured import configured, failing, need_training_packages
from rldoctor.cli.options import Format
from rldoctor.cli.output import finish


def audit(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A model's zip, or the directory of a run of rldoctor train.")
    ],
    env: options.ModelEnv = None,
    env_kwargs: options.EnvKwargs = None,
    max_episode_steps: options.MaxEpisodeSteps = None,
    vec_normalize: options.VecNormalizeFile = None,
    episodes: Annotated[
        int, typer.Option("--episodes", "-n", min=2, help="Number of episodes of each perturbation.")
    ] = 20,
    video: Annotated[
        Path | None, typer.Option("--video", help="Film the worst of all episodes to this file (.gif, .mp4).")
    ] = None,
    config: options.Config = None,
    isolated: options.Isolated = False,
    fail_on: options.FailOn = None,
    format_: options.ReportFormat = Format.TEXT,
    output: options.Output = None,
    verbose: options.Verbose = False,
) -> None:
    """Play a policy with delayed, lost and noisy control, on other seeds, stochastic: how much of its gain is kept?"""
    need_training_packages("audit")
    from rldoctor.cli.models import no_model_options, player_of
    from rldoctor.gate.evaluation import is_model

    settings = configured(config, isolated)
    if not is_model(model):
        no_model_options(model, env=env, env_kwargs=env_kwargs, max_episode_steps=max_episode_steps, vec=vec_normalize)
    if video:
        from rldoctor.training.video import require_renderer

        require_renderer(video)
    from rldoctor.cli.progress import bars
    from rldoctor.model import make_report
    from rldoctor.training.audit import audit as examine
    from rldoctor.training.players import player_of_run

    player = (
        player_of(model, env, env_kwargs, max_episode_steps, vec_normalize)
        if is_model(model)
        else player_of_run(model)[0]
    )
    with bars(quiet=format_ is not Format.TEXT) as bar:
        shown: dict[str, Any] = {}

        def watch(what: str, done: int, total: int) -> None:
            if what not in shown:
                shown[what] = bar(what, total)
            shown[what].count(done)

        result = examine(player, str(model), episodes=episodes, film=video, watcher=watch)
    finish(make_report("audit", [result], failing(fail_on, settings)), format_, verbose, output)
