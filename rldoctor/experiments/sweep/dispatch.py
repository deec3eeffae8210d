"""A sweep at work: an executor runs the trials, their files come home, and each failure is kept with its cause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rldoctor.errors import CannotJudge, UsageError
from rldoctor.executors import Done, Event, Executor, Failed, Job, Lost, Message
from rldoctor.experiments.sweep.job import Progress, Saved, files_of, run_away, run_here, write_files
from rldoctor.experiments.sweep.plan import SweepTrial
from rldoctor.experiments.trial import can_resume, clear, is_done
from rldoctor.gate.evaluation import read_evaluation
from rldoctor.model import Json

# A machine that is lost takes its trials down; a trial that brings machines down is not worth more of them.
_MOST_ATTEMPTS = 4


@dataclass(frozen=True)
class Failure:
    """Why a trial has no result, and what to do."""

    problem: str
    cure: str = ""


class SweepObserver(Protocol):
    """Something that shows how a sweep is going, such as progress bars."""

    def began(self, trial: SweepTrial, steps: int) -> None:
        """Show that a trial has begun, or has begun again on another machine, with so many steps done."""

    def progressed(self, trial: SweepTrial, progress: Progress) -> None:
        """Show the progress of a trial."""

    def ended(self, trial: SweepTrial, failure: Failure | None) -> None:
        """Show the end of a trial."""

    def moved(self, trial: SweepTrial, why: str) -> None:
        """Show that a trial continues elsewhere, because its machine is gone."""


def unfinished(trials: Iterable[SweepTrial]) -> list[SweepTrial]:
    """Return the trials that are not trained and evaluated yet.

    Raises:
        UsageError: A directory holds something other than its trial.
    """
    return [trial for trial in trials if not is_done(trial)]


@dataclass
class _Sweep:
    """The state of a sweep at work; trials are named by their directories."""

    trials: Mapping[str, SweepTrial]
    away: bool
    command: tuple[str, ...]
    observer: SweepObserver
    baselines: dict[str, Mapping[str, Json]]
    attempts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def job(self, key: str) -> Job:
        trial = self.trials[key]
        arguments = (trial, self.command, self.baselines.get(trial.recipe.env, {}))
        if not self.away:
            return Job(key, run_here, arguments)
        if trial.directory.is_dir() and not can_resume(trial.directory):
            # Its logs would stand next to those of the next attempt.
            clear(trial.directory)
        return Job(key, run_away, (*arguments, files_of(trial.directory)))

    def handle(self, event: Event) -> Job | None:
        trial = self.trials[event.key]
        if isinstance(event, Message):
            self._handle_message(trial, event)
        elif isinstance(event, Done):
            self.baselines.setdefault(trial.recipe.env, event.result)
            self.observer.ended(trial, None)
        elif isinstance(event, Lost) and event.elsewhere and self.attempts.get(event.key, 1) < _MOST_ATTEMPTS:
            self.attempts[event.key] = self.attempts.get(event.key, 1) + 1
            self.begun.discard(event.key)
            self.observer.moved(trial, event.why)
            return self.job(event.key)
        else:
            failure = Failure(event.problem, event.cure) if isinstance(event, Failed) else Failure(event.why)
            self.failures[event.key] = failure
            self.observer.ended(trial, failure)
        return None

    def _handle_message(self, trial: SweepTrial, message: Message) -> None:
        content = message.content
        if isinstance(content, Saved):
            trial.directory.mkdir(parents=True, exist_ok=True)
            write_files(trial.directory, content.files)
        elif isinstance(content, Progress):
            if message.key not in self.begun:
                self.begun.add(message.key)
                self.observer.began(trial, content.steps)
            self.observer.progressed(trial, content)


def run_trials(
    trials: Sequence[SweepTrial],
    executor: Executor,
    *,
    command: Sequence[str],
    observer: SweepObserver,
    finished: Iterable[SweepTrial] = (),
) -> dict[SweepTrial, Failure]:
    """Run ``trials`` and return those that have no result, with the cause.

    Args:
        trials: What :func:`unfinished` returned.
        executor: Runs them.
        command: The command line, for each ``run.json``.
        observer: Notified of progress.
        finished: Finished trials, whose evaluations tell the baseline returns.

    Raises:
        UsageError: A directory cannot be written to.
    """
    by_key = {str(trial.directory): trial for trial in trials}
    sweep = _Sweep(by_key, executor.away, tuple(command), observer, _baselines_of(finished))
    executor.run((sweep.job(key) for key in by_key), sweep.handle)
    return {by_key[key]: failure for key, failure in sweep.failures.items()}


def _baselines_of(trials: Iterable[SweepTrial]) -> dict[str, Mapping[str, Json]]:
    found: dict[str, Mapping[str, Json]] = {}
    for trial in trials:
        if trial.recipe.env not in found:
            try:
                found[trial.recipe.env] = read_evaluation(trial.directory).baselines
            except (CannotJudge, UsageError):
                continue
    return found
