"""Recorded runs, written as files in other ways, read and diagnosed again."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import relogged
from benchmarks.invariance.diagnosed import as_row, runs, said
from rldoctor.model import Run

# One run in so many is written as files and read again. Titles, and the kinds of these changes.
EVERY = 6
FRAMEWORKS = ("cleanrl", "rl_games", "skrl", "tianshou")
FILES = {
    "split into 2 files": "split",
    "split into 3 files": "split",
    "add_hparams beside it": "linked",
    "a link to it": "linked",
    **{f"tags of {name}": "renamed" for name in FRAMEWORKS},
}


def through_files() -> dict[str, Callable[[Run, Path], Any]]:
    """Return by title what writes a run as files and reads it again."""
    changes: list[Callable[[Run, Path], Any]] = [
        lambda run, folder: relogged.split(run, folder, 2),
        lambda run, folder: relogged.split(run, folder, 3),
        relogged.with_hparams,
        relogged.linked,
        *(relogged.renamed(name) for name in FRAMEWORKS),
    ]
    return dict(zip(FILES, changes, strict=True))


def ask_through_files() -> dict[str, list[dict[str, str]]]:
    """Return the same for changes that go through files, of some runs of Stable-Baselines3 that are one run each."""
    answers: dict[str, list[dict[str, str]]] = defaultdict(list)
    changes = through_files()
    mine = [(name, run) for name, run in runs() if run.framework == "sb3" and not run.findings and run.curves]
    for name, run in mine[::EVERY]:
        for title, change in changes.items():
            with tempfile.TemporaryDirectory() as folder:
                other = change(run, Path(folder))
            if other is not None:
                before, after = other if FILES[title] == "renamed" else (run, other)
                answers[title].append({"run": name, **as_row(said(before, True), said(after, True))})
    return answers
