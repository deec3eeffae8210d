"""Train by a recipe into a run directory, and resume a run that was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack

import torch

from rldoctor import machine, run_directory
from rldoctor.environments.engine import Engine
from rldoctor.environments.vec_envs import Wrapper, make_training_envs, training_seed
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_record import RunRecord, read_run_record
from rldoctor.sb3.fast_policy import use_fast_policy
from rldoctor.sb3.fast_update import use_fast_update
from rldoctor.sb3.without_dynamo import without_dynamo
from rldoctor.training import algorithm, replay_file
from rldoctor.training.loop import Training, learn, now
from rldoctor.training.resume_state import ResumeState
from rldoctor.training.training_callback import Hooks


@without_dynamo()
def train(
    recipe: Recipe,
    directory: Path,
    seed: int,
    *,
    command: Sequence[str] = (),
    wrap: Wrapper | None = None,
    adjust: Callable[[Any], None] | None = None,
    threads: int | None = None,
    engine: Engine = Engine.GYMNASIUM,
    **hooks: Unpack[Hooks],
) -> Training:
    """Train ``recipe`` from scratch into the existing, empty ``directory``.

    Ctrl-C or SIGTERM ends it after the last whole update, with everything saved and ``run.json`` saying
    ``interrupted``; :func:`resume` continues from there.

    Args:
        recipe: What to train.
        directory: Where; made by :func:`rldoctor.run_directory.create`.
        seed: Of network, actions and environments; the same seed on the same machine gives the same curves.
        command: The command line, for ``run.json``.
        wrap: Put around each environment.
        adjust: Changes the algorithm object before it learns; the fault laboratory breaks it with this.
        threads: How many threads step the environments (see :func:`make_training_envs`); 1 where several trainings
            share the machine.
        engine: The environment backend.
        hooks: See :class:`Hooks`.

    Raises:
        UsageError: The environment is not known, or not to the engine, or the directory cannot be written to.
        TrainingFailed: The environment or the update raised; what was saved before stays.
    """
    envs = make_training_envs(recipe, wrap, threads, engine)
    try:
        model: Any = algorithm.build(recipe, envs, seed)
        envs.seed(training_seed(seed))
        if adjust:
            adjust(model)
        else:
            _hurry(model)
        record: dict[str, Json] = {
            "rldoctor_run": 1,
            "recipe": recipe.to_json(),
            "seed": seed,
            "engine": engine.value,
            "command": list(command),
            "versions": machine.versions(),
            "machine": machine.describe(),
            "started": now(),
            "train_seconds": 0.0,
        }
        with run_directory.run_lock(directory):
            return learn(model, envs, recipe, directory, record, **hooks)
    finally:
        envs.close()


@without_dynamo()
def resume(
    directory: Path, *, wrap: Wrapper | None = None, threads: int | None = None, **hooks: Unpack[Hooks]
) -> Training:
    """Resume an interrupted run up to the total that its recipe names.

    It ends with the curves and the weights that it would have had without the interruption, to the last bit, if the
    steps of its environment depend only on ``np_random`` and the actions. EnvPool's environments, and those with
    another source of randomness, begin new episodes with seeds that the first part did not use.

    Args:
        directory: Of the run.
        wrap: The same as for the first part.
        threads: How many threads step the environments.
        hooks: See :class:`Hooks`.

    Raises:
        UsageError: There is no such directory, another process trains into it, or the run is complete.
        CannotJudge: It holds no run of rldoctor's, or no checkpoint can be loaded.
    """
    with run_directory.run_lock(run_directory.require(directory)):
        record = read_run_record(directory)
        recipe = record.require_recipe(directory)
        if record.is_finished:
            raise UsageError(f"{directory} is complete ({record.steps} steps).", "Start a new run with rldoctor train.")
        if record.seed is None:
            raise UsageError(f"The run has no seed in its {run_directory.RUN_FILE}.", "It was not trained by rldoctor.")
        envs = make_training_envs(recipe, wrap, threads, _engine(record))
        try:
            model: Any = algorithm.build(recipe, envs, record.seed)
            checkpoint = newest_checkpoint(directory)
            state = ResumeState(algorithm.load_weights(model, checkpoint), algorithm.load_tensors(checkpoint))
            if recipe.is_off_policy and state.count("steps") < recipe.total_steps:
                replay_file.load(model.replay_buffer, replay_file.file_of(checkpoint))
            _hurry(model)
            model.num_timesteps = state.count("steps")
            model._n_updates = state.count("updates")
            # Environments that cannot be restored begin new episodes, with seeds that the first part cannot have used:
            # they are above its own by the number of environments times the steps so far.
            envs.seed(training_seed(record.seed) + recipe.n_envs * (1 + model.num_timesteps))
            torch.manual_seed(record.seed + model.num_timesteps)
            # How the first part ended is no longer true.
            content = {key: value for key, value in record.content.items() if key not in ("error", "finished")}
            return learn(model, envs, recipe, directory, content, state, **hooks)
        finally:
            envs.close()


def _hurry(model: Any) -> None:
    """Take the fast paths through what is trained, where there are any."""
    if not use_fast_policy(model.policy):
        use_fast_update(model)


def newest_checkpoint(directory: Path) -> Path:
    """Return the checkpoint with the most steps.

    Raises:
        CannotJudge: There is none.
    """
    checkpoints = run_directory.checkpoints(directory)
    if not checkpoints:
        raise CannotJudge(f"{directory} has no checkpoint to resume from.", "Start a new run with rldoctor train.")
    return checkpoints[-1]


def _engine(record: RunRecord) -> Engine:
    if record.engine not in list(Engine):
        raise UsageError(
            f"The run was trained with the engine {record.engine!r}, which this rldoctor does not have.",
            "Start a new run with rldoctor train.",
        )
    return Engine(record.engine)
