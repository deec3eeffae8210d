"""Logs that do not show one whole run. They are recognised while reading, without weights."""

from __future__ import annotations

from benchmarks.laboratory.faults.fault import Knob, LabFault, puts

FAULTS = (
    LabFault(
        "two-runs-in-one-directory",
        "The points of another training are among those of this one.",
        ("mixed-runs",),
        puts("log_mixed"),
        always_harms=True,
    ),
    LabFault(
        "killed-early",
        "Training is killed after this share of its steps.",
        ("too-short-to-judge",),
        puts("log_killed"),
        Knob(0.01, 0.06, log=True),
        always_harms=True,
    ),
    LabFault(
        "step-axis-reset",
        "The steps are counted from zero again after this share of the training.",
        ("mixed-runs",),
        puts("log_reset"),
        Knob(0.3, 0.8),
        always_harms=True,
    ),
)
