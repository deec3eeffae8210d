"""What ``before-nan.npz`` beside the logs says of a training that its logs do not: that it stopped on NaN."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from rldoctor.model import Curve
from rldoctor.run_record import RunRecord

FILE = "before-nan.npz"


def with_last_steps(record: RunRecord, directory: Path, curves: Mapping[str, Curve]) -> RunRecord:
    """Return the record with the error that a file of last steps stands for, where the record tells of none.

    Stable-Baselines3 stops at the first NaN, before a table of its logger holds any. A training that went on has logged
    later steps than those of the file.
    """
    path = directory / FILE
    if record.error or record.is_finished or not path.is_file():
        return record
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            last = int(np.max(file["steps"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, AttributeError, TypeError):
        return record
    logged = max((int(curve.steps[-1]) for curve in curves.values() if len(curve)), default=0)
    if logged > last:
        return record
    return RunRecord({**record.content, "error": f"{FILE} holds its last steps, until step {last:,}"})
