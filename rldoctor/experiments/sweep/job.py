"""What another process does for a trial of a sweep: train or resume it, evaluate it, and send its files home."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import Stopped, UsageError
from rldoctor.executors import Send
from rldoctor.experiments.trial import Trial, evaluate_trial, train_trial
from rldoctor.logs.formats.tfevents import is_event_file
from rldoctor.model import Json
from rldoctor.run_record import json_table

# A terminal needs no progress more often than this.
_SECONDS_BETWEEN_MESSAGES = 0.5

Files = Mapping[str, bytes]

# Modules for the process from which those of trials are forked.
PRELOAD = ("rldoctor.experiments.sweep.preload",)


@dataclass(frozen=True)
class Progress:
    """How far a trial is: environment steps, and the latest numbers of its training or evaluation."""

    steps: int
    numbers: Mapping[str, float]
    evaluating: bool = False


@dataclass(frozen=True)
class Saved:
    """Files of a run directory that were written on another machine: name below the directory to content."""

    files: Files


def run_here(
    send: Send,
    trial: Trial,
    command: Sequence[str],
    baselines: Mapping[str, Json],
    saved: Callable[[], None] | None = None,
) -> Mapping[str, Json]:
    """Run a trial in its directory, resuming an earlier attempt, and return the baselines of its environment.

    ``baselines`` are the returns of the zero-action and the random policy there, empty to measure them. ``saved`` is
    called after each checkpoint.
    """
    reporter = _Reporter(send)
    training = train_trial(trial, command=command, watcher=reporter, saved=saved, threads=1)
    if training.status != "finished":
        raise Stopped(f"The training was stopped from outside after {training.steps:,} steps.")
    evaluation = evaluate_trial(
        trial,
        baselines=baselines,
        watcher=lambda policy, done: reporter.progressed(training.steps, {"episodes": done}, evaluating=True),
        threads=1,
    )
    return json_table(evaluation, "baselines")


def run_away(
    send: Send, trial: Trial, command: Sequence[str], baselines: Mapping[str, Json], files: Files
) -> Mapping[str, Json]:
    """Run a trial on a machine that may not see the trial's directory, from the ``files`` that earlier attempts saved.

    As :func:`run_here`; at each checkpoint and at the end it sends :class:`Saved` as well.
    """
    with tempfile.TemporaryDirectory(prefix="rldoctor-") as folder:
        directory = Path(folder)
        write_files(directory, files)
        sent: dict[str, tuple[int, int]] = {}

        def send_files() -> None:
            changed = _changed_files(directory, sent)
            send(Saved({name: (directory / name).read_bytes() for name in changed}))

        try:
            return run_here(send, replace(trial, directory=directory), command, baselines, saved=send_files)
        finally:
            # If the training broke off, its record and its last points say why.
            send_files()


def files_of(directory: Path) -> dict[str, bytes]:
    """Return what another machine needs to resume a trial: its record, logs and newest checkpoint."""
    names = [directory / run_directory.RUN_FILE, directory / run_directory.POLICY_FILE]
    names += [directory / run_directory.EVALUATION_FILE, *run_directory.checkpoints(directory)[-1:]]
    if directory.is_dir():
        names += [path for path in directory.iterdir() if is_event_file(path.name)]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in names if path.is_file()}


def write_files(directory: Path, files: Files) -> None:
    """Write files into a run directory, each whole or not at all.

    Raises:
        UsageError: A name leads out of the directory, or nothing can be written there.
    """
    for name, content in files.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            raise UsageError(f"The file {name!r} does not belong into a run directory.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with run_directory.replacing(path) as temporary:
            temporary.write_bytes(content)


def _changed_files(directory: Path, sent: dict[str, tuple[int, int]]) -> list[str]:
    """Return the files that are new or have changed since they were sent, and mark them as sent."""
    changed = []
    for path in sorted(directory.rglob("*"), key=_order):
        if path.is_file() and not path.name.startswith("."):
            name, about = path.relative_to(directory).as_posix(), path.stat()
            if sent.get(name) != (about.st_mtime_ns, about.st_size):
                sent[name] = (about.st_mtime_ns, about.st_size)
                changed.append(name)
    return changed


def _order(path: Path) -> tuple[bool, bool, str]:
    """Return a key that sorts a checkpoint after the logs and the record that it goes with.

    If the machine is lost between two files, the logs are ahead of the checkpoint and are cut back, never behind it.
    """
    return path.parent.name == run_directory.CHECKPOINTS, path.name == run_directory.RUN_FILE, path.name


class _Reporter:
    """The watcher of a training that sends its progress on, not too often."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sent_at = 0.0

    def progressed(self, steps: int, numbers: Mapping[str, float], evaluating: bool = False) -> None:
        """Send the progress of the training."""
        now = time.monotonic()
        if now - self._sent_at >= _SECONDS_BETWEEN_MESSAGES:
            self._sent_at = now
            self._send(Progress(steps, dict(numbers), evaluating))
