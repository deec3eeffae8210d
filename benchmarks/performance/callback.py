"""What DoctorCallback costs a training."""

from __future__ import annotations

import statistics

from benchmarks.callback_cost import compare

TITLE = "DoctorCallback"
REFERENCES = ("fetch_reach_dense/chapter", "fetch_reach_dense/quick", "cartpole/zoo", "pendulum/zoo")
PAIRS = 3


def measure() -> list[str]:
    lines = [
        "| recipe | additional processor time, median | lowest | highest | by its own clock |",
        "|---|---|---|---|---|",
    ]
    for name in REFERENCES:
        ratios, own = compare(name, PAIRS)
        numbers = [statistics.median(ratios), min(ratios), max(ratios), statistics.median(own)]
        lines.append(f"| {name} | " + " | ".join(f"{number:+.1%}" for number in numbers) + " |")
    return [
        f"{PAIRS} alternating pairs of the same training with and without the callback; the curves are identical. Target: 3 %.",
        "",
        *lines,
        "",
        "Processor time varies from run to run by more than the callback adds to it. The callback's own clock measures only the",
        "time inside its methods.",
    ]
