"""What it costs to lead a stream on Ray Data: python -m benchmarks.scale.leading

Streams batches that do nothing, few and many of them, and batches that wait, and reads the processor time of the process
that leads. Writes ``leading.json``, of which ``python -m benchmarks.scale`` makes its document. Two minutes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rldoctor import machine
from rldoctor.executors.on_ray import RayExecutor

FILE = Path(__file__).with_name("leading.json")
# The first stream of a cluster loads what the others use.
FEW, MANY, ROUNDS = 16, 1_600, 2
WAITS, WAIT = 16, 5.0


def expand(count: int) -> Sequence[int]:
    return range(count)


def nothing(items: Sequence[int]) -> int:
    return len(items)


def waiting(items: Sequence[int]) -> int:
    time.sleep(WAIT)
    return len(items)


def merge(found: Iterable[int]) -> int:
    return sum(found)


def main() -> None:
    executor = RayExecutor()
    try:
        start = executor.stream([FEW], expand, nothing, merge, 1).processor_seconds
        rounds = []
        for _ in range(ROUNDS):
            few, many = (executor.stream([count], expand, nothing, merge, 1) for count in (FEW, MANY))
            rounds.append((many.processor_seconds - few.processor_seconds) / (many.batches - few.batches))
        begun = time.perf_counter()
        idle = executor.stream([WAITS], expand, waiting, merge, 1)
        took = time.perf_counter() - begun
        slots = executor.slots
    finally:
        executor.close()
    found = {
        "machine": f"{machine.cores()} cores of {machine.cpu_name()}",
        "batches": [FEW, MANY],
        "start": start,
        "batch": sum(rounds) / len(rounds),
        "rounds": rounds,
        "watched_seconds": took,
        "watching": max(0.0, idle.processor_seconds - WAITS * min(rounds)) / took,
        "slots": slots,
    }
    FILE.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
