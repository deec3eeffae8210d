"""Jobs on this machine: a process each, as many at a time as there are cores, one thread each."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from rldoctor import machine
from rldoctor.executors.job import Done, Event, Failed, Handle, Job, JobQueue, Lost, Message, failure_of

# Libraries read these, as they load, to see how many threads to start.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# Seconds between asking a process to end and killing it.
_PATIENCE = 2.0


class LocalExecutor:
    """Runs jobs in processes of this machine.

    Each job has a process of its own: a crash takes nothing else down, and memory is freed. Where the platform allows
    it, processes are forked from a server that has loaded what jobs need, which takes milliseconds instead of seconds.

    Args:
        slots: How many at a time; as many as there are cores by default.
        preload: Modules that every job needs. The first executor that runs a job decides what the server loads.
    """

    away = False

    def __init__(self, slots: int | None = None, preload: Sequence[str] = ()) -> None:
        self._slots = slots or machine.cores()
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload([__name__, *preload])

    @property
    def slots(self) -> int:
        """How many jobs run at a time."""
        return self._slots

    def run(self, jobs: Iterable[Job], handle: Handle) -> None:
        """Run ``jobs``; see :class:`~rldoctor.executors.job.Executor`."""
        queue = JobQueue(jobs, handle)
        working: dict[Connection, Worker] = {}
        try:
            while True:
                while len(working) < self._slots and (job := queue.next()):
                    worker = Worker(self._context, job)
                    working[worker.connection] = worker
                if not working:
                    return
                for connection in wait(list(working)):
                    event, ended = working[connection].receive()  # type: ignore[index]
                    if ended:
                        working.pop(connection).close()  # type: ignore[call-overload]
                    queue.report(event)
        finally:
            for worker in working.values():
                worker.stop()
            for worker in working.values():
                worker.close()

    def close(self) -> None:
        """Do nothing: the processes have ended with their jobs."""


class Worker:
    """One process and the connection to it."""

    def __init__(self, context: Any, job: Job) -> None:
        self.connection, theirs = context.Pipe(duplex=False)
        self._key = job.key
        with _one_thread_each():
            # The server has the environment that it was started with; what was set since then counts as well.
            arguments = (theirs, job, dict(os.environ))
            self._process = context.Process(target=_work, args=arguments, name=f"rldoctor {job.key}", daemon=True)
            self._process.start()
        theirs.close()

    def receive(self) -> tuple[Event, bool]:
        """Return the next event of the process, and whether that is the last one."""
        try:
            kind, *content = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return Lost(self._key, _reason(self._process.exitcode)), True
        if kind == "message":
            return Message(self._key, *content), False
        if kind == "done":
            return Done(self._key, *content), True
        return Failed(self._key, *content), True

    def stop(self) -> None:
        """Ask the process to end."""
        self._process.terminate()

    def close(self) -> None:
        """Wait for the process to end, killing it where it does not."""
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self.connection.close()


def _work(connection: Connection, job: Job, environment: dict[str, str]) -> None:
    """Run a job in its own process, with the ``environment`` of the one that waits for it."""
    os.environ.clear()
    os.environ.update(environment)
    # Ctrl-C reaches the whole process group; only the process that waits handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A process that is ended has nothing to save that is not in a checkpoint.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        result = job.work(lambda message: connection.send(("message", message)), *job.arguments)
        connection.send(("done", result))
    except BaseException as error:
        connection.send(("failed", *failure_of(error)))
    finally:
        connection.close()


def _end_with_parent() -> None:
    """End this process as soon as the one that waits for it is gone, so that no two work in one directory."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = ", which is how Linux ends a process that uses too much memory" if name == "SIGKILL" else ""
        return f"Its process was ended by {name}{hint}."
    return f"Its process ended with code {code} before the job was done."


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Give a process that is started here, and the server that it is forked from, one thread for arithmetic."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
