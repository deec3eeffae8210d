"""This build and another one, measured in turns: python -m benchmarks.performance --other CHECKOUT PYTHON [--brief] [--rows WORD ...]

Ratios are given in time and in processor time, which tells the builds apart on a busy machine too.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.performance import read_speed
from benchmarks.performance.ratios import as_installed, in_turns, middle, ratio
from benchmarks.performance.reading import LONG, MANY, POINTS, RECORDED, RUNS
from benchmarks.reliability import big_file
from rldoctor.logs import read_run
from rldoctor.references import load_recipe

TITLE = "Compared with another build"
EXAMINING = "Preflight and checkup, compared with another build"
ENV = "FetchReachDense-v4"
ROUNDS = 3
BIG = 1_900_000_000  # bytes
_RLDOCTOR = ("-m", "rldoctor")
_HEAD = (
    "| work | other build | this build | times as fast | in processor time | memory, other / this | output, other / this |",
    "|---|---|---|---|---|---|---|",
)
_ROOT = Path(__file__).resolve().parents[2]
# Runs a command, and prints its largest process in KiB, what it wrote in bytes, and its processor time in milliseconds.
_WATCHED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=False)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, len(done.stdout), round(1000 * (used.ru_utime + used.ru_stime)))
"""
_READ = """
import sys
from rldoctor.logs import discover, read_run
print(sum(len(curve) for path in discover(sys.argv[1:]) for curve in read_run(path).curves.values()))
"""


class Build(NamedTuple):
    """A checkout, and the interpreter that runs it."""

    checkout: Path
    python: str


class Work(NamedTuple):
    """A command for either build."""

    name: str
    command: tuple[str, ...]
    rounds: int = ROUNDS


def _measure(build: Build, work: Work, seen: dict[str, list[int]]) -> float:
    """Return the seconds of a command from process start; add its memory and its output to ``seen``."""
    environment = as_installed() | {"PYTHONPATH": str(build.checkout)}
    command = [build.python, "-c", _WATCHED, build.python, *work.command]
    begun = time.perf_counter()
    # The runs are random numbers, so that the exit code says nothing.
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=build.checkout)
    seconds = time.perf_counter() - begun
    for what, number in zip(("memory", "output", "processor"), map(int, done.stdout.split()), strict=True):
        seen.setdefault(what, []).append(number)
    return seconds


def _row(work: Work, builds: Mapping[str, Build]) -> str:
    seen: dict[str, dict[str, list[int]]] = {name: {} for name in builds}
    ways = {name: lambda name=name: _measure(builds[name], work, seen[name]) for name in builds}  # type: ignore[misc]
    for build in builds.values():
        # The first process of a build compiles its modules and fills the cache of the disk.
        _measure(build, work._replace(command=("-m", "rldoctor", "--version")), {})
    found = in_turns(ways, work.rounds)
    cells = [f"{middle(found[name]):.2f} s" for name in ("other", "this")]
    cells.append(ratio(found["other"], found["this"]))
    cells.append(ratio(*([float(number) for number in seen[name]["processor"]] for name in ("other", "this"))))
    for what, unit, size in (("memory", "MiB", 1024), ("output", "MB", 10**6)):
        cells.append(" / ".join(f"{middle(seen[name][what]) / size:.3g}" for name in ("other", "this")) + f" {unit}")
    return f"| {work.name} | {' | '.join(cells)} |"


def examine(other: Path, python: str, asked: Sequence[str], brief: bool = False) -> list[str]:
    """Return the table of the commands ``asked`` that examine and train FetchReach, each from process start.

    ``brief`` takes three rounds instead of five.
    """
    rounds = ROUNDS if brief else 5
    builds = {"other": Build(other.resolve(), python), "this": Build(_ROOT, sys.executable)}
    with tempfile.TemporaryDirectory() as place:
        here = ("--out", place)
        works = [
            Work("`preflight --env FetchReachDense-v4`", (*_RLDOCTOR, "preflight", "--env", ENV, *here), rounds),
            Work("`checkup`, each build with its own recipe", (*_RLDOCTOR, "checkup", *here), rounds),
        ]
        rows = [_row(work, builds) for work in works if work.command[2] in asked]
    steps = load_recipe("smoke").total_steps
    return [
        f"From process start, in turns, {rounds} pairs each. The checkup's recipe has {steps:,} steps now, and had 16,384; 0.6 of the",
        "time were asked, which is 1.67 times as fast.",
        "",
        *_HEAD,
        *rows,
    ]


def measure(other: Path, python: str, brief: bool = False, only: Sequence[str] = (), known: str = "") -> list[str]:
    """Return the table.

    Args:
        other: The other build's checkout.
        python: The interpreter that runs it.
        brief: Leave out what takes longest, and take two rounds of the rest.
        only: Measure the rows alone whose names hold one of these words; all by default.
        known: The table as it is, from which the other rows are taken.
    """
    builds = {"other": Build(other.resolve(), python), "this": Build(_ROOT, sys.executable)}
    earlier = {line.split(" | ")[0].removeprefix("| "): line for line in known.splitlines() if line.startswith("| ")}
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for work, prepare in _works(Path(name)):
            if brief and work.rounds == 1:
                continue
            if only and not any(word in work.name for word in only):
                rows += [earlier[work.name]] if work.name in earlier else []
                continue
            prepare()
            rows.append(_row(work._replace(rounds=2) if brief else work, builds))
    return ["From process start, in turns; memory of the largest process, and what was printed.", "", *_HEAD, *rows]


def _works(place: Path) -> list[tuple[Work, Callable[[], object]]]:
    """Return what is measured, and what makes its files in ``place`` where they are not there yet."""
    runs, long, many, big = (place / name for name in ("runs", "long", "many", "big"))
    diagnose = ("-m", "rldoctor", "diagnose")

    def of_runs() -> None:
        if not runs.exists():
            read_speed.write_runs(runs, RUNS, POINTS)

    def of_one_long_run() -> None:
        tags = [curve.tag for curve in read_run(RECORDED).curves.values()][: LONG[0]]
        read_speed.write_runs(long, 1, LONG[1], tags)

    def of_one_big_file() -> None:
        big.mkdir()
        big_file.write(big / "events.out.tfevents.1.host.1.0", BIG)

    read = f"reading one run of {LONG[0]} tags and {LONG[1]:,} points"
    return [
        (Work("`--help`", ("-m", "rldoctor", "--help"), 9), lambda: None),
        (Work("`diagnose` of one recorded run", (*diagnose, str(RECORDED)), 9), lambda: None),
        *(
            (Work(f"`diagnose --format {kind}` of {RUNS:,} runs", (*diagnose, str(runs), "--format", kind)), of_runs)
            for kind in ("json", "html")
        ),
        (Work(f"reading {RUNS:,} runs in one process", ("-c", _READ, str(runs))), of_runs),
        (Work(read, ("-c", _READ, str(long)), 1), of_one_long_run),
        (
            Work(f"`diagnose --format json` of {MANY:,} runs", (*diagnose, str(many), "--format", "json"), 1),
            lambda: read_speed.write_runs(many, MANY, POINTS),
        ),
        (Work(f"`diagnose` of one file of {BIG / 1e9:.1f} GB", (*diagnose, str(big)), 1), of_one_big_file),
    ]
