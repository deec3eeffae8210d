"""Train PPO by a recipe into a run directory, and go on with a run that was interrupted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from stable_baselines3 import PPO

from rldoctor import machine, run_directory
from rldoctor.environments.engine import Engine
from rldoctor.environments.vec_envs import Wrapper, make_training_envs, training_seed
from rldoctor.errors import CannotJudge, UsageError
from rldoctor.model import Json
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.sb3.fast_policy import use_fast_policy
from rldoctor.sb3.without_dynamo import without_dynamo
from rldoctor.training import ppo
from rldoctor.training.loop import Training, learn, now
from rldoctor.training.resume_state import ResumeState
from rldoctor.training.training_callback import Silent, Watcher


@without_dynamo()
def train(
    recipe: Recipe,
    directory: Path,
    seed: int,
    *,
    command: Sequence[str] = (),
    watcher: Watcher | None = None,
    wrap: Wrapper | None = None,
    adjust: Callable[[PPO], None] | None = None,
    stop: threading.Event | None = None,
    saved: Callable[[], None] | None = None,
    threads: int | None = None,
    engine: Engine = Engine.GYMNASIUM,
    stop_when: Literal["never", "sick"] = "never",
) -> Training:
    """Train ``recipe`` from scratch into the existing, empty ``directory``.

    Ctrl-C or SIGTERM ends it after the last whole update, with everything saved and ``run.json`` saying
    ``interrupted``; :func:`resume` goes on from there.

    Args:
        recipe: What to train.
        directory: Where; made by :func:`rldoctor.run_directory.create`.
        seed: Of network, actions and environments; the same seed on the same machine gives the same curves.
        command: The command line, for ``run.json``.
        watcher: Told of progress.
        wrap: Put around each environment.
        adjust: Changes the PPO object before it learns; the fault laboratory breaks it with this.
        stop: Once set by another thread, the training ends as by Ctrl-C.
        saved: Called after each checkpoint.
        threads: How many step environments at a time (see :func:`make_training_envs`); 1 where several trainings share
            the machine.
        engine: What steps the environments.
        stop_when: ``sick`` ends a doomed training early (:class:`DoctorCallback`); its status is ``interrupted``.

    Raises:
        UsageError: The environment is not known, or not to the engine, or the directory cannot be written to.
        TrainingFailed: The environment or the update raised; what was saved before stays.
    """
    envs = make_training_envs(recipe, wrap, threads, engine)
    try:
        model = ppo.build(recipe, envs, seed)
        envs.seed(training_seed(seed))
        if adjust:
            adjust(model)
        else:
            use_fast_policy(model.policy)
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
        with run_directory.held(directory):
            return learn(
                model,
                envs,
                recipe,
                directory,
                record,
                watcher or Silent(),
                stop=stop,
                saved=saved,
                stop_when=stop_when,
            )
    finally:
        envs.close()


@without_dynamo()
def resume(
    directory: Path,
    *,
    watcher: Watcher | None = None,
    wrap: Wrapper | None = None,
    stop: threading.Event | None = None,
    saved: Callable[[], None] | None = None,
    threads: int | None = None,
    stop_when: Literal["never", "sick"] = "never",
) -> Training:
    """Go on with an interrupted run to the total that its recipe names.

    It ends with the curves and the weights that it would have had without the interruption, to the last bit, where
    the steps of its environment depend on nothing but ``np_random`` and the actions. EnvPool's environments, and
    those that draw chance from elsewhere, begin new episodes, with seeds that the first part did not use.

    Args:
        directory: Of the run.
        watcher: As for :func:`train`, like the others.
        wrap: The same as for the first part.
        stop: Once set by another thread, the training ends as by Ctrl-C.
        saved: Called after each checkpoint.
        threads: How many step environments at a time.
        stop_when: As for :func:`train`.

    Raises:
        UsageError: ``directory`` is no run of ours, or the run is already complete.
        CannotJudge: No checkpoint can be loaded.
    """
    run_directory.require(directory)
    with run_directory.held(directory):
        record = read_record(directory)
        return _resume(directory, record, watcher or Silent(), wrap, stop, saved, threads, stop_when)


def _resume(
    directory: Path,
    record: dict[str, Json],
    watcher: Watcher,
    wrap: Wrapper | None,
    stop: threading.Event | None,
    saved: Callable[[], None] | None,
    threads: int | None,
    stop_when: Literal["never", "sick"],
) -> Training:
    recipe = recipe_from_mapping(_mapping(record, "recipe"), str(directory / run_directory.RUN_FILE))
    if record.get("status") == "finished":
        raise UsageError(
            f"{directory} is complete ({record.get('steps')} steps).", "Start a new run with rldoctor train."
        )
    seed = record.get("seed")
    if type(seed) is not int or seed < 0:
        raise UsageError(f"The run has no seed in its {run_directory.RUN_FILE}.", "It was not trained by rldoctor.")
    envs = make_training_envs(recipe, wrap, threads, _engine(record))
    try:
        model = ppo.build(recipe, envs, seed)
        use_fast_policy(model.policy)
        checkpoint = newest_checkpoint(directory)
        moment = ResumeState(ppo.load_weights(model, checkpoint), ppo.load_tensors(checkpoint))
        model.num_timesteps = moment.count("steps")
        model._n_updates = moment.count("updates")
        # Where the environments cannot be brought back, they begin new episodes: the whole number of environments and
        # the steps so far make seeds that the first part cannot have used.
        envs.seed(training_seed(seed) + recipe.n_envs * (1 + model.num_timesteps))
        torch.manual_seed(seed + model.num_timesteps)
        # How the first part ended is no longer true.
        record = {key: value for key, value in record.items() if key not in ("error", "finished")}
        return learn(
            model,
            envs,
            recipe,
            directory,
            record,
            watcher,
            moment=moment,
            stop=stop,
            saved=saved,
            stop_when=stop_when,
        )
    finally:
        envs.close()


def read_record(directory: Path) -> dict[str, Json]:
    """Read ``run.json``.

    Raises:
        CannotJudge: It is missing or not one of ours.
    """
    return run_directory.read_json(run_directory.require(directory) / run_directory.RUN_FILE, "the record of a run")


def total_steps_of(directory: Path) -> int:
    """Return the steps that a run is meant to end at.

    Raises:
        CannotJudge: The directory holds no run of ours.
    """
    total = _mapping(read_record(directory), "recipe").get("total_steps")
    return total if isinstance(total, int) else 0


def newest_checkpoint(directory: Path) -> Path:
    """Return the checkpoint with the most steps.

    Raises:
        CannotJudge: There is none.
    """
    checkpoints = run_directory.checkpoints(directory)
    if not checkpoints:
        raise CannotJudge(f"{directory} has no checkpoint to go on from.", "Start a new run with rldoctor train.")
    return checkpoints[-1]


def _engine(record: Mapping[str, Json]) -> Engine:
    # Runs of earlier versions do not say; there was one engine.
    name = record.get("engine", Engine.GYMNASIUM.value)
    if name not in list(Engine):
        raise UsageError(
            f"The run was trained with the engine {name!r}, which this rldoctor does not have.",
            "Start a new run with rldoctor train.",
        )
    return Engine(name)


def _mapping(record: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise UsageError(f"The run has no {key} in its {run_directory.RUN_FILE}.", "It was not trained by rldoctor.")
    return value
