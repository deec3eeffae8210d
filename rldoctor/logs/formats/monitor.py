"""``monitor.csv`` of Stable-Baselines3's ``Monitor``: one row per episode.

Source of the format: stable_baselines3/common/monitor.py, 2.9. A Monitor that appends (``override_existing=False``)
starts its clock again without a second header, and writes no header at all into a file that did not exist.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.log_file import LogFile, LogFormat, ReadIssues, Wanted, by_name, read_text
from rldoctor.model import FloatArray

# SB3's logger shows the mean of this many episodes (stats_window_size).
EPISODES_PER_MEAN = 100
# More points add nothing to a curve.
_MOST_POINTS = 1_000
_LONGEST_EPISODE = 2**40
_COLUMNS = ["r", "l", "t"]
_SUCCESS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
# Recorded in per cent: read as it is, so that it is told (LOG203).
_SUCCESS |= {"100": 100.0, "100.0": 100.0}
_TAGS = ("rollout/ep_rew_mean", "rollout/ep_len_mean", "rollout/success_rate")
# Numbers in names count environments (0.monitor.csv, 1.monitor.csv), except where they count trainings.
_NUMBERS = re.compile(r"((?:seed|run|trial|exp)[_.-]?\d+)|\d+", re.IGNORECASE)
# Event files are begun between the first and the last episode of their training, or shortly before.
SLACK_SECONDS = 60.0
# Monitors of parallel environments are made one after the other, before the first episode.
_STARTED_WITHIN_SECONDS = 1.0

Episode = tuple[float, float, float, float, float]
"""Session of the file, seconds, return, length in steps, success (NaN where it was not recorded)."""


@dataclass(frozen=True, slots=True)
class _Monitor:
    """One file: its episodes, and when its training ran, seconds since 1970.

    Attributes:
        begun: NaN where there is no header.
        ended: NaN where there is no header.
    """

    path: Path
    size: int
    episodes: Sequence[Episode]
    issues: ReadIssues
    begun: float
    ended: float


def is_monitor(name: str) -> bool:
    """Return whether a file is a ``Monitor``'s."""
    return name.endswith("monitor.csv")


def read_monitors(paths: Sequence[Path], _: Wanted) -> list[LogFile]:
    """Read the episodes of each training, of all its environments together, as the logger would have shown them.

    Returns:
        For each training, the earliest first, one log file with the tags ``rollout/ep_rew_mean``,
        ``rollout/ep_len_mean`` and, where it was recorded, ``rollout/success_rate``; and one for each file without an
        episode, with its issues.
    """
    found = _by_training([_read(path) for path in paths])
    damaged = [m for group in found for m in group if m.issues.counts and not m.episodes]
    logs = [log for log in map(_as_logged, found) if log is not None]
    return [*logs, *(LogFile(m.path, issues=m.issues) for m in damaged)]


def trainings(paths: Sequence[Path]) -> list[list[Path]]:
    """Sort monitor files by the training that they are of, the earliest first.

    The files of parallel environments have the same name but for a number, and their times overlap.
    """
    if len(paths) == 1:
        return [list(paths)]
    return [[monitor.path for monitor in group] for group in _by_training([_read(path) for path in paths])]


def _by_training(monitors: Sequence[_Monitor]) -> list[list[_Monitor]]:
    named: dict[str, list[_Monitor]] = {}
    for monitor in monitors:
        name = _NUMBERS.sub(lambda found: found[1] or "", monitor.path.name).lstrip("._-")
        named.setdefault(name, []).append(monitor)
    found: list[list[_Monitor]] = []
    for group in named.values():
        ended = -math.inf
        timed = sorted((m for m in group if math.isfinite(m.begun)), key=lambda m: m.begun)
        for monitor in timed:
            if monitor.begun > ended + _STARTED_WITHIN_SECONDS:
                found.append([])
            found[-1].append(monitor)
            ended = max(ended, monitor.ended)
        # Whose times are unknown: with the last of their name.
        untimed = [m for m in group if not math.isfinite(m.begun)]
        if untimed and not timed:
            found.append([])
        found[-1] += untimed
    order = [min((m.begun for m in group if math.isfinite(m.begun)), default=-math.inf) for group in found]
    return [found[i] for i in sorted(range(len(found)), key=order.__getitem__)]


def _as_logged(monitors: Sequence[_Monitor]) -> LogFile | None:
    """Return the episodes of one training as the logger would have shown them; None where there are none."""
    # One session after the other, and in each the episodes of all environments in the order in which they ended.
    rows = sorted(episode for monitor in monitors for episode in monitor.episodes)
    if not rows:
        return None
    table = np.array(rows, dtype=np.float64)[:, 1:]
    steps = np.cumsum(np.maximum(table[:, 2], 0)).astype(np.int64)
    kept = np.unique(np.linspace(0, len(table) - 1, min(len(table), _MOST_POINTS)).round().astype(int))
    points = {
        tag: (steps[kept], recent_mean(table[:, column], EPISODES_PER_MEAN)[kept])
        for column, tag in enumerate(_TAGS, start=1)
        if column == 1 or np.isfinite(table[:, column]).all()
    }
    first = next(monitor for monitor in monitors if monitor.episodes)
    issues = next((m.issues for m in reversed(monitors) if m.issues.counts and m.episodes), ReadIssues())
    log = LogFile.from_points(first.path, points, sum(monitor.size for monitor in monitors), (), issues)
    begun = min((m.begun for m in monitors if math.isfinite(m.begun)), default=math.nan)
    ended = max((m.ended for m in monitors if math.isfinite(m.ended)), default=math.nan)
    return replace(log, first_time=begun, last_time=ended)


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


def _read(path: Path) -> _Monitor:
    text, issues = read_text(path)
    if text is None:
        return _Monitor(path, 0, (), issues, math.nan, math.nan)
    if not text.strip():
        issues.add("empty", 0, "is empty")
        return _Monitor(path, len(text), (), issues, math.nan, math.nan)
    try:
        begun, rows = _table(text)
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError, csv.Error):
        issues.add("corrupt", 0, "is no file of Stable-Baselines3's Monitor")
        return _Monitor(path, len(text), (), issues, math.nan, math.nan)
    episodes, took = _episodes(rows, begun if math.isfinite(begun) else 0.0, issues)
    return _Monitor(path, len(text), episodes, issues, begun, begun + took)


def _table(text: str) -> tuple[float, list[dict[str, str]]]:
    """Return when the first session began, NaN without a header, and the rows by column.

    Raises:
        ValueError: This is no monitor file (among the errors of ``json`` and ``csv``).
    """
    head, _, body = text.partition("\n")
    if head.startswith("#"):
        return float(json.loads(head.removeprefix("#"))["t_start"]), list(csv.DictReader(body.splitlines()))
    lines = list(csv.reader(text.splitlines()))
    if not lines:
        raise ValueError("empty")
    columns = _COLUMNS
    if lines[0][:3] == _COLUMNS:
        columns = lines.pop(0)
    elif len(lines[0]) == 4 and all(len(line) == 4 and line[3].lower() in _SUCCESS for line in lines):
        columns = [*_COLUMNS, "is_success"]
    rows = [dict(zip(columns, line, strict=False)) for line in lines if line]
    # Nothing else says what these numbers are: episodes have whole lengths, and time does not go below zero.
    if not rows or not math.isfinite(float(rows[0]["r"])) or int(rows[0]["l"]) < 1 or float(rows[0]["t"]) < 0:
        raise ValueError("no episodes")
    return math.nan, rows


def _episodes(rows: Sequence[dict[str, str]], begun: float, issues: ReadIssues) -> tuple[list[Episode], float]:
    """Return the episodes, and how many seconds the longest session took."""
    found: list[Episode] = []
    session, before, longest = 0, 0.0, 0.0
    for index, row in enumerate(rows):
        if _is_header(row):
            session, before = session + 1, 0.0
            continue
        try:
            success = _SUCCESS.get((row.get("is_success") or "").lower(), math.nan)
            took, total, length = float(row["t"]), float(row["r"]), float(row["l"])
            # A return that is no number is a fault of the training, not of the file.
            if not (math.isfinite(took) and 0 <= length < _LONGEST_EPISODE):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            issues.add_line(index, len(rows), f"has a row that is no episode (row {index + 1})")
            continue
        session += took < before
        before, longest = took, max(longest, took)
        found.append((float(session), begun + took, total, length, success))
    if not rows:
        issues.add("empty", 0, "has no episodes")
    return found, longest


def _is_header(row: dict[str, str]) -> bool:
    """Return whether a row is that of a header: of a second file that was put behind the first one."""
    first = row.get("r") or ""
    return first.startswith('#{"') or first == "r"


MONITOR = LogFormat(by_name(is_monitor), read_monitors, supplement=True, shows_training=True, trainings=trainings)
