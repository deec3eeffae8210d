"""Runs in MLflow's local file store: a directory with ``meta.yaml`` and ``metrics/``, a file for each metric.

A line of such a file is ``timestamp value step``, the timestamp in milliseconds, the step 0 in old ones that have none.
Source: mlflow/store/tracking/file_store.py.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from rldoctor.logs.formats.tables import of_points, read_text
from rldoctor.logs.formats.tfevents import MAX_UNKNOWN_TAGS, EventFile
from rldoctor.logs.formats.tfrecord import ReadIssues
from rldoctor.model import FloatArray, IntArray

METRICS = "metrics"
_META = "meta.yaml"
_LARGEST_STEP = 2**62


def is_mlflow_run(folders: Collection[str], files: Collection[str]) -> bool:
    """Tell by what it holds whether a directory is a run of MLflow's."""
    return METRICS in folders and _META in files


def read_metrics(directory: Path, wanted: Callable[[str], bool]) -> list[EventFile]:
    """Read every metric below ``directory``; the tag is the file's path, ``train/approx_kl``.

    Never raises for the state or the content of the files.
    """
    points: dict[str, tuple[IntArray, FloatArray]] = {}
    unknown: list[str] = []
    damaged: list[EventFile] = []
    size = 0
    for parent, folders, files in os.walk(directory / METRICS):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            tag = path.relative_to(directory / METRICS).as_posix()
            if not wanted(tag):
                if len(unknown) < MAX_UNKNOWN_TAGS:
                    unknown.append(tag)
                continue
            text, troubles = read_text(path)
            if text is not None:
                size += len(text)
                points[tag] = _points(text, troubles)
            if troubles.counts:
                damaged.append(EventFile(path, troubles=troubles))
    return [of_points(directory / METRICS, points, size, tuple(unknown)), *damaged]


def _points(text: str, troubles: ReadIssues) -> tuple[IntArray, FloatArray]:
    steps, values = [], []
    lines = text.splitlines()
    # Where lines have steps, one without is half a line.
    width = 3 if any(len(line.split()) == 3 for line in lines) else 2
    for place, line in enumerate(lines):
        parts = line.split()
        try:
            step = int(parts[2]) if width == 3 else 0
            value = float(parts[1])
            if len(parts) != width or not 0 <= step < _LARGEST_STEP or not math.isfinite(float(parts[0])):
                raise ValueError
        except (ValueError, IndexError):
            kind = "torn" if place == len(lines) - 1 else "corrupt"
            troubles.add(kind, 0, f"has a line that is no point of a metric (line {place + 1})")
            continue
        steps.append(step)
        values.append(value)
    # Clients may write from several threads: the order of lines is that of arrival.
    order = np.argsort(np.array(steps, dtype=np.int64), kind="stable")
    return np.array(steps, dtype=np.int64)[order], np.array(values, dtype=np.float64)[order]
