"""Threads that step environments on several cores of one process: MuJoCo releases the GIL while it steps."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import count, pairwise
from typing import Any

import gymnasium

from rldoctor import machine


def has_mujoco_physics(env: gymnasium.Env[Any, Any]) -> bool:
    """Return whether ``env`` is a MuJoCo environment of gymnasium or gymnasium-robotics.

    Each of these owns its model and data, so that threads share nothing. Other environments may share state: they are
    stepped one after another.
    """
    origins = {parent.__module__ for parent in type(env.unwrapped).__mro__}
    return bool(origins & {"gymnasium.envs.mujoco.mujoco_env", "gymnasium_robotics.envs.robot_env"})


def helpful_threads(env: gymnasium.Env[Any, Any]) -> int:
    """Return how many threads should step environments like ``env``: one per core for MuJoCo, otherwise one."""
    return machine.cores() if has_mujoco_physics(env) else 1


def keep_to_core(place: int) -> None:
    """Bind the calling thread to a core, the last one for place 0: the main thread is mostly on the first.

    Linux wakes a thread on the core of the one that wakes it, where it waits although another core is idle: unbound
    threads were measured to step no faster than one alone.
    """
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {allowed[-1 - place % len(allowed)]})


class StepThreads:
    """Threads that divide the places of a list among themselves; the calling thread is one of them.

    Args:
        threads: How many work at a time, at least 1; with 1 no thread is started.
    """

    def __init__(self, threads: int) -> None:
        self._threads = max(1, threads)
        cores = count()
        self._pool = (
            ThreadPoolExecutor(threads - 1, "environments", lambda: keep_to_core(next(cores))) if threads > 1 else None
        )

    def share(self, work: Callable[[Sequence[int]], None], places: int) -> None:
        """Call ``work`` once for each thread, with its share of 0..``places`` - 1, and return when all are done.

        Raises:
            Exception: What ``work`` raised; never while another thread still works.
        """
        if self._pool is None:
            work(range(places))
            return
        size, more = divmod(places, self._threads)
        ends = [share * size + min(share, more) for share in range(self._threads + 1)]
        own, *rest = [range(*pair) for pair in pairwise(ends)]
        others = [self._pool.submit(work, share) for share in rest if share]
        try:
            work(own)
        finally:
            # No environment may be stepped while another thread still steps it, whatever failed in this one.
            wait(others)
        for other in others:
            other.result()

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
