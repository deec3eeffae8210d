"""What the commands that take a model of the user's own share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rldoctor.cli import options
from rldoctor.errors import UsageError

if TYPE_CHECKING:
    from rldoctor.training.players import Player


def player_of(
    model: Path,
    env: str | None,
    env_kwargs: Sequence[str] | None,
    max_episode_steps: int | None,
    vec_normalize: str | None,
) -> Player:
    """Return a model's policy with its environment.

    Raises:
        UsageError: ``--env`` is missing, or the environment is not known.
        EnvironmentBroken: It cannot be made.
        CannotJudge: The policy cannot be rebuilt for it.
    """
    from rldoctor.training.players import player_of_model

    if env is None:
        raise UsageError(
            f"{model} does not say in which environment it was trained.", "Name it: --env ID, or --env file.py:Class."
        )
    arguments = options.env_arguments(env_kwargs, max_episode_steps)
    return player_of_model(model, env, arguments, vec_normalize)


def no_model_options(run: Path, **given: object) -> None:
    """Refuse options of a model for the run of ``rldoctor train``, whose ``run.json`` has the answers.

    Raises:
        UsageError: One was given.
    """
    if any(value is not None for value in given.values()):
        raise UsageError(
            f"{run} is not the zip of a model: run.json of a run says in which environment it was trained.",
            "Leave out --env, --env-kwargs, --max-episode-steps and --vec-normalize, or name the zip itself.",
        )
