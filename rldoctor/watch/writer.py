"""Whether the process that writes a log is still there."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

Writer = Literal["alive", "gone", "unknown"]

# events.out.tfevents.<second>.<host>.<process>.<count>: what TensorBoard's and PyTorch's writers call their files.
_EVENTS = re.compile(r"tfevents\.(\d+)\.(.+)\.(\d+)\.\d+$", re.ASCII)
# A process that began this long after the file is another one with the same number.
_SLACK_SECONDS = 5.0


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


def open_files(paths: Iterable[Path]) -> set[Path] | None:
    """Return which files some process of this user has open; ``None`` where the system does not say."""
    wanted = {}
    for path in paths:
        try:
            wanted[os.path.realpath(path)] = path
        except OSError:
            continue
    try:
        processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    found: set[Path] = set()
    for process in processes:
        if process.name == str(os.getpid()):
            continue
        try:
            targets = [os.path.realpath(link) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        found.update(wanted[target] for target in targets if target in wanted)
    return found
