"""The label.json of a recorded run of another library; needs only the standard library."""

from __future__ import annotations

import importlib.metadata
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

LABEL_FILE = "label.json"
LEARNING_RATE_HIGH = "learning-rate-too-high"
# Fault to the diagnoses that are right for it, best first.
RIGHT = {
    "learning-rate-high": (LEARNING_RATE_HIGH, "updates-too-aggressive", "policy-collapsed", "critic-diverges"),
    "learning-rate-low": ("updates-too-small",),
    "reward-huge": ("reward-scale-too-large", "critic-diverges"),
    "reward-constant": ("reward-uninformative",),
    "entropy-bonus": ("entropy-too-high",),
    "random-for-ever": ("exploration-never-ends",),
}


def place(out: Path, framework: str, algorithm: str, env: str, fault: str, seed: int) -> Path:
    """Return the folder of a run; it exists, and is empty unless the run has been recorded already."""
    folder = out / framework / f"{algorithm}-{env.split('-')[0].lower()}-{fault or 'healthy'}-{seed}"
    if folder.exists() and not is_recorded(folder):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def is_recorded(folder: Path) -> bool:
    """Return whether a complete run is there."""
    return (folder / LABEL_FILE).exists()


def write(
    folder: Path,
    framework: str,
    algorithm: str,
    env: str,
    fault: str,
    words: str,
    reached: float,
    packages: Sequence[str],
    right: Sequence[str] = (),
    first: Sequence[str] = (),
) -> None:
    """Write label.json next to the event file, and print a line.

    Args:
        folder: The run.
        framework: Key of checks/tags.
        algorithm: Key of checks/algorithms.toml.
        env: Gymnasium id.
        fault: A key of ``RIGHT`` where ``right`` is not given; empty for a healthy run.
        words: The fault as a setting, in words.
        reached: Mean of the true return, without the fault, over the last tenth of the training episodes; NaN where it is not known.
        packages: Whose versions to note.
        right: The diagnoses that are right for it, best first; those of ``RIGHT`` by default.
        first: Of a run that breaks: beginnings of the names of the metrics of which one leaves its own band first.
    """
    label = {
        "framework": framework,
        "algorithm": algorithm,
        "env": env,
        "state": "sick" if fault else "healthy",
        "diagnoses": list(right or RIGHT[fault]) if fault else [],
        "fault": words,
        **({"first": list(first)} if first else {}),
        "outcome": {"return": reached if math.isfinite(reached) else None},
        "versions": {package: importlib.metadata.version(package) for package in packages},
    }
    (folder / LABEL_FILE).write_text(json.dumps(label, indent=2) + "\n")
    print(f"{folder.parent.name}/{folder.name}: {reached:.1f}", flush=True)
