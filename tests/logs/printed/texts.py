"""Texts as trainings print them, kept and read back."""

from __future__ import annotations

from pathlib import Path

from rldoctor.logs import read_run
from rldoctor.model import Run

DATA = Path(__file__).parents[1] / "data" / "printed"


def kept(place: Path, *lines: str, name: str = "train.log", end: str = "\n") -> Path:
    """Write the lines to a file, each with its ``end``, and return that."""
    file = place / name
    file.write_bytes((end.join(lines) + end).encode())
    return file


def read(place: Path, *lines: str, name: str = "train.log", end: str = "\n") -> Run:
    return read_run(kept(place, *lines, name=name, end=end))


def returns(run: Run) -> list[float]:
    return run.curves["episode_return"].values.tolist()


EPISODES = [f"global_step={100 * i}, episodic_return={i % 7}.0" for i in range(1, 60)]
NAN = [
    "Traceback (most recent call last):",
    '  File "ppo.py", line 12, in <module>',
    "    probs = Normal(action_mean, action_std)",
    "ValueError: Expected parameter loc of distribution Normal to satisfy Real(), but found invalid values:",
    "tensor([[nan, nan]])",
]


def points(run: Run, metric: str = "episode_return") -> list[tuple[int, float]]:
    curve = run.curves[metric]
    return list(zip(curve.steps.tolist(), curve.values.tolist(), strict=True))
