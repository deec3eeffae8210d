"""This machine and installation: versions, cores, memory. None of the packages is imported for it."""

from __future__ import annotations

import contextlib
import gc
import os
import platform
from collections.abc import Iterator, Mapping
from functools import cache

from rldoctor.model import Json

# New objects from which on Python looks for circles among them, of which diagnosing leaves none; 700 by default.
_COLLECTED_FROM = 50_000

DISTRIBUTIONS = (
    "rldoctor-kit",
    "numpy",
    "torch",
    "stable-baselines3",
    "gymnasium",
    "gymnasium-robotics",
    "mujoco",
    "envpool",
    "tensorboard",
    "protobuf",
    "pandas",
)


@cache
def version(distribution: str) -> str | None:
    """Return the installed version of a distribution, ``None`` where it is not installed."""
    import importlib.metadata  # Late: it takes 10 ms, and most commands ask for no version.

    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def versions() -> Mapping[str, str | None]:
    """Return the versions of Python and of every package that a result can depend on, ``None`` for missing ones."""
    return {"python": platform.python_version(), **{name: version(name) for name in DISTRIBUTIONS}}


def cores() -> int:
    """Return the number of CPU cores that this process may use (affinity and container limits counted)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """Return the CPU's name as the operating system reports it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_gib() -> float | None:
    """Return the physical memory in GiB, ``None`` where the platform does not report it."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, OSError, ValueError):
        return None


def describe() -> Mapping[str, Json]:
    """Return the machine as ``run.json`` records it, without host and user names: reports are shown to others."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processor": cpu_name(),
        "cores": cores(),
        "memory_gib": memory_gib(),
    }


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Keep Python from looking through all results for garbage again and again: a tenth of the time of many runs."""
    usual = gc.get_threshold()
    # A caller who has it off, or even less often, knows why.
    if usual[0] and usual[0] < _COLLECTED_FROM:
        gc.set_threshold(_COLLECTED_FROM, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
