"""Runs can be written where they are meant to go.

What it does: writes, flushes and reads back a small file in the directory of runs, or in the nearest parent that
exists, and measures the free space.

Why it matters: a training that cannot write its checkpoint fails at the end, not at the start. A run of the chapter's
recipe needs under 10 MB; checkpoints and videos of many seeds add up.

What to do: name a writable directory, or free space.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from rldoctor.preflight.check import CheckFindings, Group, check, error, warning
from rldoctor.preflight.context import PreflightContext

# Ours: a run of the chapter's recipe with its checkpoints is under 10 MB, so 100 MB is ten of them and 1 GB a
# comfortable sweep.
_TOO_LITTLE = 100e6
_LITTLE = 1e9


def nearest_directory(path: Path) -> Path:
    """Return ``path`` or the nearest of its parents that exists."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


@check(
    "SYS103",
    "run-directory-writable",
    Group.MACHINE,
    faults=("run-directory-not-writable", "disk-full", "disk-nearly-full"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Write to the directory of runs and measure its free space."""
    place = nearest_directory(context.directory)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".rldoctor-") as file:
            file.write(b"rldoctor")
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            if file.read() != b"rldoctor":
                raise OSError("what was written reads back differently")
    except OSError as problem:
        message = f"Nothing can be written to {place}: {problem.strerror or problem}."
        remedy = "Name a writable directory with --runs, or change its permissions."
        yield error("run-directory-not-writable", message, remedy)
        return ""
    free = shutil.disk_usage(place).free
    context.measured["disk_free_gb"] = round(free / 1e9, 1)
    message, remedy = f"{free / 1e6:,.0f} MB are free at {place}", "Free space or name another directory with --runs."
    if free < _TOO_LITTLE:
        message = f"{message}; a run with its checkpoints needs up to 100 MB."
        yield error("disk-full", message, remedy, observed=free, expected=_TOO_LITTLE)
    elif free < _LITTLE:
        message = f"{message}; several runs may fill it."
        yield warning("disk-nearly-full", message, remedy, observed=free, expected=_LITTLE)
    return f"{free / 1e9:,.0f} GB free"
