"""Reading event files and diagnosing many runs, compared with other readers."""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import tensorboard_data_server

from benchmarks import TESTS
from benchmarks.performance import read_speed
from benchmarks.performance.ratios import in_turns, middle, ratio
from rldoctor.logs import read_run

RECORDED = TESTS / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"
TITLE = "Reading and diagnosing"
RUNS, POINTS = 500, 61
MANY = 5_000
LONG = (50, 100_000)  # tags, points of each
ROUNDS = 3


def timed(read: Callable[[Path], int], root: Path) -> Callable[[], float]:
    def measure() -> float:
        begun = time.perf_counter()
        read(root)
        return time.perf_counter() - begun

    return measure


def read_tbparse(root: Path) -> int:
    from tbparse import SummaryReader

    return len(SummaryReader(str(root)).scalars)


def rust_server(root: Path) -> float:
    """Return the seconds of one load, checksums on, that TensorBoard's own server reports."""
    command = [tensorboard_data_server.server_binary(), "--logdir", str(root), "--reload", "once", "--checksum", "-v"]
    with subprocess.Popen(
        [*command, "--port", "0"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stderr is not None
        for line in server.stderr:
            found = re.search(r"[Ff]inished load cycle \(([\d.]+)\s*(ms|s|µs)\)", line)
            if found:
                server.kill()
                return float(found[1]) * {"s": 1.0, "ms": 1e-3, "µs": 1e-6}[found[2]]
    raise RuntimeError("the server ended without a load")


def diagnose(root: Path) -> tuple[float, float]:
    """Return the seconds of ``rldoctor diagnose`` from process start, and its largest process in MiB."""
    command = [sys.executable, "-m", "rldoctor", "diagnose", str(root), "--format", "json"]
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    begun = time.perf_counter()
    # The runs are random numbers; only the time of diagnosing them matters.
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, int(done.stdout) / 1024


def measure() -> list[str]:
    with tempfile.TemporaryDirectory() as place:
        tbparse = Path(place) / "tbparse"
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tbparse), "tbparse"], check=True
        )
        sys.path.insert(0, str(tbparse))
        root = Path(place) / "runs"
        read_speed.write_runs(root, RUNS, POINTS)
        count = read_speed.read_ours(root)
        assert count == read_speed.read_theirs(root) == read_tbparse(root)
        ways = {"ours": read_speed.read_ours, "EventAccumulator": read_speed.read_theirs, "tbparse": read_tbparse}
        found = in_turns({name: timed(read, root) for name, read in ways.items()}, ROUNDS)
        rust = [rust_server(root) for _ in range(ROUNDS)]
        whole = [diagnose(root) for _ in range(ROUNDS)]
        read_speed.write_runs(Path(place) / "many", MANY, POINTS)
        many_seconds, many_memory = diagnose(Path(place) / "many")
        long = Path(place) / "long"
        logged = [curve.tag for curve in read_run(RECORDED).curves.values()][: LONG[0]]
        tags = len(read_speed.write_runs(long, 1, LONG[1], logged))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        long_seconds = timed(read_speed.read_ours, long)()
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        megabytes = sum(path.stat().st_size for path in long.rglob("events*")) / 1e6
    rows = [
        ("rldoctor's reader, one core", middle(found["ours"]), ""),
        ("EventAccumulator", middle(found["EventAccumulator"]), ratio(found["EventAccumulator"], found["ours"])),
        ("tbparse", middle(found["tbparse"]), ratio(found["tbparse"], found["ours"])),
        ("TensorBoard's Rust server, all cores, checksums on", middle(rust), ratio(rust, found["ours"])),
        (
            "`rldoctor diagnose` of all runs, from process start",
            middle([s for s, _ in whole]),
            ratio([s for s, _ in whole], found["ours"]),
        ),
    ]
    per_run = [seconds / runs * 1000 for seconds, runs in ((middle([s for s, _ in whole]), RUNS), (many_seconds, MANY))]
    return [
        f"{RUNS} runs of {POINTS} points and 14 tags: {count:,} scalars, checksums on; {ROUNDS} rounds.",
        "",
        "| what | seconds | relative to rldoctor's reader |",
        "|---|---|---|",
        *(f"| {name} | {seconds:.2f} | {times} |" for name, seconds, times in rows),
        "",
        f"`rldoctor diagnose` of {MANY:,} such runs takes {many_seconds:.1f} s, {per_run[1]:.1f} ms a run (with {RUNS} runs: {per_run[0]:.1f} ms);",
        f"its largest process uses {many_memory:.0f} MiB (with {RUNS} runs: {middle([m for _, m in whole]):.0f} MiB).",
        "",
        f"One run with {tags} tags of {LONG[1]:,} points each ({megabytes:.0f} MB) takes {long_seconds:.1f} s and "
        f"{grown:.0f} MiB of memory.",
    ]
