"""The log formats: one format per module, and one line of ``FORMATS``, by which logs are both found and read.

``log_file`` holds what they share; ``tfrecord`` and ``scalar_events`` are the two layers of an event file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rldoctor.logs.formats.evaluations import EVALUATIONS
from rldoctor.logs.formats.log_file import LogFormat
from rldoctor.logs.formats.mlflow import MLFLOW
from rldoctor.logs.formats.monitor import MONITOR
from rldoctor.logs.formats.printed import PRINTED
from rldoctor.logs.formats.tables import RLLIB, TAB_SEPARATED, TABLES, TRAINER_STATE
from rldoctor.logs.formats.tensorboard_csv import TENSORBOARD_CSV
from rldoctor.logs.formats.tfevents import TFEVENTS
from rldoctor.logs.formats.wandb import WANDB

# Where one directory holds the same training in several formats, the first of these is read, and the supplements.
FORMATS: Mapping[str, LogFormat] = {
    "MLflow": MLFLOW,
    "TensorBoard": TFEVENTS,
    "RLlib": RLLIB,
    "table": TABLES,
    "tab-separated table": TAB_SEPARATED,
    "trainer_state.json": TRAINER_STATE,
    "Weights & Biases": WANDB,
    "TensorBoard CSV": TENSORBOARD_CSV,
    "evaluations.npz": EVALUATIONS,
    "monitor.csv": MONITOR,
    "printed output": PRINTED,
}


def formats_of(
    folders: Sequence[str], files: Sequence[str], directory: Path | None = None
) -> list[tuple[LogFormat, list[str]]]:
    """Return the formats of which a directory with these entries holds logs, in order, with the names of these logs.

    Args:
        folders: The names of its folders.
        files: The names of its files.
        directory: Where they are; without it, formats that are known by content alone are left out.
    """
    found: list[tuple[LogFormat, list[str]]] = []
    for format_ in FORMATS.values():
        if found and format_.last_resort:
            continue
        names = format_.find(folders, files)
        if format_.confirm is not None:
            names = [name for name in names if directory is not None and format_.confirm(directory / name)]
        if names:
            found.append((format_, names))
    return found


def run_folders(found: Mapping[str, Sequence[LogFormat]], separator: str = "/") -> list[str]:
    """Return which of the folders, given with the formats of their logs, are runs.

    Supplements make a run where nothing else does. Those that show a whole training also make one beside other runs,
    but neither above nor below one, where they belong to it (``logs/monitor.csv``, ``logs/PPO_1/events...``).
    """
    runs = [folder for folder, formats in found.items() if not formats[0].supplement]
    whole = tuple(folder + separator for folder in runs if any(f.includes_subfolders for f in found[folder]))
    runs = [folder for folder in runs if not folder.startswith(whole)]
    if not runs:
        return list(found)

    def is_apart(folder: str) -> bool:
        inside, below = folder + separator, tuple(run + separator for run in runs)
        return not inside.startswith(below) and not any(run.startswith(inside) for run in runs)

    return runs + [
        folder
        for folder, formats in found.items()
        if formats[0].supplement and any(f.shows_training for f in formats) and is_apart(folder)
    ]


def is_log_file(name: str) -> bool:
    """Return whether a file is a log by its name."""
    return bool(formats_of((), (name,)))
