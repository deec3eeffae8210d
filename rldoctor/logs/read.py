"""One directory of logs read into a ``Run`` of canonical curves."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from rldoctor import run_directory
from rldoctor.errors import RldoctorError
from rldoctor.logs import frameworks
from rldoctor.logs.file_kinds import (
    is_evaluations,
    is_event_file,
    is_log_file,
    is_monitor,
    is_progress_table,
    is_wandb_file,
)
from rldoctor.logs.formats.mlflow import is_mlflow_run, read_metrics
from rldoctor.logs.formats.sb3_files import read_evaluations, read_monitors
from rldoctor.logs.formats.tables import read_table, recent_mean
from rldoctor.logs.formats.tfevents import EventFile, read_event_file
from rldoctor.logs.formats.tfrecord import ReadIssues
from rldoctor.logs.formats.wandb import read_wandb
from rldoctor.logs.merge import Points, merge
from rldoctor.logs.read_issues import file_findings, invalid_record_finding, merge_findings, unknown_tags_finding
from rldoctor.logs.remote import name_of
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Aggregation, Curve, Finding, Json, Run
from rldoctor.run_directory import RunRecord, as_number, json_table

_LARGEST_STEP = 2**62
# Stable-Baselines3's stats_window_size.
_EPISODES_OF_A_MEAN = 100


def read_run(directory: Path, framework: str | None = None, own: Sequence[TagMapping] = ()) -> Run:
    """Read the run in ``directory``: every event file in it, in the order in which they were begun.

    Without event files Stable-Baselines3's ``progress.csv`` or ``progress.json`` is read, or what Weights & Biases
    keeps. Stable-Baselines3's ``evaluations.npz`` and monitor files add what those do not hold. ``directory`` may also
    be a table of curves itself, a CSV or JSON lines.

    Never raises for what is in the directory. What could be read is in the curves; what could not, or does not belong
    to one run, is in ``Run.findings`` (codes LOG...).

    Args:
        directory: The run.
        framework: What logged it, as :func:`rldoctor.logs.frameworks.find_names` takes it; told by its tags by default.
        own: Dictionaries of the user's that are known beside the shipped ones.

    Raises:
        UsageError: There is no such framework.
    """
    wanted = frameworks.find_names(framework, own) if framework else None
    record, finding = _read_record(directory)
    findings = [finding] if finding else []
    known = [names for names in (*frameworks.shipped_names(), *own) if wanted is None or names.supplement]
    known += [wanted] if wanted else []
    files = _read_files(directory, lambda tag: any(names.wants(tag) for names in known))
    merged = merge(files)
    unknown = dict.fromkeys(tag for file in files for tag in file.unknown_tags)
    found = frameworks.recognise([*merged.points, *unknown], known, wanted)
    points, counted = _at_env_steps(merged.points, found.names.steps_from if found else ())
    speaking = [names for names in known if names.supplement or (found and names is found.names)]
    curves, unused = _curves(points, speaking)
    evaluation = _evaluation(directory)
    curves |= _evaluated(evaluation, curves)
    unknown |= dict.fromkeys(tag for tag in unused if tag != counted)
    findings += file_findings(files, running=record.status == "running")
    findings += merge_findings(merged)
    note = unknown_tags_finding(tuple(curves), tuple(unknown))
    return Run(
        path=name_of(directory),
        framework=found.names.framework if found else "",
        curves=curves,
        unknown_tags=tuple(unknown),
        record=record.content,
        findings=tuple([*findings, note] if note else findings),
        size_bytes=sum(file.size for file in files),
        algorithm=_algorithm(record) or (found.names.algorithm(merged.points.keys()) if found else ""),
        step_axis="env_steps" if counted or not found else found.names.step_axis,
        tags_known=(found.known, found.logged) if found else (0, len(merged.points) + len(unknown)),
        framework_named=bool(wanted),
        baseline_return=floor_of(evaluation.get("baselines")),
    )


def _algorithm(record: RunRecord) -> str:
    algorithm = record.recipe_table.get("algorithm")
    return algorithm.lower() if isinstance(algorithm, str) else ""


def _at_env_steps(points: Mapping[str, Points], counters: Sequence[str]) -> tuple[Mapping[str, Points], str]:
    """Return the points at environment steps where one of ``counters`` tells them, and which one does."""
    counted = next((tag for tag in counters if tag in points and len(points[tag][0]) > 1), "")
    if not counted:
        return points, ""
    logged, counts = points[counted]
    whole = np.isfinite(counts) & (counts >= 0) & (counts < _LARGEST_STEP)
    if not whole.all() or (np.diff(counts) < 0).any():
        return points, ""
    return {
        tag: (np.interp(steps, logged, counts).astype(np.int64), values)
        for tag, (steps, values) in points.items()
        if tag != counted
    }, counted


def _read_files(directory: Path, wanted: Callable[[str], bool]) -> list[EventFile]:
    """Return the log files of a run that are to be read one after the other."""
    if directory.is_file():
        return [read_table(directory, wanted)]
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208  # names only
    except OSError as error:
        troubles = ReadIssues()
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
    main = main or [read_wandb(path, wanted) for path in paths if is_wandb_file(path.name)]
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
    # One without points overtakes what came before it; behind those of its second it would overtake them.
    first = file.first_time if math.isfinite(file.first_time) else -math.inf
    return int(found[1]) if found else 0, first, natural


def _curves(points: Mapping[str, Points], speaking: Sequence[TagMapping]) -> tuple[dict[str, Curve], list[str]]:
    """Translate tags into metrics; also return the tags that nobody in ``speaking`` claims.

    A supplement never replaces what the framework itself logged.
    """
    curves: dict[str, Curve] = {}
    used: set[str] = set()
    last = _last_step(points, speaking)
    for names in sorted(speaking, key=lambda names: names.supplement):
        own: dict[str, Curve] = {}
        order = {tag: i for i, tag in enumerate(names.tags)}
        for tag in sorted(points, key=lambda tag: (order.get(names.place(tag) or "", len(order)), tag)):
            meaning = names.meaning(tag)
            if meaning is None or tag in used:
                continue
            used.add(tag)
            steps, values = points[tag]
            if meaning.unused is not None and np.array_equal(
                values, np.full_like(values, meaning.unused), equal_nan=True
            ):
                continue
            if meaning.axis and steps[-1] > 0:
                # Updates come evenly with steps, so that both axes end together.
                steps = np.round(steps * (last / steps[-1])).astype(np.int64)
            # Adding 0 keeps a turned zero from becoming -0.
            turned = values if meaning.factor == 1.0 else values * meaning.factor + 0.0
            if meaning.aggregation is Aggregation.EPISODE:
                # What the signs are made for: SB3 and others log the mean of the last hundred episodes.
                turned = recent_mean(turned, _window(len(turned)))
            own.setdefault(meaning.metric, Curve(meaning.metric, steps, turned, tag, meaning.aggregation))
        curves = {**own, **curves}
    return dict(sorted(curves.items())), [tag for tag in points if tag not in used]


def _last_step(points: Mapping[str, Points], speaking: Sequence[TagMapping]) -> float:
    """Return the last step of the tags that count what the framework's step axis says; 0 where there is none."""
    meanings = ((names.meaning(tag), steps) for names in speaking for tag, (steps, _) in points.items())
    return float(max((steps[-1] for meaning, steps in meanings if meaning and not meaning.axis), default=0))


def _window(episodes: int) -> int:
    """Return over how many episodes a mean is taken: a hundred, in short runs a twentieth of what there are."""
    return min(_EPISODES_OF_A_MEAN, max(1, episodes // 20))


def _evaluation(directory: Path) -> Mapping[str, Json]:
    """Return what ``rldoctor evaluate`` wrote, empty where it is of no use: the gate says what is wrong with it."""
    try:
        return run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    except RldoctorError:
        return {}


def _evaluated(content: Mapping[str, Json], curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return what an evaluation found of the last policy, as the last point of the evaluations there are."""
    steps = json_table(content, "policy").get("steps")
    if type(steps) is not int or not 0 <= steps < _LARGEST_STEP:
        return {}
    found = {}
    for metric, key in (("evaluation_success_rate", "success_rate"), ("evaluation_return", "return_mean")):
        value = as_number(json_table(content, "aggregate").get(key))
        if value is not None:
            point = Curve(metric, np.array([steps]), np.array([value]), run_directory.EVALUATION_FILE)
            found[metric] = _behind(curves[metric], point) if metric in curves else point
    return found


def floor_of(baselines: Json) -> float | None:
    """Return the better of the mean returns of policies that have learned nothing; ``None`` where none is told."""
    played = baselines.values() if isinstance(baselines, Mapping) else ()
    returns = [as_number(aggregate.get("return_mean")) for aggregate in played if isinstance(aggregate, Mapping)]
    return max((value for value in returns if value is not None and math.isfinite(value)), default=None)


def _behind(curve: Curve, point: Curve) -> Curve:
    kept = curve.steps < point.steps[0]
    steps, values = np.append(curve.steps[kept], point.steps), np.append(curve.values[kept], point.values)
    return Curve(curve.metric, steps, values, curve.tag, curve.aggregation)


def _read_record(directory: Path) -> tuple[RunRecord, Finding | None]:
    """Return what ``run.json`` says, nothing where it is missing or cannot be used, and why it cannot."""
    try:
        return RunRecord(run_directory.load_object(directory / run_directory.RUN_FILE)), None
    except (FileNotFoundError, NotADirectoryError):
        return RunRecord(), None
    except ValueError as error:
        return RunRecord(), invalid_record_finding(str(error))
