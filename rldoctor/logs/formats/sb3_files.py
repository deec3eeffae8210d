"""What Stable-Baselines3 writes beside its logger: ``Monitor``'s episodes and ``EvalCallback``'s evaluations.

Source of the formats: stable_baselines3/common/monitor.py and callbacks.py, 2.9.
"""

from __future__ import annotations

import csv
import json
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.tables import of_points, open_plain, read_text, recent_mean
from rldoctor.logs.formats.tfevents import EventFile
from rldoctor.logs.formats.tfrecord import ReadIssues
from rldoctor.model import FloatArray, IntArray

# SB3's logger shows the mean of so many episodes (stats_window_size).
_WINDOW = 100
# A curve of more points says no more.
_MOST_POINTS = 1_000
# evaluations.npz of a thousand evaluations of a hundred episodes is 1.6 MB.
_MOST_BYTES = 256 * 2**20
_LONGEST_EPISODE = 2**40


def read_monitors(paths: Sequence[Path]) -> list[EventFile]:
    """Read the episodes of one training, of all its environments together, as the logger would have shown them.

    Returns:
        One log file with the tags ``rollout/ep_rew_mean``, ``rollout/ep_len_mean`` and, where it was kept,
        ``rollout/success_rate``; and one for each file that holds nothing, with its trouble.
    """
    rows: list[tuple[float, float, float, float]] = []
    damaged = []
    size = 0
    troubles = ReadIssues()
    for path in paths:
        text, own = read_text(path)
        episodes = _episodes(text, own) if text is not None else []
        size += len(text or "")
        rows += episodes
        if own.counts and not episodes:
            damaged.append(EventFile(path, troubles=own))
        elif own.counts:
            troubles = own
    if not rows:
        return damaged
    table = np.array(sorted(rows), dtype=np.float64)
    steps = np.cumsum(np.maximum(table[:, 2], 0)).astype(np.int64)
    kept = np.unique(np.linspace(0, len(table) - 1, min(len(table), _MOST_POINTS)).round().astype(int))
    points = {
        tag: (steps[kept], recent_mean(table[:, column], _WINDOW)[kept])
        for tag, column in (("rollout/ep_rew_mean", 1), ("rollout/ep_len_mean", 2), ("rollout/success_rate", 3))
        if np.isfinite(table[:, column]).all()
    }
    return [of_points(paths[0], points, size, (), troubles), *damaged]


def _episodes(text: str, troubles: ReadIssues) -> list[tuple[float, float, float, float]]:
    """Return end time, return, length and success (NaN where it was not kept) of each episode."""
    head, _, body = text.partition("\n")
    try:
        begun = float(json.loads(head.removeprefix("#"))["t_start"])
        rows = list(csv.DictReader(body.splitlines()))
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError, csv.Error):
        troubles.add("corrupt", 0, "is no file of Stable-Baselines3's Monitor")
        return []
    found = []
    for place, row in enumerate(rows):
        try:
            success = row.get("is_success")
            solved = {"True": 1.0, "False": 0.0}.get(success or "", np.nan)
            took, total, length = float(row["t"]), float(row["r"]), float(row["l"])
            if not (math.isfinite(took) and math.isfinite(total) and 0 <= length < _LONGEST_EPISODE):
                raise ValueError
            found.append((begun + took, total, length, solved))
        except (KeyError, TypeError, ValueError):
            last = place == len(rows) - 1
            troubles.add("torn" if last else "corrupt", 0, f"has a row that is no episode (row {place + 1})")
    if not rows:
        troubles.add("empty", 0, "holds no episode")
    return found


def read_evaluations(path: Path) -> EventFile:
    """Read ``evaluations.npz`` as the tags that EvalCallback logs. Nothing in it is unpickled."""
    troubles = ReadIssues()
    try:
        with open_plain(path) as file:
            with zipfile.ZipFile(file) as archive:
                size = sum(member.file_size for member in archive.infolist())
            if size > _MOST_BYTES:
                troubles.add("unreadable", 0, f"claims {size} bytes")
                return EventFile(path, troubles=troubles)
            file.seek(0)
            arrays = np.load(file, allow_pickle=False)
            steps = np.asarray(arrays["timesteps"], dtype=np.int64).reshape(-1)
            points = {
                tag: (steps, _means(arrays[name], len(steps)))
                for tag, name in (
                    ("eval/mean_reward", "results"),
                    ("eval/mean_ep_length", "ep_lengths"),
                    ("eval/success_rate", "successes"),
                )
                if name in arrays
            }
    except OSError as error:
        troubles.add("unreadable", 0, f"cannot be read: {(error.strerror or str(error)).lower()}")
        return EventFile(path, troubles=troubles)
    except Exception as error:
        # The file may be a stranger's: zipfile, zlib and numpy each have errors of their own.
        troubles.add(
            "corrupt", 0, f"is no file of EvalCallback: {(str(error) or type(error).__name__).splitlines()[0]}"
        )
        return EventFile(path, troubles=troubles)
    return of_points(path, points, size)


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
