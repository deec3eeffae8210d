"""A sweep at work: trials are dealt to an executor, their files come home, what ended badly is kept with its cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.executors import Done, Event, Executor, Failed, Job, Lost, Told
from rldoctor.experiments.sweep.plan import Trial
from rldoctor.experiments.sweep.trial import (
    Progress,
    Saved,
    TrialJob,
    can_go_on,
    clear,
    do_away,
    do_here,
    files_of,
    is_whole,
    write_files,
)
from rldoctor.gate.evaluation import read_evaluation
from rldoctor.model import Json

# A machine that is lost takes its trials down with it; a trial that brings machines down is not worth more of them.
_MOST_ATTEMPTS = 4


@dataclass(frozen=True)
class Failure:
    """Why a trial has no result, and what to do."""

    problem: str
    cure: str = ""


class SweepObserver(Protocol):
    """Somebody who is told how a sweep goes on."""

    def began(self, trial: Trial, steps: int) -> None:
        """Take the first progress of a trial, or of a trial that began anew."""

    def progressed(self, trial: Trial, progress: Progress) -> None:
        """Take the progress of a trial."""

    def ended(self, trial: Trial, failure: Failure | None) -> None:
        """Take the end of a trial."""

    def moved(self, trial: Trial, why: str) -> None:
        """Take that a trial goes on elsewhere, because its machine is gone."""


def waiting(trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials that are not finished and evaluated yet.

    Raises:
        UsageError: A directory holds something else than its trial.
    """
    return [trial for trial in trials if not _is_done(trial)]


def _is_done(trial: Trial) -> bool:
    return is_whole(trial.directory, trial.setting.recipe, trial.seed, trial.engine)


@dataclass
class _Sweep:
    """The state of a sweep at work."""

    trials: Mapping[str, Trial]
    away: bool
    command: tuple[str, ...]
    onlooker: SweepObserver
    baselines: dict[str, Mapping[str, Json]]
    attempts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def job(self, key: str) -> Job:
        trial = self.trials[key]
        recipe = trial.setting.recipe
        known = self.baselines.get(recipe.env, {})
        job = TrialJob(recipe, trial.seed, trial.engine, trial.directory, self.command, known)
        if self.away:
            if trial.directory.is_dir() and not can_go_on(trial.directory):
                # What it logged would stand beside the logs of the attempt that comes.
                clear(trial.directory)
            return Job(key, do_away, (job, files_of(trial.directory)))
        return Job(key, do_here, (job,))

    def hear(self, event: Event) -> Job | None:
        trial = self.trials[event.key]
        if isinstance(event, Told):
            self._told(trial, event)
        elif isinstance(event, Done):
            self.baselines.setdefault(trial.setting.recipe.env, event.result)
            self.onlooker.ended(trial, None)
        elif isinstance(event, Lost) and event.elsewhere and self.attempts.get(event.key, 1) < _MOST_ATTEMPTS:
            self.attempts[event.key] = self.attempts.get(event.key, 1) + 1
            self.begun.discard(event.key)
            self.onlooker.moved(trial, event.why)
            return self.job(event.key)
        elif isinstance(event, (Failed, Lost)):
            failure = Failure(event.problem, event.cure) if isinstance(event, Failed) else Failure(event.why)
            self.failures[event.key] = failure
            self.onlooker.ended(trial, failure)
        return None

    def _told(self, trial: Trial, event: Told) -> None:
        message = event.message
        if isinstance(message, Saved):
            trial.directory.mkdir(parents=True, exist_ok=True)
            write_files(trial.directory, message.files)
        elif isinstance(message, Progress):
            if event.key not in self.begun:
                self.begun.add(event.key)
                self.onlooker.began(trial, message.steps)
            self.onlooker.progressed(trial, message)


def run(
    trials: Sequence[Trial],
    executor: Executor,
    *,
    command: Sequence[str],
    onlooker: SweepObserver,
    known: Iterable[Trial] = (),
) -> dict[Trial, Failure]:
    """Do ``trials`` and return those that have no result, with the cause.

    Args:
        trials: What :func:`waiting` returned.
        executor: Does them.
        command: The command line, for each ``run.json``.
        onlooker: Told of progress.
        known: Finished trials, whose evaluation tells what the baselines score.

    Raises:
        UsageError: A directory cannot be written to.
    """
    by_key = {str(trial.directory): trial for trial in trials}
    sweep = _Sweep(by_key, executor.away, tuple(command), onlooker, _baselines_of(known))
    executor.run((sweep.job(key) for key in by_key), sweep.hear)
    return {by_key[key]: failure for key, failure in sweep.failures.items()}


def _baselines_of(trials: Iterable[Trial]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {}
    for trial in trials:
        env = trial.setting.recipe.env
        if env not in found:
            try:
                found[env] = read_evaluation(trial.directory).baselines
            except (CannotJudge, UsageError):
                continue
    return found
