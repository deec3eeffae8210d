"""A sick training stopped from outside, only as the user asked for: by a signal, or by a file in its folder."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rldoctor.errors import UsageError
from rldoctor.watch.followed import FollowedRun

_SIGNALS = ("SIGINT", "SIGTERM", "SIGUSR1")


class Stopper:
    """Stops trainings, each once: a second signal would end one that is saving its model after the first.

    Args:
        how: ``SIGINT``, ``SIGTERM`` or ``SIGUSR1``, or ``file:NAME``.

    Raises:
        UsageError: It is none of these.
    """

    def __init__(self, how: str) -> None:
        kind, _, name = how.partition(":")
        self._file = name if kind == "file" and name and name == Path(name).name and name not in (".", "..") else ""
        self._signal = how if how in _SIGNALS else ""
        self._told: set[tuple[str, int | None]] = set()
        if not self._file and not self._signal:
            raise UsageError(f"--stop {how!r} is not known.", f"Use {', '.join(_SIGNALS)}, or file:NAME.")

    def stop(self, run: FollowedRun) -> str:
        """Stop a training, and return what was done as a sentence; empty where it was done before."""
        return self._write(run) if self._file else self._send(run)

    def _write(self, run: FollowedRun) -> str:
        path, wanted = run.row.path, run.directory / self._file
        if wanted.exists():
            return ""
        try:
            wanted.touch()
        except OSError as error:
            return f"{path}: {self._file} could not be written: {error.strerror}."
        return f"{path}: wrote {self._file}."

    def _send(self, run: FollowedRun) -> str:
        path, process = run.row.path, run.writing_process
        if (path, process) in self._told:
            return ""
        self._told.add((path, process))
        if process is None:
            return f"{path}: not stopped: its logs do not say which process of this machine writes them."
        try:
            os.kill(process, getattr(signal, self._signal))
        except OSError as error:
            return f"{path}: process {process} could not be sent {self._signal}: {error.strerror}."
        return f"{path}: sent {self._signal} to process {process}."
