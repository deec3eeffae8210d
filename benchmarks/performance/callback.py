"""What DoctorCallback costs a training."""

from __future__ import annotations

from benchmarks.callback_cost import STEPS, compare

TITLE = "DoctorCallback"
REFERENCES = ("fetch_reach_dense/chapter", "fetch_reach_dense/quick", "cartpole/zoo", "pendulum/zoo")


def measure() -> list[str]:
    lines = ["| recipe | processor time without | more with it | seconds inside it |", "|---|---|---|---|"]
    for name in REFERENCES:
        more, seconds, own = compare(name)
        lines.append(f"| {name} | {seconds:.1f} s | {more:+.1%} | {own:.2f} |")
    return [
        f"{STEPS:,} steps with and without the callback, rollout by rollout in turn in one process; the curves are identical.",
        "Target: 2 %.",
        "",
        *lines,
    ]
