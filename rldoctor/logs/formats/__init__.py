"""The log formats: one format per module, and one line of ``FORMATS``, by which logs are both found and read.

``log_file`` holds what they share; ``tfrecord`` and ``scalar_events`` are the two layers of an event file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rldoctor.logs.formats.evaluations import EVALUATIONS
from rldoctor.logs.formats.log_file import LogFormat
from rldoctor.logs.formats.mlflow import MLFLOW
from rldoctor.logs.formats.monitor import MONITOR
from rldoctor.logs.formats.tables import TABLES
from rldoctor.logs.formats.tfevents import TFEVENTS
from rldoctor.logs.formats.wandb import WANDB

# Where one directory holds the same training in several formats, the first of these is read, and the supplements.
FORMATS: Mapping[str, LogFormat] = {
    "MLflow": MLFLOW,
    "TensorBoard": TFEVENTS,
    "table": TABLES,
    "Weights & Biases": WANDB,
    "evaluations.npz": EVALUATIONS,
    "monitor.csv": MONITOR,
}


def formats_of(folders: Sequence[str], files: Sequence[str]) -> list[tuple[LogFormat, list[str]]]:
    """Return the formats of which a directory with these entries holds logs, in order, with the names of these logs."""
    found = ((format_, format_.find(folders, files)) for format_ in FORMATS.values())
    return [(format_, names) for format_, names in found if names]


def is_log_file(name: str) -> bool:
    """Return whether a file is a log by its name."""
    return bool(formats_of((), (name,)))
