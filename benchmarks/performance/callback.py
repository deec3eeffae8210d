"""What one line of DoctorCallback costs a training."""

from __future__ import annotations

import statistics

from benchmarks.callback_cost import compare

TITLE = "DoctorCallback"
REFERENCES = ("fetch_reach_dense/chapter", "fetch_reach_dense/quick", "cartpole/zoo", "pendulum/zoo")
PAIRS = 3


def measure() -> list[str]:
    lines = ["| recipe | processor time more, median | lowest | highest | by its own clock |", "|---|---|---|---|---|"]
    for name in REFERENCES:
        ratios, own = compare(name, PAIRS)
        numbers = [statistics.median(ratios), min(ratios), max(ratios), statistics.median(own)]
        lines.append(f"| {name} | " + " | ".join(f"{number:+.1%}" for number in numbers) + " |")
    return [
        f"{PAIRS} pairs of the same training with and without it, in turns; the curves are the same. Target: 3 %.",
        "",
        *lines,
    ]
