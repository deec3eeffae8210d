"""A trial of a treatment: a changed recipe, trained until its outcome is clear, and what came of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from rldoctor import run_directory
from rldoctor.diagnosis.context import DiagnosisContext
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.errors import CannotJudge, Stopped, TrainingFailed
from rldoctor.experiments.treatment.early_stop import EARLIEST, TrialWatch
from rldoctor.experiments.treatment.reference_comparison import ReferenceComparison
from rldoctor.experiments.treatment.trial_outcome import (
    diagnosis_in_words,
    healthy_in_words,
    in_words,
    last_outcomes,
    leads,
    outcome_of,
)
from rldoctor.experiments.trial import Trial, evaluate_trial, is_same_training, train_trial
from rldoctor.gate import judge_run
from rldoctor.logs import discover, read_run
from rldoctor.model import GateResult, Json, TreatmentTrial, TrialState, Verdict
from rldoctor.recipe import Recipe
from rldoctor.run_record import as_number, json_table
from rldoctor.training.training_callback import Watcher

if TYPE_CHECKING:
    from rldoctor.training.loop import Training

RESULT_FILE = "trial.json"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class TreatmentAttempt(Trial):
    """A trial of a treatment before it begins; see :class:`~rldoctor.model.TreatmentTrial`.

    ``most_steps`` ends it in any case: a pilot run is short.
    """

    role: str
    round: int
    name: str
    diagnoses: tuple[str, ...]
    changes: Mapping[str, Json]
    most_steps: int


@dataclass
class TrialContext:
    """What all trials of a treatment share.

    Attributes:
        command: The command line, for each ``run.json``.
        watch: Gives a watcher for a title and a number of steps.
        threads: How many threads step the environments.
        diagnosis: What trials are diagnosed with.
        baselines: Environment to the returns of the zero-action and the random policy there, once they are measured.
    """

    command: Sequence[str]
    watch: Callable[[str, int], Watcher]
    threads: int | None
    diagnosis: DiagnosisContext
    baselines: dict[str, Mapping[str, Json]] = field(default_factory=dict)


def run_trial(attempt: TreatmentAttempt, comparison: ReferenceComparison, context: TrialContext) -> TreatmentTrial:
    """Run a trial, or return what came of it if that is saved.

    Raises:
        UsageError: The directory holds another training.
        Stopped: Ctrl-C; the same treatment resumes there.
    """
    return saved_or(attempt, lambda: _run(attempt, comparison, context))


def saved_or(attempt: TreatmentAttempt, run: Callable[[], TreatmentTrial]) -> TreatmentTrial:
    """Return what came of a trial: the saved result if there is one, otherwise that of ``run``, which is saved."""
    saved = _read(attempt)
    if saved is not None:
        return saved
    result = run()
    content = {**dataclasses.asdict(result), "recipe": attempt.recipe.to_json()}
    run_directory.write_json(attempt.directory / RESULT_FILE, {"rldoctor_trial": _VERSION, **content})
    return result


def _run(attempt: TreatmentAttempt, comparison: ReferenceComparison, context: TrialContext) -> TreatmentTrial:
    stops_behind = attempt.role != "remedy" or comparison.is_of(attempt.recipe)
    shown = context.watch(attempt.name, attempt.recipe.total_steps)
    watch = TrialWatch(comparison, shown, attempt.most_steps, stops_behind=stops_behind)
    if has_logs(attempt.directory):
        watch.recall(read_run(attempt.directory))
    try:
        training = train_attempt(attempt, watch, context, "sick")
        if training.given_up and (
            _has_hardly_begun(attempt.recipe, training.steps)
            or leads(comparison, last_outcomes(read_run(attempt.directory)), training.steps)
        ):
            # The diagnosis alone does not end a training that is improving: an unusual task may look sick.
            training = train_attempt(attempt, watch, context, "never")
    except TrainingFailed as error:
        return result_of(attempt, watch.numbers, 0, TrialState.SICK, "end", error.problem)
    run, steps = read_run(attempt.directory), training.steps
    numbers = last_outcomes(run)
    if watch.decision == "behind":
        healthy = healthy_in_words(comparison, numbers, steps)
        why = f"{in_words(numbers).capitalize()} after {steps:,} steps; {healthy}."
        return result_of(attempt, numbers, steps, TrialState.SICK, "band", why)
    if training.given_up:
        why = diagnosis_in_words(diagnose_run(run, context=context.diagnosis), steps)
        return result_of(attempt, numbers, steps, TrialState.SICK, "doctor", why)
    gate = _gate(attempt, context, numbers)
    # What the evaluation shows counts: the return in training is a mean over episodes of long ago.
    diagnosis = diagnose_run(read_run(attempt.directory), context=context.diagnosis)
    return result_of(attempt, numbers, steps, *outcome_of(comparison, watch, diagnosis, numbers, gate, steps))


def train_attempt(
    attempt: TreatmentAttempt, watch: TrialWatch, context: TrialContext, stop_when: Literal["never", "sick"]
) -> Training:
    """Train or resume a trial until its end, or until its watch or the diagnosis is certain.

    Raises:
        UsageError: The directory holds another training.
        TrainingFailed: The training broke off.
        Stopped: Ctrl-C.
    """
    training = train_trial(
        attempt, command=context.command, threads=context.threads, watcher=watch, stop=watch.stop, stop_when=stop_when
    )
    if training.status != "finished" and not watch.decision and not training.given_up:
        raise Stopped(
            f"The treatment was stopped after {training.steps:,} steps of {attempt.name}.",
            "Run the same command again to resume.",
        )
    return training


def _has_hardly_begun(recipe: Recipe, steps: int) -> bool:
    """Return whether a training that fills a replay buffer first is too young to be ended by its diagnosis.

    With a sparse reward its return does not change at all until it learns.
    """
    return recipe.is_off_policy and steps < EARLIEST * recipe.total_steps


def has_logs(directory: Path) -> bool:
    """Return whether a trial got as far as its first point; one whose environment raised at once did not."""
    return directory.is_dir() and bool(discover([directory]))


def _gate(attempt: TreatmentAttempt, context: TrialContext, numbers: dict[str, float]) -> GateResult | None:
    """Evaluate the policy, add its numbers to ``numbers``, and return the gate's result; ``None`` if it has none."""
    env = attempt.recipe.env
    content = evaluate_trial(attempt, baselines=context.baselines.get(env, {}), threads=context.threads)
    context.baselines[env] = json_table(content, "baselines")
    for name, value in json_table(content, "aggregate").items():
        number = as_number(value)
        if number is not None:
            numbers[f"evaluation_{name}"] = number
    result = judge_run(attempt.directory) if attempt.recipe.criteria else None
    return None if result is None or result.verdict is Verdict.UNJUDGED else result


def result_of(
    attempt: TreatmentAttempt, numbers: Mapping[str, float], steps: int, state: TrialState, by: str, why: str
) -> TreatmentTrial:
    """Return what came of a trial; see :class:`~rldoctor.model.TreatmentTrial`."""
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


def _read(attempt: TreatmentAttempt) -> TreatmentTrial | None:
    """Return the saved result of a trial; ``None`` if there is none."""
    try:
        content = run_directory.read_json(attempt.directory / RESULT_FILE, "the result of a trial")
        saved = msgspec.convert(content, TreatmentTrial)
    except (CannotJudge, msgspec.ValidationError):
        return None
    same = is_same_training(json_table(content, "recipe"), attempt.recipe)
    if content.get("rldoctor_trial") != _VERSION or not same or saved.seed != attempt.seed:
        return None
    return result_of(attempt, saved.numbers, saved.steps, saved.state, saved.by, saved.why)
