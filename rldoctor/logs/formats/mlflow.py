"""Runs in MLflow's local file store: a directory with ``meta.yaml`` and ``metrics/``, a file for each metric.

A line of such a file is ``timestamp value step``, the timestamp in milliseconds, the step 0 in old ones that have none.
Source: mlflow/store/tracking/file_store.py.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.log_file import (
    LARGEST_STEP,
    MAX_UNKNOWN_TAGS,
    LogFile,
    LogFormat,
    ReadIssues,
    Wanted,
    read_text,
)
from rldoctor.model import FloatArray, IntArray

_METRICS = "metrics"
_META = "meta.yaml"


def read_metrics(paths: Sequence[Path], wanted: Wanted) -> list[LogFile]:
    """Read every metric below the folder ``metrics``; the tag is the file's path there, ``train/approx_kl``."""
    (metrics,) = paths
    points: dict[str, tuple[IntArray, FloatArray]] = {}
    unknown: list[str] = []
    damaged: list[LogFile] = []
    size = 0
    for parent, folders, files in os.walk(metrics):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            tag = path.relative_to(metrics).as_posix()
            if not wanted(tag):
                if len(unknown) < MAX_UNKNOWN_TAGS:
                    unknown.append(tag)
                continue
            text, issues = read_text(path)
            if text is not None:
                size += len(text)
                points[tag] = _points(text, issues)
            if issues.counts:
                damaged.append(LogFile(path, issues=issues))
    return [LogFile.from_points(metrics, points, size, unknown), *damaged]


def _points(text: str, issues: ReadIssues) -> tuple[IntArray, FloatArray]:
    steps, values = [], []
    lines = text.splitlines()
    # Where lines have steps, one without is half a line.
    width = 3 if any(len(line.split()) == 3 for line in lines) else 2
    for index, line in enumerate(lines):
        parts = line.split()
        try:
            step = int(parts[2]) if width == 3 else 0
            value = float(parts[1])
            if len(parts) != width or not 0 <= step < LARGEST_STEP or not math.isfinite(float(parts[0])):
                raise ValueError
        except (ValueError, IndexError):
            issues.add_line(index, len(lines), f"has a line that is no point of a metric (line {index + 1})")
            continue
        steps.append(step)
        values.append(value)
    # Clients may write from several threads: the order of lines is that of arrival.
    order = np.argsort(np.array(steps, dtype=np.int64), kind="stable")
    return np.array(steps, dtype=np.int64)[order], np.array(values, dtype=np.float64)[order]


def _find(folders: Sequence[str], files: Sequence[str]) -> list[str]:
    return [_METRICS] if _METRICS in folders and _META in files else []


# Artifacts may hold whole copies of logs.
MLFLOW = LogFormat(_find, read_metrics, includes_subfolders=True)
