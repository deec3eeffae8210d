"""Work shared with copies of this process, which have loaded all that it has: they start in milliseconds."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from rldoctor.executors.job import Job, result_of
from rldoctor.executors.local import Worker

# Libraries with threads of their own, which a copy of the process would not have.
_THREADED = ("torch", "tensorflow", "jax", "ray", "grpc")


def can_fork() -> bool:
    """Return whether copies of this process are safe: one thread only, and no library that may wait for others."""
    return sys.platform == "linux" and threading.active_count() == 1 and not any(map(sys.modules.get, _THREADED))


def map_forked(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return ``work(send, *row)`` for each row of ``arguments``, in their order: the first here, each other in a copy.

    Raises:
        RldoctorError: A job failed or was lost; there are no results then.
    """
    context = multiprocessing.get_context("fork")
    jobs = [Job(str(place), work, row) for place, row in enumerate(arguments)]
    # What is there already is not looked at again by the collectors of the copies, whose memory stays shared.
    gc.freeze()
    workers: list[Worker] = []
    try:
        with warnings.catch_warnings():
            # Python counts the idle threads of numpy's linear algebra, which knows of forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            workers += [Worker(context, job) for job in jobs[1:]]
        results = [work(lambda _: None, *jobs[0].arguments)]
        for worker in workers:
            event, ended = worker.receive()
            while not ended:
                event, ended = worker.receive()
            results.append(result_of(event))
    except BaseException:
        for worker in workers:
            worker.stop()
        raise
    finally:
        gc.unfreeze()
        for worker in workers:
            worker.close()
    return results
