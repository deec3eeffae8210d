"""A folder of runs that is diagnosed again: rldoctor diagnose --cache."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.performance import read_speed
from benchmarks.performance.ratios import as_installed
from benchmarks.performance.reading import POINTS, RUNS
from rldoctor.diagnosis.remembered import fingerprint

TITLE = "Diagnosing again"
# One run in so many grows between two diagnoses.
_ONE_IN = 10


def _diagnose(root: Path, cache: Path, *more: str) -> tuple[float, float, bytes]:
    """Return the seconds from process start, the processor time, and what was printed."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "rldoctor", "diagnose", str(root), "--format", "json", *more]
    environment = as_installed() | {"RLDOCTOR_CACHE": str(cache)}
    # The runs are random numbers, so that the exit code says nothing.
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, env=environment)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def _grow(runs: Sequence[Path]) -> None:
    """Add a copy of its own points to each run, as a training that goes on would add new ones."""
    for run in runs:
        log = next(run.glob("*tfevents*"))
        log.write_bytes(log.read_bytes() * 2)


def _settle() -> None:
    """Wait until what was just written may be kept."""
    time.sleep(fingerprint._SETTLED / 1e9 + 1)


def measure() -> list[str]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        runs, cache = place / "runs", place / "cache"
        read_speed.write_runs(runs, RUNS, POINTS)
        _settle()

        def row(what: str, *more: str) -> bytes:
            seconds, processor, said = _diagnose(runs, cache, *more)
            rows.append(f"| {what} | {seconds:.2f} s | {processor:.2f} s |")
            return said

        _diagnose(runs / "run-0", cache)  # compiles the modules and fills the cache of the disk
        plain = row("without `--cache`")
        same = [
            row("`--cache`, the first time", "--cache") == plain,
            row("`--cache`, nothing has changed", "--cache") == plain,
        ]
        _grow(sorted(runs.iterdir())[::_ONE_IN])
        _settle()
        grown = row(f"`--cache`, one run in {_ONE_IN} has grown", "--cache")
        same.append(grown == _diagnose(runs, cache)[2])
        size = sum(file.stat().st_size for file in cache.iterdir()) / 1e6
    assert all(same), "a kept diagnosis is not what a new one says"
    return [
        f"`rldoctor diagnose --format json` of {RUNS:,} runs of {POINTS} points and 14 tags, from process start, once each. The reports",
        f"with and without `--cache` are the same, byte for byte. The cache has {size:.1f} MB.",
        "",
        "| what | time | processor time |",
        "|---|---|---|",
        *rows,
    ]
