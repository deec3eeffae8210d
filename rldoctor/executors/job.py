"""What an executor is given and what it tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from rldoctor.errors import EXIT_INTERNAL, RldoctorError

# Handed to a job's function: says something to whoever waits for the job, while it goes on.
Tell = Callable[[Any], None]


@dataclass(frozen=True)
class Job:
    """A piece of work for another process.

    Attributes:
        key: Names the job among those of one run.
        work: A function of a module, called as ``work(tell, *arguments)``; it, its arguments, its result and what it
            tells are pickled on the way.
        arguments: For ``work``.
    """

    key: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Told:
    """A job said something."""

    key: str
    message: Any


@dataclass(frozen=True)
class Done:
    """A job returned."""

    key: str
    result: Any


@dataclass(frozen=True)
class Failed:
    """A job raised: what is wrong in one sentence, what to do about it, and the exit code that it stands for."""

    key: str
    problem: str
    cure: str = ""
    exit_code: int = EXIT_INTERNAL


@dataclass(frozen=True)
class Lost:
    """The process or the machine of a job ended without a word.

    Attributes:
        key: The job.
        why: In one sentence.
        elsewhere: Whether it makes sense to try again: the machine is gone, and another may take over.
    """

    key: str
    why: str
    elsewhere: bool = False


Event = Told | Done | Failed | Lost
# Hears of every event, in the process that waits; a job that it returns is done as well.
Hear = Callable[[Event], Job | None]


class Executor(Protocol):
    """Does jobs, several at a time.

    Attributes:
        away: Whether a job may be done on a machine that does not see this one's files.
    """

    away: bool

    @property
    def slots(self) -> int:
        """How many jobs are done at a time; at least 1."""

    def run(self, jobs: Iterable[Job], hear: Hear) -> None:
        """Do ``jobs`` and return when the last one has ended. No job's end, however bad, ends another.

        A job is taken from ``jobs`` when there is a place for it, so that it can depend on what was heard before.
        Whatever ``hear`` raises, Ctrl-C included, ends all jobs and is raised.
        """

    def close(self) -> None:
        """Give back what the executor holds."""


def failure_of(error: BaseException) -> tuple[str, str, int]:
    """Return what went wrong and what to do, in a sentence each, and the exit code, for an exception of a job."""
    if isinstance(error, RldoctorError):
        return error.problem, error.cure, error.exit_code
    return f"{type(error).__name__}: {error}", "", EXIT_INTERNAL


def map_jobs(executor: Executor, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return ``work(tell, *row)`` for each row of ``arguments``, in their order.

    Raises:
        RldoctorError: A job failed or was lost; the others' results are lost with it.
    """
    results: dict[str, Any] = {}

    def hear(event: Event) -> Job | None:
        if isinstance(event, Done):
            results[event.key] = event.result
        elif isinstance(event, Failed):
            failure = RldoctorError(event.problem, event.cure)
            failure.exit_code = event.exit_code
            raise failure
        elif isinstance(event, Lost):
            raise RldoctorError(event.why)
        return None

    jobs = [Job(str(place), work, row) for place, row in enumerate(arguments)]
    executor.run(jobs, hear)
    return [results[job.key] for job in jobs]
