"""One trial: a training of a changed recipe that ends as soon as it is clear how it ends, and what came of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rldoctor import run_directory
from rldoctor.diagnosis import diagnose_run
from rldoctor.errors import CannotJudge, Stopped, TrainingFailed, UsageError
from rldoctor.experiments.sweep.trial import can_go_on, clear
from rldoctor.experiments.treatment.early_stop import TrialWatch
from rldoctor.experiments.treatment.reference_comparison import ReferenceComparison
from rldoctor.experiments.treatment.trial_outcome import healthy_have, how_it_ended, last_of, leads, named, said
from rldoctor.gate import judge_run
from rldoctor.logs import discover, read_run
from rldoctor.model import GateResult, Json, TreatmentTrial, TrialState, Verdict
from rldoctor.recipe import Recipe
from rldoctor.run_directory import as_number
from rldoctor.run_directory import json_table as mapping
from rldoctor.training.training_callback import Watcher

if TYPE_CHECKING:
    from rldoctor.training.loop import Training

RESULT_FILE = "trial.json"
_VERSION = 1
# What makes two recipes the same training.
_TELLING = ("env", "total_steps", "n_envs", "hyperparameters", "log_interval")


@dataclass(frozen=True)
class Attempt:
    """A trial before it begins; see :class:`~rldoctor.model.TreatmentTrial`.

    ``most_steps`` ends it early in any case: a control goes on no longer than what it controls.
    """

    role: str
    round: int
    name: str
    diagnoses: tuple[str, ...]
    changes: Mapping[str, Json]
    recipe: Recipe
    seed: int
    directory: Path
    most_steps: int


@dataclass
class TrialContext:
    """What all trials of a treatment share.

    Attributes:
        command: The command line, for each ``run.json``.
        onlook: Gives a watcher for a title and so many steps.
        threads: How many step environments at a time.
        baselines: Environment to what doing nothing and acting at random score there, where that is known.
    """

    command: Sequence[str]
    onlook: Callable[[str, int], Watcher]
    threads: int | None
    baselines: dict[str, Mapping[str, Json]]


def do(attempt: Attempt, yard: ReferenceComparison, means: TrialContext) -> TreatmentTrial:
    """Do a trial, or return what came of it where it was done before.

    Raises:
        UsageError: The directory holds another training.
        Stopped: Ctrl-C; the same treatment goes on from there.
    """
    return keep(attempt, lambda: _judged(attempt, yard, means))


def keep(attempt: Attempt, judged: Callable[[], TreatmentTrial]) -> TreatmentTrial:
    """Return what came of an attempt: what is kept of it where it was made before, else what ``judged`` makes of it."""
    known = _read(attempt)
    if known is not None:
        return known
    result = judged()
    content: dict[str, Json] = {"rldoctor_trial": _VERSION, **_json(result), "recipe": attempt.recipe.to_json()}
    run_directory.write_json(attempt.directory / RESULT_FILE, content)
    return result


def _judged(attempt: Attempt, yard: ReferenceComparison, means: TrialContext) -> TreatmentTrial:
    watch = TrialWatch(yard, means.onlook(attempt.name, attempt.recipe.total_steps), attempt.most_steps)
    try:
        training = trained(attempt, watch, means, "sick")
        if training.given_up and leads(yard, last_of(read_run(attempt.directory)), training.steps):
            # The doctor's word alone does not end what is on its way: a task may be odd without being ill.
            training = trained(attempt, watch, means, "never")
    except TrainingFailed as error:
        return result_of(attempt, watch.numbers, 0, TrialState.SICK, "end", error.problem)
    run = read_run(attempt.directory)
    numbers = last_of(run)
    if watch.decision == "behind":
        why = f"{said(numbers)} after {training.steps:,} steps, where {healthy_have(yard, numbers, training.steps)}."
        return result_of(attempt, numbers, training.steps, TrialState.SICK, "band", why)
    subject = diagnose_run(run)
    if training.given_up:
        return result_of(attempt, numbers, training.steps, TrialState.SICK, "doctor", named(subject, training.steps))
    gate = _gate(attempt, means, numbers)
    state, by, why = how_it_ended(yard, watch, subject, numbers, gate, training.steps)
    return result_of(attempt, numbers, training.steps, state, by, why)


def trained(attempt: Attempt, watch: TrialWatch, means: TrialContext, stop_when: Literal["never", "sick"]) -> Training:
    """Train an attempt until its end, or until its watch or the doctor is sure; go on where it was stopped before.

    Raises:
        UsageError: The directory holds another training.
        TrainingFailed: The training broke off.
        Stopped: Ctrl-C.
    """
    training = _begun_or_resumed(attempt, watch, means, stop_when)
    if training.status != "finished" and not watch.decision and not training.given_up:
        raise Stopped(
            f"The treatment was stopped after {training.steps:,} steps of {attempt.name}.",
            "The same command goes on there.",
        )
    return training


def _begun_or_resumed(
    attempt: Attempt, watch: TrialWatch, means: TrialContext, stop_when: Literal["never", "sick"]
) -> Training:
    # Late: a plan needs neither PyTorch nor MuJoCo.
    from rldoctor.training.loop import Training
    from rldoctor.training.train import resume, train

    directory = attempt.directory
    directory.mkdir(parents=True, exist_ok=True)
    _require_ours(attempt)
    done = _finished(directory)
    if done is not None:
        # Killed between the training's end and the judgement.
        return Training(directory, "finished", done, 0.0, 0.0)
    shared: dict[str, Any] = {"watcher": watch, "stop": watch.stop, "threads": means.threads, "stop_when": stop_when}
    if can_go_on(directory):
        return resume(directory, **shared)
    with run_directory.run_lock(directory):
        clear(directory)
    return train(attempt.recipe, directory, attempt.seed, command=means.command, **shared)


def has_logs(directory: Path) -> bool:
    """Tell whether a trial came as far as its first point: one whose environment raised at once did not."""
    return directory.is_dir() and bool(discover([directory]))


def _finished(directory: Path) -> int | None:
    """Return the steps of a trial that was trained to its end; ``None`` for any other."""
    try:
        record = run_directory.read_json(directory / run_directory.RUN_FILE, "the record of a run")
    except CannotJudge:
        return None
    steps = record.get("steps")
    return steps if record.get("status") == "finished" and type(steps) is int else None


def _require_ours(attempt: Attempt) -> None:
    """Check that the directory holds this trial, if anything.

    Raises:
        UsageError: It holds another training.
    """
    file = attempt.directory / run_directory.RUN_FILE
    if not file.is_file():
        return
    record = run_directory.read_json(file, "the record of a run")
    trained, expected = record.get("recipe"), attempt.recipe.to_json()
    same = isinstance(trained, Mapping) and all(trained.get(key) == expected[key] for key in _TELLING)
    if not same or record.get("seed") != attempt.seed:
        raise UsageError(f"{attempt.directory} holds another training.", "Move it away, or name another --runs.")


def _gate(attempt: Attempt, means: TrialContext, numbers: dict[str, float]) -> GateResult | None:
    """Put the policy to the gate, note its numbers, and return what the gate says; ``None`` where it cannot judge."""
    from rldoctor.training.evaluate import evaluate

    env = attempt.recipe.env
    known = means.baselines.get(env)
    content = evaluate(
        attempt.directory,
        baselines=(lambda: known) if known else None,
        threads=means.threads,
    )
    means.baselines[env] = mapping(content, "baselines")
    for name, value in mapping(content, "aggregate").items():
        number = as_number(value)
        if number is not None:
            numbers[f"evaluation_{name}"] = number
    judged = judge_run(attempt.directory) if attempt.recipe.criteria else None
    return None if judged is None or judged.verdict is Verdict.UNJUDGED else judged


def result_of(
    attempt: Attempt, numbers: Mapping[str, float], steps: int, state: TrialState, by: str, why: str
) -> TreatmentTrial:
    """Return what came of an attempt; see :class:`~rldoctor.model.TreatmentTrial`."""
    return TreatmentTrial(
        attempt.role,
        attempt.round,
        attempt.name,
        attempt.diagnoses,
        attempt.changes,
        attempt.seed,
        str(attempt.directory),
        steps,
        attempt.recipe.total_steps,
        state,
        by,
        why,
        {key: float(f"{value:.6g}") for key, value in numbers.items() if math.isfinite(value)},
    )


def _json(result: TreatmentTrial) -> dict[str, Json]:
    plain = dataclasses.asdict(result)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}


def _read(attempt: Attempt) -> TreatmentTrial | None:
    """Return what came of a trial that was done before; ``None`` where it was not."""
    try:
        content = run_directory.read_json(attempt.directory / RESULT_FILE, "the result of a trial")
    except CannotJudge:
        return None
    recipe = content.get("recipe")
    expected = attempt.recipe.to_json()
    same = isinstance(recipe, Mapping) and all(recipe.get(key) == expected[key] for key in _TELLING)
    if content.get("rldoctor_trial") != _VERSION or not same or content.get("seed") != attempt.seed:
        return None
    known = {key: as_number(value) for key, value in mapping(content, "numbers").items()}
    numbers = {key: value for key, value in known.items() if value is not None}
    steps = content.get("steps")
    return result_of(
        attempt,
        numbers,
        steps if type(steps) is int else 0,
        TrialState(str(content.get("state"))),
        str(content.get("by")),
        str(content.get("why")),
    )
