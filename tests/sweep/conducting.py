"""Sweeps that are done here, and what their reports say."""

from __future__ import annotations

import json

from rldoctor.executors.local import LocalExecutor
from rldoctor.experiments.sweep.dispatch import run_trials, unfinished
from rldoctor.experiments.sweep.job import PRELOAD
from tests.sweep.observers import Notes

CLOCK = {"train_seconds", "steps_per_second"}


def do(plan, observer=None, slots=2):
    observer = observer or Notes()
    return run_trials(unfinished(plan.trials), LocalExecutor(slots, PRELOAD), command=["sweep"], observer=observer)


def table(report_file):
    """Return what a sweep's report says of its settings, but for the clock."""
    whole = json.loads(report_file.read_text())["subjects"][0]
    for setting in whole["settings"]:
        setting["samples"] = [sample for sample in setting["samples"] if sample["metric"] not in CLOCK]
    return whole["settings"], [(t["setting"], t["seed"], t["status"], t["verdict"]) for t in whole["trials"]]


def holds(process, directory):
    return any(str(directory) in file.path for file in process.open_files())
