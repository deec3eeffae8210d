"""One call of Stable-Baselines3's ``learn`` with what a run needs around it: curves, checkpoints, a clean end."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv

from rldoctor import run_directory
from rldoctor.callback.doctor_callback import DoctorCallback
from rldoctor.errors import CannotJudge, RldoctorError, TrainingFailed, UsageError, first_line
from rldoctor.model import Json
from rldoctor.recipe import Recipe
from rldoctor.run_record import as_number
from rldoctor.training import algorithm, replay_file
from rldoctor.training.curve_file import CurveFile
from rldoctor.training.resume_state import RestoreCallback, ResumeState, capture, restore_environments
from rldoctor.training.training_callback import Hooks, Silent, TrainingCallback

CHECKPOINTS_A_RUN = 10


@dataclass(frozen=True)
class Training:
    """A training that ended, whether it reached its total of steps or not.

    Attributes:
        directory: Of the run.
        status: ``finished`` or ``interrupted``.
        steps: Environment steps that it has learned from.
        seconds: Wall time over all parts of the training.
        steps_per_second: Over all parts.
        given_up: The doctor ended it (``stop_when``), not the user.
    """

    directory: Path
    status: str
    steps: int
    seconds: float
    steps_per_second: float
    given_up: bool = False


def learn(
    model: BaseAlgorithm,
    envs: VecEnv,
    recipe: Recipe,
    directory: Path,
    record: dict[str, Json],
    state: ResumeState | None = None,
    **hooks: Unpack[Hooks],
) -> Training:
    """Learn until the recipe's total is reached or something stops it; write ``run.json`` before and after.

    This process has the lock of ``directory``; ``record`` is what ``run.json`` says besides how far the training is,
    and ``state`` that of the checkpoint to resume from.

    Raises:
        UsageError: The directory cannot be written to.
        CannotJudge: The checkpoint is damaged.
        TrainingFailed: The environment or the update raised; what was saved before stays.
    """
    resumed = state is not None
    # Every rollout is measured, however slow the machine is today: the same seed gives the same curves.
    stop_when = hooks.get("stop_when", "never")
    doctor = DoctorCallback(stop_when, warn=False, recipe=recipe, budget=math.inf, last_line=False)
    restoring = [_restoring(state, envs, doctor)] if state else []
    begun = model.num_timesteps if resumed else 0
    earlier = as_number(record.get("train_seconds")) or 0.0
    run_directory.write_json(directory / run_directory.RUN_FILE, {**record, "status": "running", "steps": begun})
    curves = CurveFile(directory, purge_step=begun + 1 if resumed else None)
    model.set_logger(Logger(str(directory), [curves]))
    kept = directory / run_directory.CHECKPOINTS
    kept.mkdir(exist_ok=True)
    stop, saved = hooks.get("stop") or threading.Event(), hooks.get("saved")
    buffer: ReplayBuffer | None = getattr(model, "replay_buffer", None)
    if buffer is not None:
        size = replay_file.largest_bytes(buffer, recipe.total_steps)
        replay_file.require_room(kept, size)
        say = hooks.get("say")
        if say:
            say(f"The newest checkpoint holds the replay buffer: up to {replay_file.in_words(size)}.")

    def save(state: ResumeState) -> None:
        steps = state.count("steps")
        path = kept / f"step-{steps:012d}.zip"
        # Before the checkpoint: a training that resumes from it adds to the time that it took to get there.
        took = round(earlier + time.perf_counter() - clock, 3)
        running = {**record, "status": "running", "steps": steps, "train_seconds": took}
        run_directory.write_json(directory / run_directory.RUN_FILE, running)
        if not algorithm.is_finite(model):
            # Nothing can resume from there: the checkpoint before it stays the newest.
            return
        if buffer is not None and steps < recipe.total_steps:
            # Before the weights: a checkpoint without its buffer cannot be resumed.
            replay_file.save(buffer, replay_file.file_of(path))
        algorithm.save(model, path, state.numbers, state.tensors)
        if saved:
            saved()

    callback = TrainingCallback(
        hooks.get("watcher") or Silent(),
        lambda steps: capture(model, envs, doctor, steps),
        save,
        max(1, recipe.total_steps // CHECKPOINTS_A_RUN),
        lambda: stop.is_set() or doctor.stopped,
        # Off-policy algorithms write points where episodes end, whatever the rollouts are.
        every=1 if recipe.is_off_policy else recipe.log_interval,
        lazily=recipe.is_off_policy,
    )
    clock = time.perf_counter()
    failure: Exception | None = None
    with algorithm.one_thread(), _stop_on_signal(stop):
        try:
            model.learn(
                recipe.total_steps - begun,
                callback=[doctor, *restoring, callback],
                log_interval=recipe.log_interval,
                reset_num_timesteps=not resumed,
            )
            # A training that was killed after its last checkpoint has nothing left to learn.
            last = callback.state or state
            # A stop that came during the last update left nothing undone.
            whole = callback.learned_steps >= recipe.total_steps
            if whole and not algorithm.is_finite(model):
                raise FloatingPointError("the last update made weights that are not finite")
            if last:
                save(last)
            if last and whole:
                algorithm.save(model, directory / run_directory.POLICY_FILE, last.numbers)
                replay_file.remove(kept)
        except Exception as error:
            failure = error
        curves.close()
    seconds = time.perf_counter() - clock
    steps = callback.learned_steps
    whole = failure is None and steps >= recipe.total_steps
    status = "finished" if whole else "interrupted" if failure is None else "failed"
    took = earlier + seconds
    rate = steps / took if took > 0 else 0.0
    ended: dict[str, Json] = {
        "status": status,
        "steps": steps,
        "finished": now(),
        "train_seconds": round(took, 3),
        "steps_per_second": round(rate, 1),
    }
    if failure:
        ended["error"] = f"{type(failure).__name__}: {failure}"
    try:
        run_directory.write_json(directory / run_directory.RUN_FILE, {**record, **ended})
    except UsageError as error:
        failure = failure or error
    if failure is not None:
        raise _broken_off(directory, steps, failure) from failure
    return Training(directory, status, steps, took, rate, doctor.stopped)


def _broken_off(directory: Path, steps: int, failure: Exception) -> RldoctorError:
    """Return what is raised for a training that ended before its time."""
    if isinstance(failure, RldoctorError) and not isinstance(failure, UsageError):
        return failure
    said = first_line(failure).rstrip(":")
    how, cure = f" with {type(failure).__name__}: {said}.", "Run rldoctor preflight on this environment."
    if isinstance(failure, UsageError):
        # Something could not be written.
        how, cure = f": {failure.problem}", failure.cure
    saved = run_directory.checkpoints(directory)
    again = f" Then resume with: rldoctor train --resume {directory}" if saved else ""
    return TrainingFailed(f"The training in {directory} broke off after {steps:,} steps{how}", f"{cure}{again}")


def _restoring(state: ResumeState, envs: VecEnv, doctor: DoctorCallback) -> RestoreCallback:
    try:
        return RestoreCallback(state, doctor, exactly=restore_environments(state, envs))
    except (ValueError, LookupError, TypeError, RuntimeError) as error:
        raise CannotJudge(f"The checkpoint is damaged: {error!r}.", "It was not saved by rldoctor.") from None


@contextlib.contextmanager
def _stop_on_signal(stop: threading.Event) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a clean stop; a second one ends at once, as users expect."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def now() -> str:
    """Return the time as ``run.json`` keeps it, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
