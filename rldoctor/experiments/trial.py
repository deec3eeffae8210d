"""One training of an experiment: how far it is in its directory, and how to start, resume and finish it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from rldoctor import run_directory
from rldoctor.environments.engine import Engine
from rldoctor.errors import CannotJudge, RldoctorError, UsageError
from rldoctor.gate.evaluation import read_evaluation
from rldoctor.logs.formats.tfevents import is_event_file
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_record import RunRecord, read_run_record

if TYPE_CHECKING:
    from rldoctor.training.loop import Training
    from rldoctor.training.training_callback import Hooks

# What makes two recipes the same training.
_SAME = ("env", "algorithm", "total_steps", "n_envs", "hyperparameters", "log_interval")


@dataclass(frozen=True, eq=False)
class Trial:
    """One training of an experiment, in an ordinary run directory.

    Attributes:
        recipe: What is trained.
        seed: Of the training.
        directory: Of the run.
        engine: The environment backend of the training.
    """

    recipe: Recipe
    seed: int
    directory: Path
    engine: Engine = field(default=Engine.GYMNASIUM, kw_only=True)


def status_of(trial: Trial) -> str:
    """Return how far the training of a trial is: a status of ``run.json``; empty where it has not begun.

    Raises:
        UsageError: The directory holds something else.
    """
    if not trial.directory.is_dir():
        return ""
    try:
        record = read_run_record(trial.directory)
    except CannotJudge:
        if all(_is_remnant(path) for path in trial.directory.iterdir()):
            return ""
        record = RunRecord()
    if not _is_record_of(record, trial):
        raise UsageError(
            f"{trial.directory} holds something other than a training of this recipe with seed {trial.seed}.",
            "Move it away, or name another folder with --runs.",
        )
    return record.status or "interrupted"


def is_same_training(recipe: Mapping[str, Json], expected: Recipe) -> bool:
    """Return whether a recipe, as it was written to a file, gives the same training as ``expected``."""
    own = expected.to_json()
    return all(recipe.get(key) == own[key] for key in _SAME)


def _is_record_of(record: RunRecord, trial: Trial) -> bool:
    same = is_same_training(record.recipe_table, trial.recipe)
    return same and record.engine == trial.engine and record.seed == trial.seed


def _is_remnant(path: Path) -> bool:
    """Return whether a training may have left this file before it wrote its record."""
    return path.name.startswith(".") or path.name == run_directory.CHECKPOINTS or is_event_file(path.name)


def is_evaluated(trial: Trial) -> bool:
    """Return whether the policy has been evaluated on as many episodes as the recipe asks for."""
    try:
        return len(read_evaluation(trial.directory).episodes) >= trial.recipe.evaluation_episodes
    except (CannotJudge, UsageError):
        return False


def is_done(trial: Trial) -> bool:
    """Return whether a trial has been trained to its end and evaluated.

    Raises:
        UsageError: The directory holds something else.
    """
    return status_of(trial) == "finished" and is_evaluated(trial)


def train_trial(
    trial: Trial, *, command: Sequence[str], threads: int | None = None, **hooks: Unpack[Hooks]
) -> Training:
    """Train a trial: from the start, from its newest checkpoint, or not at all if it is finished.

    The options are those of :func:`rldoctor.training.train.train`.

    Raises:
        UsageError: The directory holds something else, or cannot be written to.
        CannotJudge: Its checkpoint is damaged.
        TrainingFailed: The training broke off.
    """
    # Late: who makes plans and shows progress needs neither PyTorch nor MuJoCo.
    from rldoctor.training.loop import Training
    from rldoctor.training.train import resume, train

    recipe, directory = trial.recipe, trial.directory
    directory.mkdir(parents=True, exist_ok=True)
    status = status_of(trial)
    if status == "finished":
        steps = read_run_record(directory).steps or recipe.total_steps
        return Training(directory, status, steps, 0.0, 0.0)
    if status and can_resume(directory):
        return resume(directory, threads=threads, **hooks)
    with run_directory.run_lock(directory):
        clear(directory)
    return train(recipe, directory, trial.seed, command=command, threads=threads, engine=trial.engine, **hooks)


def evaluate_trial(
    trial: Trial,
    *,
    baselines: Mapping[str, Json],
    watcher: Callable[[str, int], None] | None = None,
    threads: int | None = None,
) -> Mapping[str, Json]:
    """Evaluate the policy of a trial, unless that is done already, and return the content of ``evaluation.json``.

    The options are those of :func:`rldoctor.training.evaluate.evaluate`; without ``baselines`` they are measured.

    Raises:
        CannotJudge: There is no policy.
        TrainingFailed: The environment raised while being played.
    """
    from rldoctor.training.evaluate import evaluate

    if is_evaluated(trial):
        return run_directory.read_json(trial.directory / run_directory.EVALUATION_FILE, "an evaluation")
    return evaluate(
        trial.directory,
        episodes=trial.recipe.evaluation_episodes,
        baselines=(lambda: baselines) if baselines else None,
        watcher=watcher,
        threads=threads,
    )


def can_resume(directory: Path) -> bool:
    """Return whether a training can resume where an earlier attempt ended, or is trained to the end."""
    return bool(run_directory.checkpoints(directory)) or (directory / run_directory.POLICY_FILE).is_file()


def clear(directory: Path) -> None:
    """Remove what an attempt left that ended before its first checkpoint: nothing can resume from it.

    Raises:
        RldoctorError: A file cannot be removed.
    """
    # Its record goes last: without it the rest would belong to no training.
    for path in sorted(directory.iterdir(), key=lambda path: path.name == run_directory.RUN_FILE):
        if path.name == run_directory.LOCK_FILE:
            continue
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise RldoctorError(f"{path} cannot be removed: {error.strerror}.", "Remove it yourself.") from None
