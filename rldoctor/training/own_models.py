"""The Python interface for models of the user's own: evaluate and audit them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium

from rldoctor.diagnosis.report import Report
from rldoctor.environments import registry
from rldoctor.errors import UsageError
from rldoctor.model import Json, Verdict
from rldoctor.training.audit import EPISODES as AUDIT_EPISODES
from rldoctor.training.audit import audit as audit_player
from rldoctor.training.evaluate import EPISODES, evaluate_player
from rldoctor.training.players import Player, player_of_model, player_of_object

Paths = str | os.PathLike[str]
MakeEnv = Callable[[], gymnasium.Env[Any, Any]]


def evaluate(
    model: Any,
    env: str | MakeEnv,
    *,
    episodes: int = EPISODES,
    vec_normalize: Paths | None = None,
) -> dict[str, Json]:
    """Play a model's deterministic policy, the zero-action and the random policy on the same episodes.

    Args:
        model: The zip that Stable-Baselines3's or sb3-contrib's ``model.save`` wrote, or a model: one of theirs, or
            anything with their ``predict``. Of a zip, nothing is unpickled.
        env: Name of the environment, or a function that makes a new one.
        episodes: How many, at least 1, with episode seeds 0..N-1.
        vec_normalize: The file that ``VecNormalize.save`` wrote; one beside the zip by default.

    Returns:
        The content of ``evaluation.json``; of a zip it is also written beside it, for :func:`gate`.

    Raises:
        UsageError: The environment is not known, or a file does not exist.
        CannotJudge: The policy cannot be rebuilt; the message says why, and how to go on.
        TrainingFailed: The environment raised while being played.
    """
    return evaluate_player(_player(model, env, vec_normalize), episodes=episodes)


def audit(
    model: Any, env: str | MakeEnv, *, episodes: int = AUDIT_EPISODES, vec_normalize: Paths | None = None
) -> Report:
    """Play a model's policy under perturbations, and see how much of its gain it keeps.

    Args:
        model: As in :func:`evaluate`.
        env: As in :func:`evaluate`.
        episodes: Of each perturbation, at least 2.
        vec_normalize: As in :func:`evaluate`.

    Returns:
        The report; ``report.subjects[0].perturbations`` has the numbers. Of a zip, what was kept is also written beside
        it, for :func:`rldoctor.gate`.

    Raises:
        UsageError: The environment is not known, or a file does not exist.
        CannotJudge: The policy cannot be rebuilt; the message says why, and how to go on.
        TrainingFailed: The environment raised while being played.
    """
    name = str(model) if isinstance(model, (str, os.PathLike)) else type(model).__name__
    result = audit_player(_player(model, env, vec_normalize), name, episodes=episodes)
    return Report.of("audit", [result], Verdict.SICK)


def _player(model: Any, env: str | MakeEnv, vec_normalize: Paths | None) -> Player:
    name = env if isinstance(env, str) else registry.register(env)
    if isinstance(model, (str, os.PathLike)):
        statistics = None if vec_normalize is None else os.fspath(vec_normalize)
        return player_of_model(Path(model), name, {}, statistics)
    if not callable(getattr(model, "predict", None)):
        raise UsageError(f"{model!r} has no predict.", "Give a model of Stable-Baselines3, or the zip of one.")
    return player_of_object(model, name, {})
