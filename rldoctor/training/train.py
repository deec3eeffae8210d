"""Train PPO by a recipe into a run directory, and go on with a run that was interrupted."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger, TensorBoardOutputFormat
from torch.utils.tensorboard import SummaryWriter

from rldoctor import machine, run_directory
from rldoctor.errors import CannotJudge, RldoctorError, TrainingFailed, UsageError
from rldoctor.model import Json
from rldoctor.preflight_checks.uncompiled import uncompiled
from rldoctor.recipe import Recipe, recipe_from_mapping
from rldoctor.training import ppo
from rldoctor.training.callback import Silent, TrainingCallback, Watcher
from rldoctor.training.doctor import DoctorCallback
from rldoctor.training.engine import Engine
from rldoctor.training.envs import Wrapper, make_training_envs, training_seed
from rldoctor.training.hasten import hasten

CHECKPOINTS_A_RUN = 10


@dataclass(frozen=True)
class Training:
    """A training that ended: where, how far it came, and whether it is whole."""

    directory: Path
    status: str
    steps: int
    seconds: float
    steps_per_second: float


@uncompiled()
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
    threads: int | None = None,
    engine: Engine = Engine.GYMNASIUM,
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
        threads: How many step environments at a time (see :func:`make_training_envs`); 1 where several trainings share
            the machine.
        engine: What steps the environments.

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
            hasten(model.policy)
        record: dict[str, Json] = {
            "rldoctor_run": 1,
            "recipe": recipe.to_json(),
            "seed": seed,
            "engine": engine.value,
            "command": list(command),
            "versions": machine.versions(),
            "machine": machine.describe(),
            "started": _now(),
            "train_seconds": 0.0,
        }
        return _learn(model, recipe, directory, record, watcher or Silent(), stop=stop)
    finally:
        envs.close()


@uncompiled()
def resume(directory: Path, *, watcher: Watcher | None = None, wrap: Wrapper | None = None) -> Training:
    """Go on with an interrupted run to the total that its recipe names.

    Optimizer, schedules, step count and the window of recent episodes continue; the environments start new
    episodes, with seeds that the first part did not use.

    Raises:
        UsageError: ``directory`` is no run of ours, or the run is already complete.
        CannotJudge: No checkpoint can be loaded.
    """
    record = read_record(directory)
    recipe = recipe_from_mapping(_mapping(record, "recipe"), str(directory / run_directory.RUN_FILE))
    if record.get("status") == "finished":
        raise UsageError(
            f"{directory} is complete ({record.get('steps')} steps).", "Start a new run with rldoctor train."
        )
    seed = record.get("seed")
    if type(seed) is not int or seed < 0:
        raise UsageError(f"The run has no seed in its {run_directory.RUN_FILE}.", "It was not trained by rldoctor.")
    envs = make_training_envs(recipe, wrap, engine=_engine(record))
    try:
        model = ppo.build(recipe, envs, seed)
        hasten(model.policy)
        checkpoint = newest_checkpoint(directory)
        state = ppo.load_weights(model, checkpoint)
        model.num_timesteps = _count(state, "steps", checkpoint)
        model._n_updates = _count(state, "updates", checkpoint)
        # The whole number of environments and the steps so far make seeds that the first part cannot have used.
        envs.seed(training_seed(seed) + recipe.n_envs * (1 + model.num_timesteps))
        torch.manual_seed(seed + model.num_timesteps)
        # How the first part ended is no longer true.
        record = {key: value for key, value in record.items() if key not in ("error", "finished")}
        return _learn(model, recipe, directory, record, watcher or Silent(), recent=state)
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


def _learn(
    model: PPO,
    recipe: Recipe,
    directory: Path,
    record: dict[str, Json],
    watcher: Watcher,
    recent: Mapping[str, Json] | None = None,
    stop: threading.Event | None = None,
) -> Training:
    resumed = recent is not None
    begun = model.num_timesteps if resumed else 0
    before = record.get("train_seconds")
    earlier = float(before) if isinstance(before, (int, float)) else 0.0
    logger = _tensorboard_logger(directory, purge_step=begun + 1 if resumed else None)
    model.set_logger(logger)
    (directory / run_directory.CHECKPOINTS).mkdir(exist_ok=True)
    stop = stop or threading.Event()

    def save(steps: int) -> None:
        ppo.save(model, directory / run_directory.CHECKPOINTS / f"step-{steps:012d}.zip", _state(model, steps))

    callback = TrainingCallback(watcher, save, max(1, recipe.total_steps // CHECKPOINTS_A_RUN), stop)
    # Every rollout is measured, however slow the machine is today: the same seed gives the same curves.
    doctor = DoctorCallback(recipe=recipe, warn=False, budget=math.inf)
    run_directory.write_json(directory / run_directory.RUN_FILE, {**record, "status": "running", "steps": begun})
    clock = time.perf_counter()
    failure: Exception | None = None
    with ppo.one_thread(), _stop_on_signal(stop):
        try:
            model.learn(
                recipe.total_steps - begun,
                callback=[*([_RecentEpisodes(recent)] if recent else []), doctor, callback],
                log_interval=recipe.log_interval,
                reset_num_timesteps=not resumed,
            )
        except Exception as error:
            failure = error
    seconds = time.perf_counter() - clock
    logger.close()
    steps = callback.learned_steps
    # A stop that came during the last update left nothing undone.
    whole = failure is None and steps >= recipe.total_steps
    if failure is None:
        save(steps)
    if whole:
        ppo.save(model, directory / run_directory.POLICY_FILE, _state(model, steps))
    status = "finished" if whole else "interrupted" if failure is None else "failed"
    rate = (steps - begun) / seconds if seconds > 0 else 0.0
    run_directory.write_json(
        directory / run_directory.RUN_FILE,
        {
            **record,
            "status": status,
            "steps": steps,
            "finished": _now(),
            "train_seconds": round(earlier + seconds, 3),
            "steps_per_second": round(rate, 1),
            **({"error": f"{type(failure).__name__}: {failure}"} if failure else {}),
        },
    )
    if isinstance(failure, RldoctorError):
        raise failure
    if failure is not None:
        raise TrainingFailed(
            f"The training in {directory} broke off after {steps:,} steps with {type(failure).__name__}: {failure}.",
            "Run rldoctor preflight on this environment; the checkpoints so far are kept.",
        ) from failure
    return Training(directory, status, steps, earlier + seconds, rate)


def _state(model: PPO, steps: int) -> dict[str, Json]:
    """Return what SB3 does not keep in tensors and a resumed training needs."""
    return {
        "steps": steps,
        "updates": model._n_updates,
        # JSON has no word for a return that is not finite; such an episode is left out of the window.
        "recent_episodes": [
            [float(info["r"]), int(info["l"])] for info in model.ep_info_buffer or () if math.isfinite(info["r"])
        ],
        "recent_successes": [bool(success) for success in model.ep_success_buffer or ()],
    }


class _RecentEpisodes(TrainingCallback):
    """Puts the window of recent episodes back once ``learn`` has emptied it, so that the curves do not jump."""

    def __init__(self, recent: Mapping[str, Json]) -> None:
        super().__init__(Silent(), lambda steps: None, 2**62, threading.Event())
        self._recent = recent

    def _on_training_start(self) -> None:
        for episode in _list(self._recent, "recent_episodes"):
            self.model.ep_info_buffer.append({"r": episode[0], "l": episode[1], "t": 0.0})  # type: ignore[union-attr]
        self.model.ep_success_buffer.extend(_list(self._recent, "recent_successes"))  # type: ignore[union-attr]


def _count(state: Mapping[str, Json], key: str, checkpoint: Path) -> int:
    value = state.get(key)
    if type(value) is not int or value < 0:
        raise CannotJudge(f"The checkpoint {checkpoint} does not say its {key}.", "It was not saved by rldoctor.")
    return value


def _engine(record: Mapping[str, Json]) -> Engine:
    # Runs of earlier versions do not say; there was one engine.
    name = record.get("engine", Engine.GYMNASIUM.value)
    if name not in list(Engine):
        raise UsageError(
            f"The run was trained with the engine {name!r}, which this rldoctor does not have.",
            "Start a new run with rldoctor train.",
        )
    return Engine(name)


def _list(mapping: Mapping[str, Json], key: str) -> list[Any]:
    value = mapping.get(key, [])
    return value if isinstance(value, list) else []


def _mapping(record: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = record.get(key)
    if not isinstance(value, Mapping):
        raise UsageError(f"The run has no {key} in its {run_directory.RUN_FILE}.", "It was not trained by rldoctor.")
    return value


def _tensorboard_logger(directory: Path, purge_step: int | None) -> Logger:
    """Return SB3's logger with its TensorBoard output in ``directory`` itself.

    ``purge_step`` marks points of an earlier, broken-off part as overtaken: TensorBoard and rldoctor drop them.
    """
    output = TensorBoardOutputFormat.__new__(TensorBoardOutputFormat)
    output.writer = SummaryWriter(log_dir=str(directory), purge_step=purge_step)
    output._is_closed = False
    return Logger(str(directory), [output])


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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
