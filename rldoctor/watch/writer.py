"""Whether the process that writes a log is still there."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

Writer = Literal["alive", "gone", "unknown"]

# events.out.tfevents.<second>.<host>.<process>.<count>: what TensorBoard's and PyTorch's writers call their files.
_EVENTS = re.compile(r"tfevents\.(\d+)\.(.+)\.(\d+)\.\d+$", re.ASCII)
# A process that began this long after the file is another one with the same number.
_SLACK_SECONDS = 5.0
# A writer that has just written is not looked for, and one that has not no more often than this.
_QUIET_SECONDS, _LOOK_SECONDS = 5.0, 15.0


def second_of(path: Path) -> int | None:
    """Return when an event file was begun, in seconds since 1970, by its name; ``None`` for any other file."""
    found = _EVENTS.search(path.name)
    return int(found[1]) if found else None


def process_of(path: Path) -> int | None:
    """Return the number of the process on this machine that an event file's name states, ``None`` for any other."""
    found = _EVENTS.search(path.name)
    if found is None or found[2] != socket.gethostname():
        return None
    return int(found[3])


def writer_of(paths: Sequence[Path]) -> Writer:
    """Return whether the writer of the newest of these files is alive, as far as its name says who it is."""
    named = [(found, path) for path in paths if (found := _EVENTS.search(path.name))]
    if not named:
        return "unknown"
    found, path = max(named, key=lambda item: int(item[0][1]))
    process = process_of(path)
    if process is None:
        return "unknown"
    return "alive" if _is_alive(process, int(found[1])) else "gone"


class WriterCheck:
    """Whether one run's writer is alive: not looked for while it writes, and then now and again."""

    def __init__(self) -> None:
        self._next = 0.0
        self._last: Writer = "alive"

    def state(self, paths: Sequence[Path], now: float, age: float) -> Writer:
        """Return the writer's state.

        Args:
            paths: The run's log files.
            now: Seconds since 1970.
            age: Seconds since one of them grew.
        """
        if age < _QUIET_SECONDS:
            self._next = 0.0
            return "alive"
        # A clock that was set back must not keep it from looking.
        if not self._next - _LOOK_SECONDS <= now < self._next:
            self._last, self._next = writer_of(paths), now + _LOOK_SECONDS
        return self._last


def _is_alive(process: int, begun: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    started = _started(process)
    return started is None or started <= begun + _SLACK_SECONDS


def _started(process: int) -> float | None:
    """Return when a process began, in seconds since 1970: infinity for a zombie, ``None`` where nothing says so.

    Source: proc(5), fields 3 and 22 of /proc/<pid>/stat and btime of /proc/stat.
    """
    try:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        booted = next(line for line in Path("/proc/stat").read_text(encoding="ascii").splitlines() if "btime" in line)
        if fields[0] in "ZX":
            return float("inf")
        return float(booted.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None
