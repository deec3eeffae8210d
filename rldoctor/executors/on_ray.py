"""Jobs on a Ray cluster: an existing one, or one that is started on this machine.

A lost job is reported as :class:`~rldoctor.executors.job.Lost`; trying again is left to the caller, who knows what an
attempt has saved. Messages of jobs come through a small actor on the driver's node.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rldoctor.errors import MissingExtra, Stopped, UsageError
from rldoctor.executors.job import Done, Event, Failed, Handle, Job, JobQueue, Lost, Message, failure_of

if TYPE_CHECKING:
    from rldoctor.executors.ray_data import Led

# Seconds between two readings of the mailbox.
_READ_EVERY = 0.2
# Tasks in the cluster for each slot: no core waits between two jobs.
_QUEUED_A_SLOT = 2
_CONNECT_SECONDS = 5.0
# A cluster of its own, not one that happens to run on this machine: that may be somebody else's.
_HERE = "local"
_START_ONE = "Start one with ray start --head, or leave --address out to start one here."
# One thread each, as on this machine.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class RayExecutor:
    """Runs jobs on a Ray cluster, one core each.

    Args:
        address: Of the cluster, as ``ray.init`` takes it: ``auto``, ``host:6379`` or ``ray://host:10001``; by default
            ``$RAY_ADDRESS``, or a cluster that is started on this machine and ends with this object.
        slots: How many at a time; as many as the cluster has cores by default.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: There is no cluster at the address, or it has no core.
    """

    away = True

    def __init__(self, address: str | None = None, slots: int | None = None) -> None:
        try:
            import ray
        except ImportError:
            raise MissingExtra("--executor ray", "ray", "ray") from None
        # Ray's messages go to its log files only; rldoctor reports what a user needs to know.
        options: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False, "configure_logging": True}
        address = address or os.environ.get("RAY_ADDRESS") or _HERE
        _require_listener(address)
        self._ray: Any = ray
        self._owner = not ray.is_initialized()
        try:
            if self._owner:
                ray.init(address=address, runtime_env={"env_vars": _ONE_THREAD}, **_quiet(address, options))
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise UsageError(f"There is no Ray cluster at {address}: {first}", _START_ONE) from None
        self._limit = slots
        if not self._ray.cluster_resources().get("CPU"):
            self.close()
            raise UsageError("The Ray cluster has no CPU core.", "Start its nodes with --num-cpus.")

    @property
    def slots(self) -> int:
        """How many jobs run at a time."""
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        return min(self._limit, cores) if self._limit else cores

    def run(self, jobs: Iterable[Job], handle: Handle) -> None:
        """Run ``jobs``; see :class:`~rldoctor.executors.job.Executor`."""
        queue = JobQueue(jobs, handle)
        work = self._ray.remote(max_retries=0, num_cpus=1)(_work)
        mailbox = self._mailbox()
        # Task to the number of its attempt and its job; late messages of a lost attempt are dropped by its number.
        tasks: dict[Any, tuple[int, str]] = {}
        current: dict[str, int] = {}

        def read_mailbox() -> None:
            for number, key, content in self._ray.get(mailbox.take.remote()):
                if current.get(key) == number:
                    queue.report(Message(key, content))

        number = 0
        try:
            while True:
                most = self._limit or self.slots * _QUEUED_A_SLOT
                while len(tasks) < most and (job := queue.next()):
                    number += 1
                    current[job.key] = number
                    tasks[work.remote(mailbox, number, job)] = number, job.key
                if not tasks:
                    return
                ended, _ = self._ray.wait(list(tasks), timeout=_READ_EVERY)
                read_mailbox()
                for task in ended:
                    _, key = tasks.pop(task)
                    del current[key]
                    queue.report(self._end(task, key))
        finally:
            for task in tasks:
                with contextlib.suppress(Exception):
                    self._ray.cancel(task, force=True)
            with contextlib.suppress(Exception):
                self._ray.kill(mailbox)

    def stream(
        self,
        units: Sequence[Any],
        expand: Callable[[Any], Sequence[Any]],
        work: Callable[[Sequence[Any]], Any],
        merge: Callable[[Iterable[Any]], Any],
        most: int,
    ) -> Led:
        """List ``units``, work on their items in batches and merge the results, all of it in the cluster.

        The arguments are those of :class:`~rldoctor.executors.ray_data.Stream`.

        Raises:
            RldoctorError: A unit cannot be listed, a batch failed, or too many machines were lost.
        """
        # Late: Ray Data takes seconds to load.
        from rldoctor.executors.ray_data import Stream, lead

        return lead(self._ray, Stream(units, expand, work, merge, most))

    def _mailbox(self) -> Any:
        """Start the mailbox on the driver's node: it must not go down with another one."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        node = self._ray.get_runtime_context().get_node_id()
        here = NodeAffinitySchedulingStrategy(node, soft=False)
        return self._ray.remote(num_cpus=0, scheduling_strategy=here)(_Mailbox).remote()

    def _end(self, task: Any, key: str) -> Event:
        from ray import exceptions

        try:
            kind, *content = self._ray.get(task)
        except exceptions.RayTaskError as error:
            # An error of the job itself is caught in _work: this one kept the job from starting.
            problem, *_ = failure_of(error.cause if isinstance(error.cause, BaseException) else error)
            return Failed(key, f"{problem.splitlines()[0]}", "Install this version of rldoctor on every node.")
        except exceptions.RayError as error:
            why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            return Lost(key, why, elsewhere=True)
        if kind == "stopped":
            return Lost(key, str(content[0]), elsewhere=True)
        return Done(key, *content) if kind == "done" else Failed(key, *content)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        if self._owner:
            self._ray.shutdown()


def _require_listener(address: str) -> None:
    """Check that a process listens at ``host:port``: Ray itself would try for minutes.

    Raises:
        UsageError: There is none.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"There is no Ray cluster at {address}: {reason}.", _START_ONE) from None


def _quiet(address: str, options: dict[str, Any]) -> dict[str, Any]:
    if address.startswith("ray://"):
        return {"logging_level": options["logging_level"]}
    # Ray's dashboard would be one more server on this machine.
    return {**options, "include_dashboard": False} if address == _HERE else options


def _work(mailbox: Any, number: int, job: Job) -> tuple[Any, ...]:
    """Run a job in a process of the cluster."""
    import ray

    def send(content: Any) -> None:
        # Waits until it has arrived, whatever happens to this machine next.
        ray.get(mailbox.put.remote((number, job.key, content)))

    try:
        return "done", job.work(send, *job.arguments)
    except Stopped as error:
        # A machine that is about to be taken away signals its processes.
        return "stopped", error.problem
    except Exception as error:
        return "failed", *failure_of(error)


class _Mailbox:
    """Keeps messages until they are taken."""

    def __init__(self) -> None:
        self._messages: list[Any] = []

    def put(self, message: Any) -> None:
        """Keep a message."""
        self._messages.append(message)

    def take(self) -> list[Any]:
        """Return the messages, oldest first, and forget them."""
        messages, self._messages = self._messages, []
        return messages
