"""Logs that do not show one whole run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stable_baselines3 import PPO

from rldoctor.experiments.faults.fault import Fault

_EVENTS = "*tfevents*"


def _two_runs(directory: Path, train_again: Callable[[Path], None]) -> None:
    """Put the event file of a second run beside that of the first."""
    with tempfile.TemporaryDirectory() as place:
        train_again(Path(place))
        for path in Path(place).glob(_EVENTS):
            shutil.move(path, directory / path.name)


def _cut(directory: Path, train_again: Callable[[Path], None]) -> None:
    """Cut the event file in the middle of its last record, as a killed writer leaves it."""
    del train_again
    for path in directory.glob(_EVENTS):
        path.write_bytes(path.read_bytes()[:-7])


class _LearnsTwice(PPO):
    """PPO whose ``learn`` does its work in two halves, the second of which counts its steps from zero again."""

    def learn(self, total_timesteps: int, **kwargs: Any) -> PPO:  # type: ignore[override]
        """Learn twice."""
        super().learn(total_timesteps // 2, **kwargs)
        return super().learn(total_timesteps // 2, **{**kwargs, "reset_num_timesteps": True})


def _learn_twice(model: PPO) -> None:
    # Another class rather than another attribute: Stable-Baselines3 saves every attribute of a model.
    model.__class__ = _LearnsTwice


FAULTS = (
    Fault(
        "two-runs-in-one-directory",
        "The event files of two runs lie in one directory.",
        ("mixed-runs",),
        spoil=lambda _: _two_runs,
        always_harms=True,
    ),
    Fault(
        "killed-early",
        "Training is killed after a few updates, in the middle of a write; the knob is the steps until then.",
        ("too-short-to-judge",),
        {"full": 1_500.0},
        settings=lambda steps: (f"total_steps={int(steps)}",),
        spoil=lambda _: _cut,
        always_harms=True,
    ),
    Fault(
        "step-axis-reset",
        "learn() is called twice and the second call counts its steps from zero.",
        ("mixed-runs",),
        adjust=lambda _: _learn_twice,
        always_harms=True,
    ),
)
