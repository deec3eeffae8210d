"""Six trainings in a sweep, compared with one after the other: python -m benchmarks.sweeps

Times whole commands alternately, from process start to exit, on the quick recipe: `rldoctor sweep`, the same with
`--jobs 1`, and `rldoctor train` and `rldoctor evaluate` six times. Writes docs/sweeps.md.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import DOCS
from rldoctor import machine

DOCUMENT = DOCS / "sweeps.md"
SEEDS = 6
ROUNDS = 2


def command(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "rldoctor", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def sweep(folder: Path, *more: str) -> None:
    command("sweep", "--reference", "quick", "--seeds", f"0-{SEEDS - 1}", "--runs", str(folder), *more)


def one_after_the_other(folder: Path) -> None:
    for seed in range(SEEDS):
        command("train", "--reference", "quick", "--seed", str(seed), "--runs", str(folder))
        command("evaluate", str(folder / f"fetch_reach_dense/quick/seed-{seed}"))


def seconds(work: Callable[[Path], None]) -> float:
    folder = Path(tempfile.mkdtemp())
    try:
        begun = time.perf_counter()
        work(folder)
        return time.perf_counter() - begun
    finally:
        shutil.rmtree(folder)


WAYS: dict[str, Callable[[Path], None]] = {
    "`rldoctor sweep --seeds 0-5`": sweep,
    "the same with `--jobs 1`": lambda folder: sweep(folder, "--jobs", "1"),
    "`rldoctor train` and `evaluate`, six times": one_after_the_other,
}


def main() -> None:
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(ROUNDS):
        for name, work in WAYS.items():
            taken[name].append(seconds(work))
            print(f"round {turn}: {name} {taken[name][-1]:.1f} s", flush=True)
    first = next(iter(WAYS))
    rows = []
    for name, times in taken.items():
        ratios = [ours / theirs for ours, theirs in zip(taken[first], times, strict=True)]
        shown = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if name != first else ""
        rows.append(f"| {name} | {statistics.median(times):.1f} s ({min(times):.1f} to {max(times):.1f}) | {shown} |")
    about = machine.describe()
    versions = ", ".join(f"{key} {number}" for key, number in machine.versions().items() if number)
    DOCUMENT.write_text(
        "# How much time a sweep saves\n\n"
        f"{SEEDS} seeds of the quick recipe, each trained and evaluated on 100 episodes. Times are of whole commands: the median of {ROUNDS} alternating rounds, with the lowest and the highest.\n\n"
        "| | time | relative time of the sweep |\n|---|---|---|\n" + "\n".join(rows) + "\n\n"
        "`rldoctor train` steps its environments on all cores and pays for every process start. With `--jobs 1`, a trial has one core,\n"
        "as every trial of a sweep has. A sweep first measures its speed (about two seconds), loads its packages once, and evaluates\n"
        "the baseline policies of an environment once for all trials that start later.\n\n"
        "Reproduce with `python -m benchmarks.sweeps`.\n\n"
        f"Machine: {about['cores']} cores of {about['processor']}, {about['system']}. Versions: {versions}.\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
