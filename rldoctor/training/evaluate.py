"""The evaluation of a policy: deterministic, on the real environment, on episodes that training never saw."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import structs
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import DummyVecEnv

from rldoctor import machine, run_directory
from rldoctor.environments import registry
from rldoctor.environments.baselines import aggregate, measure_baselines
from rldoctor.environments.robot_joints import read_joints_at_once
from rldoctor.environments.rollouts import Env, Episode, roll_out
from rldoctor.environments.step_threads import helpful_threads
from rldoctor.errors import RldoctorError, TrainingFailed, UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_record import read_run_record
from rldoctor.sb3.without_dynamo import without_dynamo
from rldoctor.training import ppo

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
    run_directory.require(directory)
    recipe = read_run_record(directory).require_recipe(directory)
    count = recipe.evaluation_episodes if episodes is None else episodes
    if count < 1:
        raise UsageError(f"{count} episodes cannot be played.", "Ask for at least 1.")
    policy_file = run_directory.find_policy(directory)
    model, steps, helpful = load_policy(recipe, policy_file)
    seeds = range(count)
    watch = watcher or (lambda policy, done: None)

    def make_env() -> Env:
        env = registry.make(recipe.env, **recipe.env_arguments)
        read_joints_at_once(env)
        return env

    def act(observations: Any) -> Any:
        return model.predict(observations, deterministic=True)[0]

    try:
        with ppo.one_thread():
            played = roll_out(make_env, act, seeds, lambda done: watch("policy", done), threads=threads or helpful)
            measured = (
                baselines() if baselines else measure_baselines(make_env, seeds, lambda done: watch("baselines", done))
            )
    except RldoctorError:
        raise
    except Exception as error:
        raise TrainingFailed(
            f"The evaluation of {directory} broke off with {type(error).__name__}: {error}.",
            f"Run rldoctor preflight --env {recipe.env}.",
        ) from error
    content: dict[str, Json] = {
        "rldoctor_evaluation": 1,
        "env": recipe.env,
        "recipe": recipe.name,
        "deterministic": True,
        "aggregate": _with_margins(aggregate(played), measured),
        "baselines": {k: _finite(v) if isinstance(v, Mapping) else v for k, v in measured.items()},
        "episodes": [_finite(_plain(episode)) for episode in played],
        "policy": {
            "file": policy_file.relative_to(directory).as_posix(),
            "sha256": run_directory.file_hash(policy_file),
            "steps": steps,
        },
        "versions": machine.versions(),
        "evaluated": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    run_directory.write_json(directory / run_directory.EVALUATION_FILE, content)
    _write_paths(directory, played, str(content["evaluated"]))
    return content


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


@without_dynamo()
def load_policy(recipe: Recipe, policy_file: Path) -> tuple[PPO, Json, int]:
    """Build the recipe's policy and put the saved weights in.

    Returns:
        The model, the steps it was trained for, and how many threads help to play its environment.

    Raises:
        CannotJudge: The file is missing, damaged, or was made for other shapes.
    """
    # The rollout buffer is made as small as SB3 allows.
    settings = {**recipe.hyperparameters, "n_steps": 2, "batch_size": 2}
    envs = DummyVecEnv([lambda: registry.make(recipe.env, **recipe.env_arguments)])
    try:
        model = ppo.build(structs.replace(recipe, n_envs=1, hyperparameters=settings), envs, seed=0)
    finally:
        envs.close()
    return model, ppo.load_weights(model, policy_file).get("steps"), helpful_threads(envs.envs[0])


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
