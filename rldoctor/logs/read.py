"""One directory of logs read into a ``Run`` of canonical curves."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from rldoctor import run_directory
from rldoctor.errors import RldoctorError
from rldoctor.logs import names as dictionaries
from rldoctor.logs.event_files import (
    is_evaluations,
    is_event_file,
    is_log_file,
    is_monitor,
    is_progress_table,
)
from rldoctor.logs.framing import Troubles
from rldoctor.logs.merge import Points, merge
from rldoctor.logs.mlflow_runs import is_mlflow_run, read_metrics
from rldoctor.logs.remote import name_of
from rldoctor.logs.sb3_files import read_evaluations, read_monitors
from rldoctor.logs.tables import read_table
from rldoctor.logs.tfevents import EventFile, read_event_file
from rldoctor.logs.trouble import file_findings, invalid_record_finding, merge_findings, unknown_tags_finding
from rldoctor.model import Curve, Finding, Json, Run

_RECORD_FILE = "run.json"
# run.json is some kilobytes; more than this is not one of ours and is not read into memory.
_MAX_RECORD_BYTES = 64 * 2**20
_LARGEST_STEP = 2**62


def read_run(directory: Path) -> Run:
    """Read the run in ``directory``: every event file in it, in the order in which they were begun.

    Without event files Stable-Baselines3's ``progress.csv`` or ``progress.json`` is read. Its ``evaluations.npz`` and
    monitor files add what those do not hold. ``directory`` may also be a table of curves itself, a CSV or JSON lines.

    Never raises for what is in the directory. What could be read is in the curves; what could not, or does not belong
    to one run, is in ``Run.findings`` (codes LOG...).
    """
    record, finding = _read_record(directory / _RECORD_FILE)
    findings = [finding] if finding else []
    known = dictionaries.shipped_names()

    def wanted(tag: str) -> bool:
        return any(names.meaning(tag) is not None for names in known)

    files = _read_files(directory, wanted)
    merged = merge(files)
    framework = dictionaries.recognise(merged.points, known)
    speaking = [names for names in known if names is framework or names.supplement]
    curves, unused = _curves(merged.points, speaking)
    curves |= _evaluated(directory, curves)
    unknown = tuple(dict.fromkeys([*(tag for file in files for tag in file.unknown_tags), *unused]))
    findings += file_findings(files, running=record.get("status") == "running")
    findings += merge_findings(merged)
    note = unknown_tags_finding(tuple(curves), unknown)
    return Run(
        path=name_of(directory),
        framework=framework.framework if framework else "",
        curves=curves,
        unknown_tags=unknown,
        record=record,
        findings=tuple([*findings, note] if note else findings),
        size_bytes=sum(file.size for file in files),
    )


def _read_files(directory: Path, wanted: Callable[[str], bool]) -> list[EventFile]:
    """Return the log files of a run that are to be read one after the other."""
    if directory.is_file():
        return [read_table(directory, wanted)]
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208  # names only
    except OSError as error:
        troubles = Troubles()
        troubles.add("unreadable", 0, f"cannot be listed: {(error.strerror or str(error)).lower()}")
        return [EventFile(directory, troubles=troubles)]
    if is_mlflow_run(names, names):
        return read_metrics(directory, wanted)
    paths = [directory / name for name in names if is_log_file(name)]
    paths = [path for path in paths if not path.is_dir()]
    events = [read_event_file(path, wanted) for path in paths if is_event_file(path.name)]
    tables = [path for path in paths if is_progress_table(path.name)]
    # The same training in another format.
    main = sorted(events, key=_begun) or [read_table(path, wanted) for path in tables[:1]]
    told = {tag for file in main for tag in file.tags}
    monitors = [path for path in paths if is_monitor(path.name)]
    beside = [read_evaluations(path) for path in paths if is_evaluations(path.name)]
    beside += read_monitors(monitors) if monitors else []
    return main + [file for file in beside if file.troubles.counts or told.isdisjoint(file.tags)]


def _begun(file: EventFile) -> tuple[int, float, list[tuple[int, str]]]:
    """Return a key that sorts event files by the second in their name, then by their first point's time, then by name.

    ``events.out.tfevents.<seconds>.<host>.<process>.<count>``: a run may be killed and resumed within one second, and
    the process that resumes it may have the lower number. Numbers in names count as numbers.
    """
    name = file.path.name
    found = re.search(r"tfevents\.(\d+)", name, re.ASCII)
    parts = re.split(r"(\d+)", name, flags=re.ASCII)
    natural = [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]
    return int(found[1]) if found else 0, file.first_time if math.isfinite(file.first_time) else math.inf, natural


def _curves(points: Mapping[str, Points], speaking: Sequence[dictionaries.Names]) -> tuple[dict[str, Curve], list[str]]:
    """Translate tags into metrics; also return the tags that nobody in ``speaking`` claims.

    A supplement never replaces what the framework itself logged.
    """
    curves: dict[str, Curve] = {}
    used: set[str] = set()
    for names in sorted(speaking, key=lambda names: names.supplement):
        own: dict[str, Curve] = {}
        order = {tag: i for i, tag in enumerate(names.tags)}
        for tag in sorted(points, key=lambda tag: (order.get(tag, len(order)), tag)):
            meaning = names.meaning(tag)
            if meaning is None or tag in used:
                continue
            used.add(tag)
            steps, values = points[tag]
            # Adding 0 keeps a turned zero from becoming -0.
            turned = values if meaning.factor == 1.0 else values * meaning.factor + 0.0
            own.setdefault(meaning.metric, Curve(meaning.metric, steps, turned, tag, meaning.aggregation))
        curves = {**own, **curves}
    return dict(sorted(curves.items())), [tag for tag in points if tag not in used]


def _evaluated(directory: Path, curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return what ``rldoctor evaluate`` found of the last policy, as the last point of the evaluations there are."""
    try:
        content = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    except RldoctorError:
        # The gate says what is wrong with it.
        return {}
    aggregate, policy = content.get("aggregate"), content.get("policy")
    steps = policy.get("steps") if isinstance(policy, Mapping) else None
    if not isinstance(aggregate, Mapping) or type(steps) is not int or not 0 <= steps < _LARGEST_STEP:
        return {}
    found = {}
    for metric, key in (("evaluation_success_rate", "success_rate"), ("evaluation_return", "return_mean")):
        value = aggregate.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            point = Curve(metric, np.array([steps]), np.array([float(value)]), run_directory.EVALUATION_FILE)
            found[metric] = _behind(curves[metric], point) if metric in curves else point
    return found


def _behind(curve: Curve, point: Curve) -> Curve:
    kept = curve.steps < point.steps[0]
    steps, values = np.append(curve.steps[kept], point.steps), np.append(curve.values[kept], point.values)
    return Curve(curve.metric, steps, values, curve.tag, curve.aggregation)


def _read_record(path: Path) -> tuple[dict[str, Json], Finding | None]:
    """Return the content of ``run.json``, empty where it is missing or cannot be used, and why it cannot."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return {}, invalid_record_finding("is not a plain file")
        if status.st_size > _MAX_RECORD_BYTES:
            return {}, invalid_record_finding(f"has {status.st_size} bytes, too many for a run's record")
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    except OSError as error:
        return {}, invalid_record_finding(f"cannot be read: {(error.strerror or str(error)).lower()}")
    except (ValueError, RecursionError):
        return {}, invalid_record_finding("is not JSON")
    if not isinstance(content, dict):
        return {}, invalid_record_finding("holds no JSON object")
    return content, None
