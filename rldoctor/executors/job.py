"""Jobs for an executor, and the events by which it reports on them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from rldoctor.errors import EXIT_INTERNAL, RldoctorError

# Given to a job's function: sends something to the process that waits for the job, while the job goes on.
Send = Callable[[Any], None]


@dataclass(frozen=True)
class Job:
    """A piece of work for another process.

    Attributes:
        key: Names the job among those of one run.
        work: A function of a module, called as ``work(send, *arguments)``; it, its arguments, its result and what it
            sends are pickled on the way.
        arguments: For ``work``.
    """

    key: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Message:
    """A job sent something."""

    key: str
    content: Any


@dataclass(frozen=True)
class Done:
    """A job returned."""

    key: str
    result: Any


@dataclass(frozen=True)
class Failed:
    """A job raised: what is wrong, what to do about it, and the exit code for it."""

    key: str
    problem: str
    cure: str = ""
    exit_code: int = EXIT_INTERNAL


@dataclass(frozen=True)
class Lost:
    """The process or the machine of a job ended before the job did.

    Attributes:
        key: The job.
        why: In one sentence.
        elsewhere: Whether a second try makes sense: the machine is gone, and another may take over.
    """

    key: str
    why: str
    elsewhere: bool = False


Event = Message | Done | Failed | Lost
# Called with every event, in the process that waits; a job that it returns is run as well.
Handle = Callable[[Event], Job | None]


class Executor(Protocol):
    """Runs jobs, several at a time.

    Attributes:
        away: Whether a job may run on a machine that does not see this one's files.
    """

    away: bool

    @property
    def slots(self) -> int:
        """How many jobs run at a time; at least 1."""

    def run(self, jobs: Iterable[Job], handle: Handle) -> None:
        """Run ``jobs`` and return when the last one has ended. A job that fails or crashes does not end another.

        A job is taken from ``jobs`` when there is a slot for it, so that it can depend on earlier events.
        What ``handle`` raises, Ctrl-C included, ends all jobs and is raised.
        """

    def close(self) -> None:
        """Release what the executor occupies."""


class JobQueue:
    """The jobs that have not begun: those that ``handle`` returned first."""

    def __init__(self, jobs: Iterable[Job], handle: Handle) -> None:
        self._rest = iter(jobs)
        self._handle = handle
        self._again = deque[Job]()

    def next(self) -> Job | None:
        """Take the next job; ``None`` when none is left."""
        return self._again.popleft() if self._again else next(self._rest, None)

    def report(self, event: Event) -> None:
        """Pass an event on, and queue the job that it is answered with."""
        job = self._handle(event)
        if job is not None:
            self._again.append(job)


def failure_of(error: BaseException) -> tuple[str, str, int]:
    """Return what went wrong and what to do, in a sentence each, and the exit code, for an exception of a job."""
    if isinstance(error, RldoctorError):
        return error.problem, error.cure, error.exit_code
    return f"{type(error).__name__}: {error}", "", EXIT_INTERNAL


def result_of(event: Event) -> Any:
    """Return the result of a job that has ended.

    Raises:
        RldoctorError: It failed or was lost.
    """
    if isinstance(event, Done):
        return event.result
    if isinstance(event, Failed):
        failure = RldoctorError(event.problem, event.cure)
        failure.exit_code = event.exit_code
        raise failure
    why = event.why if isinstance(event, Lost) else "It has not ended."
    raise RldoctorError(f"The work of another process was lost. {why}")


def map_jobs(executor: Executor, work: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return ``work(send, *row)`` for each row of ``arguments``, in their order.

    Raises:
        RldoctorError: A job failed or was lost; there are no results then.
    """
    results: dict[str, Any] = {}

    def handle(event: Event) -> Job | None:
        if not isinstance(event, Message):
            results[event.key] = result_of(event)
        return None

    jobs = [Job(str(place), work, row) for place, row in enumerate(arguments)]
    executor.run(jobs, handle)
    return [results[job.key] for job in jobs]
