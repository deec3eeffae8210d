"""An environment in a process of its own: one that hangs or dies costs its evidence, not the diagnosis."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from rldoctor.config import Config
from rldoctor.errors import RldoctorError, UsageError
from rldoctor.examination.jobs import JOBS, Examined
from rldoctor.model import Json

# A step that hangs is interrupted at the end of the budget; what it was called from needs a moment.
_GRACE = 15.0
# For the imports of the process, PyTorch's among them: a few seconds, and a minute on a machine under load.
_START = 120.0


class NotAnswered(Exception):
    """A job came to no result.

    Attributes:
        why: In words.
        cure: What to do; may be empty.
    """

    def __init__(self, why: str, cure: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.cure = cure


class Examiner:
    """Does jobs on one environment in another process, one after the other, within a time budget.

    Args:
        env: Name of the environment, as the registry takes it.
        arguments: What it is made with.
        config: The project's configuration.
        seconds: Time for all jobs together.
        grace: Seconds after which a process that does not answer is ended.
    """

    def __init__(
        self, env: str, arguments: Mapping[str, Json], config: Config, seconds: float, grace: float = _GRACE
    ) -> None:
        # Spawned, not forked: a fork of a process with threads (PyTorch's, MuJoCo's) may hang.
        context = multiprocessing.get_context("spawn")
        self.env = env
        self._seconds, self._grace = seconds, grace
        self._connection, theirs = context.Pipe()
        examined = Examined(env, dict(arguments), config)
        self._process = context.Process(target=_serve, args=(examined, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._gone = "" if self._connection.poll(_START) else f"its process did not start within {_START:.0f} s"
        if not self._gone:
            self._connection.recv()
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds of the budget that are left, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def ask(self, job: str, *details: Any) -> Any:
        """Do a job of :data:`rldoctor.examination.jobs.JOBS` and return what came of it.

        Raises:
            UsageError: There is no such environment.
            NotAnswered: The job failed, the process died, or the time is used up.
        """
        if self._gone:
            raise NotAnswered(self._gone)
        left = self.left
        try:
            self._connection.send((job, left, details))
            if not self._connection.poll(None if left == float("inf") else left + self._grace):
                self.close()
                self._gone = f"it took more than {self._seconds:.0f} s"
                raise NotAnswered(self._gone)
            kind, content = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            self._gone = f"its process ended with exit code {self._process.exitcode}"
            raise NotAnswered(self._gone) from None
        if kind == "usage":
            raise content
        if kind == "error":
            raise NotAnswered(content.problem, content.cure)
        return content

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.terminate()
        self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process."""
        self.close()


def _serve(examined: Examined, connection: Connection) -> None:
    # Ctrl-C goes to all processes of the group; the one that waits decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What an environment prints does not belong into the report.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    connection.send("ready")
    while True:
        try:
            job, seconds, details = connection.recv()
        except EOFError:
            return
        connection.send(_done(examined, job, seconds, details))


def _done(examined: Examined, job: str, seconds: float, details: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "done", JOBS[job](examined, seconds, *details)
    except UsageError as error:
        # A module that raises while it is imported is the environment's fault; a name that does not exist is not.
        kind = "error" if error.__cause__ is not None or job != "preflight" else "usage"
        return kind, type(error)(error.problem, error.cure)
    except RldoctorError as error:
        return "error", RldoctorError(error.problem, error.cure)
    except (Exception, SystemExit) as error:
        return "error", RldoctorError(f"{type(error).__name__}: {error}")
