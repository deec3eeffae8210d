"""The evaluation of a policy: deterministic, on the real environment, on episodes that training never saw."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rldoctor import machine, run_directory
from rldoctor.environments.baselines import aggregate, measure_baselines
from rldoctor.environments.rollouts import Env, Episode, roll_out
from rldoctor.errors import RldoctorError, TrainingFailed, UsageError, first_line
from rldoctor.model import Json
from rldoctor.training import algorithm
from rldoctor.training.players import Player, player_of_run

EPISODES = 50
"""Of a model without a recipe: its mean return is then known to a seventh of the spread of single episodes."""
# Points of an episode's path in paths.json; FetchReach has 51.
_MOST_POINTS = 100
# Called with the policy that is being played and how many episodes are done.
EvaluationWatcher = Callable[[str, int], None]


def evaluate(
    directory: Path,
    *,
    episodes: int | None = None,
    baselines: Callable[[], Mapping[str, Json]] | None = None,
    watcher: EvaluationWatcher | None = None,
    threads: int | None = None,
) -> dict[str, Json]:
    """Evaluate the policy of a run, write ``evaluation.json`` and return its content.

    Every episode is played by the deterministic policy (the mean action) with episode seeds 0..N-1; training uses
    seeds from 1,000,000 on. The zero-action and the random policy play the same episodes, unless their numbers for
    these very episodes are given.

    Args:
        directory: A run directory with ``run.json`` and ``policy.zip`` (or at least one checkpoint).
        episodes: How many; the recipe's number by default.
        baselines: Gives what :func:`measure_baselines` returns for the same environment, measured elsewhere;
            called once the policy has been played.
        watcher: Notified of progress.
        threads: How many threads step the environments; by default as many as help. The numbers are the same.

    Raises:
        UsageError: There is no such directory, or ``episodes`` is not positive.
        CannotJudge: It holds no run of rldoctor's, or no policy that can be loaded.
        TrainingFailed: The environment raised while being played.
    """
    player, recipe = player_of_run(directory)
    count = recipe.evaluation_episodes if episodes is None else episodes
    played, content = _played(player, count, baselines, watcher, threads)
    content["recipe"] = recipe.name
    content["policy"]["file"] = player.file.relative_to(directory).as_posix() if player.file else ""
    run_directory.write_json(directory / run_directory.EVALUATION_FILE, content)
    _write_paths(directory, played, str(content["evaluated"]))
    return content


def evaluate_player(
    player: Player, *, episodes: int = EPISODES, watcher: EvaluationWatcher | None = None
) -> dict[str, Json]:
    """Evaluate a model of the user's own and return what ``evaluation.json`` holds.

    It is written beside the model's file, as ``<model>.evaluation.json``, which ``rldoctor gate`` reads; of a model in
    Python nothing is written.

    Args:
        player: The model and its environment.
        episodes: How many, at least 1, with episode seeds 0..N-1.
        watcher: Notified of progress.

    Raises:
        UsageError: ``episodes`` is not positive.
        TrainingFailed: The environment raised while being played.
    """
    _, content = _played(player, episodes, None, watcher, None)
    if player.arguments:
        content["env_arguments"] = dict(player.arguments)
    if player.normalised_by:
        content["normalised_by"] = player.normalised_by
    if player.file:
        content["policy"]["file"] = player.file.name
        run_directory.write_json(run_directory.beside(player.file, run_directory.EVALUATION_FILE), content)
    return content


def _played(
    player: Player,
    count: int,
    baselines: Callable[[], Mapping[str, Json]] | None,
    watcher: EvaluationWatcher | None,
    threads: int | None,
) -> tuple[list[Episode], dict[str, Any]]:
    """Play the policy and the baselines; return the policy's episodes and the content of ``evaluation.json``."""
    if count < 1:
        raise UsageError(f"{count} episodes cannot be played.", "Ask for at least 1.")
    seeds = range(count)
    watch = watcher or (lambda policy, done: None)
    with playing(player, "evaluation"):
        played = play(player, seeds, lambda done: watch("policy", done), threads=threads)
        measured = (
            baselines()
            if baselines
            else measure_baselines(player.make_env, seeds, lambda done: watch("baselines", done))
        )
    return played, {
        "rldoctor_evaluation": 1,
        "env": player.env,
        "recipe": "",
        "deterministic": True,
        "aggregate": _with_margins(aggregate(played), measured),
        "baselines": {k: _finite(v) if isinstance(v, Mapping) else v for k, v in measured.items()},
        "episodes": [_finite(_plain(episode)) for episode in played],
        "policy": {
            "file": "",
            "sha256": run_directory.file_hash(player.file) if player.file else "",
            "steps": player.steps,
        },
        "versions": machine.versions(),
        "evaluated": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def play(
    player: Player,
    seeds: Sequence[int],
    watcher: Callable[[int], None] | None = None,
    *,
    wrap: Callable[[Env], Env] = lambda env: env,
    deterministic: bool = True,
    normalise: bool = True,
    threads: int | None = None,
) -> list[Episode]:
    """Play one episode for each of ``seeds``.

    Args:
        player: The policy and its environment.
        seeds: Episode seeds.
        watcher: Called with the number of finished episodes each time one ends.
        wrap: Applied to each environment.
        deterministic: Whether the policy's mean action is taken, or one is drawn.
        normalise: Whether the policy's observations are normalised as in training.
        threads: How many threads step environments; by default as many as help.
    """
    act, own = player.acting(deterministic, normalise)
    return roll_out(
        lambda: own(wrap(player.make_env())),
        act,
        seeds,
        watcher,
        lanes=player.lanes,
        threads=threads or player.threads,
    )


@contextlib.contextmanager
def playing(player: Player, what: str) -> Iterator[None]:
    """Play in one thread of PyTorch, and report in one sentence what the environment raises.

    Raises:
        TrainingFailed: The environment, or the policy in it, raised.
    """
    try:
        with algorithm.one_thread():
            yield
    except RldoctorError:
        raise
    except Exception as error:
        raise TrainingFailed(
            f"The {what} of {player.file or 'the model'} broke off with {type(error).__name__}: {first_line(error)}.",
            f"Run rldoctor preflight --env {player.env}.",
        ) from error


def _plain(episode: Episode) -> dict[str, Json]:
    """Return an episode's numbers without its path, which is in another file."""
    plain = dataclasses.asdict(episode)
    return {key: value for key, value in plain.items() if key not in ("goal", "path")}


def _write_paths(directory: Path, played: Sequence[Episode], evaluated: str) -> None:
    """Write the paths of the episodes, for pictures; an older file is removed if there is nothing to draw."""
    file = directory / run_directory.PATHS_FILE
    if not all(episode.goal and len(episode.path[0]) == len(episode.goal) for episode in played):
        file.unlink(missing_ok=True)
        return
    rows = [
        {
            "seed": episode.seed,
            "success": episode.success,
            "goal": [round(x, 4) for x in episode.goal],
            # A picture shows neither a tenth of a millimetre nor every step of a long episode.
            "steps": (steps := _thinned(len(episode.path))),
            "path": [[round(x, 4) for x in episode.path[step]] for step in steps],
        }
        for episode in played
    ]
    content = {"rldoctor_paths": 1, "evaluated": evaluated, "episodes": rows}
    try:
        text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    except ValueError:
        file.unlink(missing_ok=True)
        return
    with run_directory.replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _thinned(count: int) -> list[int]:
    every = -(-count // _MOST_POINTS)
    return sorted({*range(0, count, every), count - 1})


def _with_margins(numbers: dict[str, Json], baselines: Mapping[str, Json]) -> dict[str, Json]:
    """Add how far the mean return is above that of each baseline, in the environment's own reward."""
    for name in ("zero_action", "random"):
        baseline = baselines.get(name)
        mine, theirs = numbers["return_mean"], baseline.get("return_mean") if isinstance(baseline, Mapping) else None
        if isinstance(mine, (int, float)) and isinstance(theirs, (int, float)):
            numbers[f"return_over_{name}"] = mine - theirs
    return _finite(numbers)


def _finite(numbers: Mapping[str, Json]) -> dict[str, Json]:
    """Replace NaN and infinities, which JSON does not have, by null: the gate reads null as 'not measured'."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in numbers.items()}
