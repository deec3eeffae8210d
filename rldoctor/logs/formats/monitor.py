"""``monitor.csv`` of Stable-Baselines3's ``Monitor``: one row per episode.

Source of the format: stable_baselines3/common/monitor.py, 2.9.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.log_file import LogFile, LogFormat, ReadIssues, Wanted, by_name, read_text
from rldoctor.model import FloatArray

# SB3's logger shows the mean of this many episodes (stats_window_size).
EPISODES_PER_MEAN = 100
# More points add nothing to a curve.
_MOST_POINTS = 1_000
_LONGEST_EPISODE = 2**40


def is_monitor(name: str) -> bool:
    """Return whether a file is a ``Monitor``'s."""
    return name.endswith("monitor.csv")


def read_monitors(paths: Sequence[Path], _: Wanted) -> list[LogFile]:
    """Read the episodes of one training, of all its environments together, as the logger would have shown them.

    Returns:
        One log file with the tags ``rollout/ep_rew_mean``, ``rollout/ep_len_mean`` and, where it was recorded,
        ``rollout/success_rate``; and one for each file without an episode, with its issues.
    """
    rows: list[tuple[float, float, float, float]] = []
    damaged = []
    size = 0
    issues = ReadIssues()
    for path in paths:
        text, found = read_text(path)
        episodes = _episodes(text, found) if text is not None else []
        size += len(text or "")
        rows += episodes
        if found.counts and not episodes:
            damaged.append(LogFile(path, issues=found))
        elif found.counts:
            issues = found
    if not rows:
        return damaged
    table = np.array(sorted(rows), dtype=np.float64)
    steps = np.cumsum(np.maximum(table[:, 2], 0)).astype(np.int64)
    kept = np.unique(np.linspace(0, len(table) - 1, min(len(table), _MOST_POINTS)).round().astype(int))
    points = {
        tag: (steps[kept], recent_mean(table[:, column], EPISODES_PER_MEAN)[kept])
        for tag, column in (("rollout/ep_rew_mean", 1), ("rollout/ep_len_mean", 2), ("rollout/success_rate", 3))
        if np.isfinite(table[:, column]).all()
    }
    return [LogFile.from_points(paths[0], points, size, (), issues), *damaged]


def recent_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of each value and the ``window - 1`` before it, of fewer at the beginning; shape ``(n,)``.

    Values that are not finite are returned as they are and count in no other's mean.
    """
    finite = np.isfinite(values)
    means: FloatArray = values.astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(values[finite])])
    ends = np.arange(1, len(sums))
    begins = np.maximum(ends - window, 0)
    means[finite] = (sums[ends] - sums[begins]) / (ends - begins)
    return means


def _episodes(text: str, issues: ReadIssues) -> list[tuple[float, float, float, float]]:
    """Return end time, return, length and success (NaN where it was not recorded) of each episode."""
    head, _, body = text.partition("\n")
    try:
        begun = float(json.loads(head.removeprefix("#"))["t_start"])
        rows = list(csv.DictReader(body.splitlines()))
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError, csv.Error):
        issues.add("corrupt", 0, "is no file of Stable-Baselines3's Monitor")
        return []
    found = []
    for index, row in enumerate(rows):
        try:
            success = {"True": 1.0, "False": 0.0}.get(row.get("is_success") or "", np.nan)
            took, total, length = float(row["t"]), float(row["r"]), float(row["l"])
            if not (math.isfinite(took) and math.isfinite(total) and 0 <= length < _LONGEST_EPISODE):
                raise ValueError
            found.append((begun + took, total, length, success))
        except (KeyError, TypeError, ValueError):
            issues.add_line(index, len(rows), f"has a row that is no episode (row {index + 1})")
    if not rows:
        issues.add("empty", 0, "has no episodes")
    return found


MONITOR = LogFormat(by_name(is_monitor), read_monitors, supplement=True)
