"""One trial of a sweep, in a process of its own: train or go on, then evaluate."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rldoctor import run_directory
from rldoctor.environments.engine import Engine
from rldoctor.errors import CannotJudge, RldoctorError, Stopped, UsageError
from rldoctor.executors import Tell
from rldoctor.gate.evaluation import read_evaluation
from rldoctor.logs.formats.tfevents import is_event_file
from rldoctor.model import Json
from rldoctor.recipe import Recipe

# A terminal need not be told of progress more often than this.
_SECONDS_BETWEEN_WORDS = 0.5
# What makes two recipes the same training.
_TELLING = ("env", "total_steps", "n_envs", "hyperparameters", "log_interval")

Files = Mapping[str, bytes]

# Modules for processes from which those of trials are forked.
PRELOAD = ("rldoctor.experiments.sweep.preload",)


@dataclass(frozen=True)
class Progress:
    """How far a trial has come."""

    steps: int
    numbers: Mapping[str, float]
    evaluating: bool = False


@dataclass(frozen=True)
class Saved:
    """The files of a run directory that were written on another machine: name below the directory to content."""

    files: Files


@dataclass(frozen=True)
class TrialJob:
    """What another process needs to know of a trial.

    Attributes:
        recipe: What is trained.
        seed: Of the training.
        engine: What steps the environments.
        directory: The run directory, as the sweep's own machine knows it.
        command: The command line, for ``run.json``.
        baselines: What doing nothing and acting at random score on this environment, where that is known.
    """

    recipe: Recipe
    seed: int
    engine: Engine
    directory: Path
    command: tuple[str, ...]
    baselines: Mapping[str, Json]


def is_whole(directory: Path, recipe: Recipe, seed: int, engine: Engine) -> bool:
    """Tell whether a trial has been trained and evaluated.

    Raises:
        UsageError: The directory holds something else.
    """
    if not directory.is_dir() or not any(directory.iterdir()):
        return False
    status = _status(directory, recipe, seed, engine)
    return status == "finished" and _is_evaluated(directory, recipe)


def _is_evaluated(directory: Path, recipe: Recipe) -> bool:
    try:
        return len(read_evaluation(directory).episodes) >= recipe.evaluation_episodes
    except (CannotJudge, UsageError):
        return False


def _status(directory: Path, recipe: Recipe, seed: int, engine: Engine) -> str:
    """Return the status of the trial's training, empty where it was not begun.

    Raises:
        UsageError: The directory holds another training, or none.
    """
    try:
        record = run_directory.read_json(directory / run_directory.RUN_FILE, "the record of a run")
    except CannotJudge:
        if all(_is_ours(path) for path in directory.iterdir()):
            # Ended in its first moments, or while an earlier attempt was cleared away.
            return ""
        record = {}
    trained, expected = record.get("recipe"), recipe.to_json()
    same = isinstance(trained, Mapping) and all(trained.get(key) == expected[key] for key in _TELLING)
    # Runs of earlier versions do not name their engine; there was one.
    engines = record.get("engine", Engine.GYMNASIUM.value) == engine.value
    if not same or not engines or record.get("seed") != seed:
        raise UsageError(
            f"{directory} is no training of this recipe with seed {seed}.", "Move it away, or name another --runs."
        )
    return str(record.get("status"))


def _is_ours(path: Path) -> bool:
    """Tell whether a training may have left this behind before it wrote its record."""
    return path.name.startswith(".") or path.name == run_directory.CHECKPOINTS or is_event_file(path.name)


def do_here(tell: Tell, job: TrialJob) -> Mapping[str, Json]:
    """Do a trial in its directory, going on where an earlier attempt ended; return the baselines of its environment."""
    job.directory.mkdir(parents=True, exist_ok=True)
    return _do(job, job.directory, _Teller(tell), saved=None)


def do_away(tell: Tell, job: TrialJob, files: Files) -> Mapping[str, Json]:
    """Do a trial on a machine that need not see the trial's directory.

    Args:
        tell: Takes :class:`Progress` and, at each checkpoint and at the end, :class:`Saved`.
        job: The trial.
        files: What earlier attempts saved.
    """
    with tempfile.TemporaryDirectory(prefix="rldoctor-") as folder:
        directory = Path(folder)
        write_files(directory, files)
        sent: dict[str, tuple[int, int]] = {}

        def send() -> None:
            changed = _changed_files(directory, sent)
            tell(Saved({name: (directory / name).read_bytes() for name in changed}))

        try:
            return _do(job, directory, _Teller(tell), saved=send)
        finally:
            # Of a training that broke off, its record and its last points tell why.
            send()


def files_of(directory: Path) -> dict[str, bytes]:
    """Return what another machine needs to go on with a trial: its record, logs and newest checkpoint."""
    names = [directory / run_directory.RUN_FILE, directory / run_directory.POLICY_FILE]
    names += [directory / run_directory.EVALUATION_FILE, *run_directory.checkpoints(directory)[-1:]]
    if directory.is_dir():
        names += [path for path in directory.iterdir() if is_event_file(path.name)]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in names if path.is_file()}


def write_files(directory: Path, files: Files) -> None:
    """Write files into a run directory, each whole or not at all.

    Raises:
        UsageError: A name leads out of the directory, or nothing can be written there.
    """
    for name, content in files.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            raise UsageError(f"The file {name!r} does not belong into a run directory.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with run_directory.replacing(path) as temporary:
            temporary.write_bytes(content)


def _changed_files(directory: Path, sent: dict[str, tuple[int, int]]) -> list[str]:
    """Return the files that are new or other than when they were sent, and note that they are."""
    changed = []
    for path in sorted(directory.rglob("*"), key=_order):
        if path.is_file() and not path.name.startswith("."):
            name, about = path.relative_to(directory).as_posix(), path.stat()
            if sent.get(name) != (about.st_mtime_ns, about.st_size):
                sent[name] = (about.st_mtime_ns, about.st_size)
                changed.append(name)
    return changed


def _order(path: Path) -> tuple[bool, bool, str]:
    """Return a key by which a checkpoint comes after the logs and the record that it goes with.

    Whoever is killed between two files then finds logs that have gone on too far, which are cut back, and none that
    have not gone far enough.
    """
    return path.parent.name == run_directory.CHECKPOINTS, path.name == run_directory.RUN_FILE, path.name


class _Teller:
    """A training's watcher that passes on what it sees, not too often."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._told = 0.0

    def progressed(self, steps: int, numbers: Mapping[str, float], evaluating: bool = False) -> None:
        """Take the progress of the training."""
        now = time.monotonic()
        if now - self._told >= _SECONDS_BETWEEN_WORDS:
            self._told = now
            self._tell(Progress(steps, dict(numbers), evaluating))


def _do(job: TrialJob, directory: Path, teller: _Teller, saved: Callable[[], None] | None) -> Mapping[str, Json]:
    # Late: the process that makes plans and shows progress needs neither PyTorch nor MuJoCo.
    from rldoctor.training.evaluate import evaluate
    from rldoctor.training.train import resume, train

    status = _status(directory, job.recipe, job.seed, job.engine)
    if status != "finished":
        if status and can_go_on(directory):
            training = resume(directory, watcher=teller, saved=saved, threads=1)
        else:
            with run_directory.run_lock(directory):
                clear(directory)
            training = train(
                job.recipe,
                directory,
                job.seed,
                command=job.command,
                watcher=teller,
                saved=saved,
                threads=1,
                engine=job.engine,
            )
        if training.status != "finished":
            raise Stopped(f"The training was stopped from outside after {training.steps:,} steps.")
    if not _is_evaluated(directory, job.recipe):
        steps = job.recipe.total_steps
        content = evaluate(
            directory,
            episodes=job.recipe.evaluation_episodes,
            baselines=(lambda: job.baselines) if job.baselines else None,
            watcher=lambda policy, done: teller.progressed(steps, {"episodes": done}, evaluating=True),
            threads=1,
        )
    else:
        content = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    measured = content.get("baselines")
    return measured if isinstance(measured, Mapping) else {}


def can_go_on(directory: Path) -> bool:
    """Tell whether a trial can go on where an attempt ended, or is trained to the end."""
    return bool(run_directory.checkpoints(directory)) or (directory / run_directory.POLICY_FILE).is_file()


def clear(directory: Path) -> None:
    """Remove what an attempt left that had not come to its first checkpoint: nothing of it can be gone on with."""
    # Its record goes last: without it the rest would be nobody's.
    for path in sorted(directory.iterdir(), key=lambda path: path.name == run_directory.RUN_FILE):
        if path.name == run_directory.LOCK_FILE:
            continue
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise RldoctorError(f"{path} cannot be removed: {error.strerror}.", "Remove it by hand.") from None
