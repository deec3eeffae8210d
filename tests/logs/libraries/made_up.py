"""Made-up trainings: curves of a healthy one and of sick ones, to be written under the tags of a library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from torch.utils.tensorboard import SummaryWriter

import rldoctor
from rldoctor.model import RunDiagnosis

POINTS = 60


def curve(*points: float, noise: float = 0.02, seed: int = 0, count: int = POINTS) -> list[float]:
    """Return a curve through evenly spaced points, with noise as a share of its range."""
    grid = np.linspace(0, len(points) - 1, count)
    values = np.interp(grid, np.arange(len(points)), points)
    spread = float(np.ptp(values)) or abs(float(values[0])) or 1.0
    return list(values + noise * spread * np.random.default_rng(seed).standard_normal(count))


def rising(low: float = 20.0, high: float = 480.0) -> list[float]:
    """Return what a healthy training gets."""
    share = [0.0, 0.05, 0.2, 0.5, 0.8, 0.93, 0.97, 0.99, 1.0, 1.0]
    return curve(*(low + (high - low) * at for at in share))


# PPO: its return, how far an update goes, and how sure its policy and its critic are.
HEALTHY: Mapping[str, Sequence[float]] = {
    "episode_return": rising(),
    "approx_kl": curve(0.006, 0.012, 0.011, 0.01, 0.009, noise=0.1, seed=1),
    "clip_fraction": curve(0.05, 0.14, 0.13, 0.12, 0.11, noise=0.1, seed=2),
    "entropy": curve(0.69, 0.66, 0.6, 0.55, 0.52, 0.5, seed=3),
    "explained_variance": curve(0.02, 0.4, 0.7, 0.85, 0.9, 0.92, seed=4),
    "policy_loss": curve(-0.012, -0.011, -0.01, -0.009, noise=0.2, seed=5),
    "value_loss": curve(40.0, 60.0, 40.0, 20.0, 12.0, 9.0, seed=6),
}
# A learning rate that is a hundred times too large.
TOO_HIGH: Mapping[str, Sequence[float]] = {
    "episode_return": curve(22.0, 12.0, 9.5, 9.4, 9.4, 9.4, noise=0.005),
    "approx_kl": curve(0.9, 1.6, 1.2, 0.9, 1.1, noise=0.1, seed=1),
    "clip_fraction": curve(0.7, 0.75, 0.7, 0.72, noise=0.1, seed=2),
    "entropy": curve(0.69, 0.35, 0.3, 0.25, 0.2, 0.22, noise=0.05, seed=3),
    "explained_variance": curve(0.0, -0.2, -0.05, -0.1, noise=0.1, seed=4),
    "policy_loss": curve(0.11, 0.14, 0.1, 0.12, noise=0.1, seed=5),
    "value_loss": curve(40.0, 90.0, 60.0, 70.0, noise=0.1, seed=6),
}


def steps_of(total: int, count: int = POINTS) -> list[int]:
    """Return evenly spaced steps up to ``total``."""
    return [total * (i + 1) // count for i in range(count)]


def write_events(folder: Path, total: int, tags: Mapping[str, Sequence[float]]) -> Path:
    """Write the curves of tags with the writer of PyTorch, as ML-Agents does (tensorboardX writes the same)."""
    with SummaryWriter(str(folder)) as writer:
        for tag, values in tags.items():
            for step, value in zip(steps_of(total, len(values)), values, strict=True):
                writer.add_scalar(tag, value, step)
    return folder


def write_table(path: Path, columns: Mapping[str, Sequence[object]], separator: str = ",") -> Path:
    """Write a table as the loggers of Baselines, Spinning Up, garage and PFRL do: ``str`` of each value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [separator.join(columns), *(separator.join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(rows) + "\n")
    return path.parent


def judged(folder: Path) -> RunDiagnosis:
    """Return what the doctor says of one run."""
    (subject,) = rldoctor.diagnose(folder).subjects
    return subject


def advice(subject: RunDiagnosis) -> str:
    """Return all that a report advises."""
    return "\n".join(f"{diagnosis.remedy}\n{diagnosis.next_test}" for diagnosis in subject.diagnoses)
