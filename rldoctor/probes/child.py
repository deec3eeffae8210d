"""The process in which an algorithm plays the probes: one that hangs costs its time limit, not the terminal."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections.abc import Generator
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from rldoctor.errors import RldoctorError, TrainingFailed, UsageError
from rldoctor.probes.adapters import Trainer, find
from rldoctor.probes.play import Task, play

# Importing PyTorch on a busy machine.
_START_UP = 60.0


class Facts:
    """What the process that plays says of the algorithm before the first probe."""

    def __init__(self, parallel: bool, takes_gamma: bool) -> None:
        self.parallel, self.takes_gamma = parallel, takes_gamma


Player: TypeAlias = Generator[Any, Task, None]
"""The facts first, then a measurement for each task that is sent."""


def in_this_process(trainer: Trainer) -> Player:
    """Play in this process, without a time limit."""
    task = yield Facts(trainer.parallel, trainer.takes_gamma)
    while True:
        task = yield play(trainer, task)


def in_another_process(name: str, timeout: float) -> Player:
    """Import what ``name`` names in another process, and play there.

    Raises:
        UsageError: There is no such function, or it returns no policy.
        TrainingFailed: It raised, or did not end within ``timeout`` seconds.
    """
    # Spawned, not forked: a fork of a process with threads (PyTorch's) may hang.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(name, there), daemon=True)
    process.start()
    there.close()
    try:
        facts = Facts(*_answer(here, process, time.monotonic() + _START_UP, f"Importing {name}", _START_UP))
        task = yield facts
        while True:
            here.send(task)
            what = f"The training on the probe {task.probe}"
            task = yield _answer(here, process, time.monotonic() + timeout, what, timeout)
    finally:
        process.terminate()
        process.join(1.0)
        if process.is_alive():
            process.kill()
            process.join()
        here.close()


def _answer(here: Connection, process: Any, end: float, what: str, seconds: float) -> Any:
    try:
        if not here.poll(max(0.0, end - time.monotonic())):
            raise TrainingFailed(
                f"{what} did not end within {seconds:g} s.",
                "Let it stop after the number of steps that it is given, or allow more time with --timeout.",
            )
        kind, content = here.recv()
    except (EOFError, OSError):
        process.join()
        raise TrainingFailed(f"{what} ended its process with exit code {process.exitcode}.") from None
    if kind == "error":
        raise content
    return content


def _serve(name: str, there: Connection) -> None:
    # Ctrl-C goes to all processes of the group; the one that waits decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What an algorithm prints does not belong into the report.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.suppress(ImportError):
        import torch

        # The networks are tiny: threads only cost time.
        torch.set_num_threads(1)
    try:
        trainer = find(name)
        there.send(("facts", (trainer.parallel, trainer.takes_gamma)))
        while True:
            there.send(("measured", play(trainer, there.recv())))
    except EOFError:
        return
    except RldoctorError as error:
        there.send(("error", _plain(error)))
    except BaseException as error:
        there.send(("error", TrainingFailed(f"The training failed with {type(error).__name__}: {error}.")))


def _plain(error: RldoctorError) -> RldoctorError:
    """Return an error that can be sent: a cause of the user's own class may not be known elsewhere."""
    kind = next(kind for kind in (UsageError, TrainingFailed, RldoctorError) if isinstance(error, kind))
    return kind(error.problem, error.cure)
