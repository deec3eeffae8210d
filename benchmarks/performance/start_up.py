"""Start-up: the time of cold processes, from command to last line of output."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks import TESTS
from benchmarks.performance.ratios import as_installed

TITLE = "Start-up"
RECORDED = TESTS / "runs/healthy/fetch_reach_dense/quick/as-recorded-20"
# Command, and the seconds it may take.
COMMANDS = (
    (["--help"], 0.25),
    (["explain", "UPD101"], 0.4),
    (["rules"], 0.4),
    (["diagnose", str(RECORDED)], 0.6),
)
STARTS = 11


def measure() -> list[str]:
    lines = ["| command | median of 11 cold processes | fastest | slowest | target |", "|---|---|---|---|---|"]
    for command, target in COMMANDS:
        seconds = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "rldoctor", *command], stdout=subprocess.DEVNULL, check=True, env=as_installed()
            )
            seconds.append(time.perf_counter() - begun)
        shown = " ".join("RUN" if word == str(RECORDED) else word for word in command)
        numbers = " | ".join(f"{f(seconds):.2f} s" for f in (statistics.median, min, max))
        lines.append(f"| `rldoctor {shown}` | {numbers} | {target:g} s |")
    return lines
