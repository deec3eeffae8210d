"""``evaluations.npz`` of Stable-Baselines3's ``EvalCallback``.

Source of the format: stable_baselines3/common/callbacks.py, 2.9.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.log_file import LogFile, LogFormat, ReadIssues, Wanted, by_name, one_by_one, open_log
from rldoctor.model import FloatArray, IntArray

_FILE = "evaluations.npz"
# A thousand evaluations of a hundred episodes are 1.6 MB.
_MOST_BYTES = 256 * 2**20
_ARRAYS = {"eval/mean_reward": "results", "eval/mean_ep_length": "ep_lengths", "eval/success_rate": "successes"}


def read_evaluations(path: Path, _: Wanted) -> LogFile:
    """Read ``evaluations.npz`` as the tags that EvalCallback logs. Nothing in it is unpickled."""
    issues = ReadIssues()
    try:
        with open_log(path) as file:
            with zipfile.ZipFile(file) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > _MOST_BYTES:
                issues.add("unreadable", 0, f"claims {size} bytes")
                return LogFile(path, issues=issues)
            file.seek(0)
            arrays = np.load(file, allow_pickle=False)
            steps = np.asarray(arrays["timesteps"], dtype=np.int64).reshape(-1)
            points = {tag: (steps, _means(arrays[name], len(steps))) for tag, name in _ARRAYS.items() if name in arrays}
    except OSError as error:
        return LogFile(path, issues=ReadIssues.unreadable(error))
    except Exception as error:
        # The file may be a stranger's: zipfile, zlib and numpy each have errors of their own.
        why = (str(error) or type(error).__name__).splitlines()[0]
        issues.add("corrupt", 0, f"is no file of EvalCallback: {why}")
        return LogFile(path, issues=issues)
    return LogFile.from_points(path, points, size)


def _means(table: FloatArray | IntArray, rows: int) -> FloatArray:
    """Return the mean of each evaluation's episodes.

    Raises:
        ValueError: There is not a row for each evaluation.
    """
    values = np.asarray(table, dtype=np.float64)
    if len(values) != rows:
        raise ValueError(f"{len(values)} evaluations at {rows} steps")
    means: FloatArray = values.reshape(rows, -1).mean(axis=1)
    return means


EVALUATIONS = LogFormat(by_name(_FILE.__eq__), one_by_one(read_evaluations), supplement=True)
