"""What each speed-up of a training gains: python -m benchmarks.speedups [--rounds 5]

Trains and evaluates the quick recipe in a process of its own, as a checkup does: with everything, without one speed-up
at a time, and with EnvPool. The ways take turns. Prints the medians of docs/decisions/0015-what-speed-is-worth.md.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time

PROGRAM = """
import sys, tempfile
from pathlib import Path
{patch}
from rldoctor.environments.engine import Engine
from rldoctor.references import load_recipe
from rldoctor.training.evaluate import evaluate
from rldoctor.training.train import train

with tempfile.TemporaryDirectory() as place:
    training = train(load_recipe("quick"), Path(place), 0, engine=Engine("{engine}"))
    evaluate(Path(place))
print(training.seconds)
"""
WAYS = {
    "with all of them": ("", "gymnasium"),
    "without the fast policy": (
        "import rldoctor.sb3.fast_policy as module; module.use_fast_policy = lambda policy: False",
        "gymnasium",
    ),
    "without the joint lookup": (
        "import rldoctor.environments.robot_joints as module; module.read_joints_at_once = lambda env: False",
        "gymnasium",
    ),
    "without the dynamo guard": (
        # A context manager that is a decorator too, as the guard is.
        "import contextlib, rldoctor.sb3.without_dynamo as m; m.without_dynamo = contextlib.contextmanager(lambda: (yield))",
        "gymnasium",
    ),
    "with EnvPool": ("", "envpool"),
}


def measure(patch: str, engine: str) -> tuple[float, float, float]:
    """Return the seconds of the process, its CPU seconds, and the seconds of the training alone."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", PROGRAM.format(patch=patch, engine=engine)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, float(done.stdout)


def gain(others: list[float], ours: list[float]) -> str:
    """Return by how much longer the other way takes, as the median of the rounds, with the lowest and the highest."""
    gains = [other / one - 1 for other, one in zip(others, ours, strict=True)]
    return f"{statistics.median(gains):+.0%} ({min(gains):+.0%} to {max(gains):+.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in WAYS}
    load = os.getloadavg()[0]
    for number in range(rounds):
        for name in [*WAYS][number % len(WAYS) :] + [*WAYS][: number % len(WAYS)]:
            found[name].append(measure(*WAYS[name]))
            print(f"# {name}: {', '.join(f'{value:.1f}' for value in found[name][-1])}", file=sys.stderr, flush=True)
    columns = {name: [list(column) for column in zip(*rows, strict=True)] for name, rows in found.items()}
    ours = columns["with all of them"]
    print("| training and evaluation of the quick recipe | seconds | CPU seconds | more seconds | more CPU seconds |")
    print("|---|---|---|---|---|")
    for name, (seconds, cpu, _training) in columns.items():
        more = ("", "") if name == "with all of them" else (gain(seconds, ours[0]), gain(cpu, ours[1]))
        print(f"| {name} | {statistics.median(seconds):.1f} | {statistics.median(cpu):.1f} | {more[0]} | {more[1]} |")
    print(f"\n{rounds} rounds in turns on {os.cpu_count()} cores; load before: {load:.1f}.")


if __name__ == "__main__":
    main()
