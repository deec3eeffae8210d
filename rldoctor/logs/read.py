"""One directory of logs read into a ``Run`` of canonical curves."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.logs import frameworks
from rldoctor.logs.curves import add_point, env_step_axis, to_curves
from rldoctor.logs.formats import formats_of
from rldoctor.logs.formats.log_file import LARGEST_STEP, LogFile, LogFormat, ReadIssues, Wanted
from rldoctor.logs.formats.monitor import SLACK_SECONDS
from rldoctor.logs.formats.printed import read_printed
from rldoctor.logs.formats.tables import is_table, is_text_table, read_table
from rldoctor.logs.last_steps import FILE as LAST_STEPS_FILE
from rldoctor.logs.last_steps import with_last_steps
from rldoctor.logs.merge import in_their_order, merge
from rldoctor.logs.raw_return import with_raw_return
from rldoctor.logs.read_issues import (
    beginning_finding,
    file_findings,
    invalid_record_finding,
    merge_findings,
    stepless_finding,
    unknown_tags_finding,
)
from rldoctor.logs.remote import name_of
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.logs.versions import recorded_versions
from rldoctor.model import Curve, Finding, Json, Run
from rldoctor.model.settings import Settings
from rldoctor.run_record import RunRecord, as_number, json_table
from rldoctor.settings import of_this_run, read_settings
from rldoctor.settings.library import algorithm_of

# Tags of which is kept whether they are wanted.
_MOST_TAGS = 4096
_EVALUATION = re.compile(r"(?<![a-z])(eval|evaluation|test|val)(?![a-z])", re.IGNORECASE)


def read_run(
    directory: Path,
    framework: str | None = None,
    own: Sequence[TagMapping] = (),
    main: Sequence[LogFile] | None = None,
    settings_of: Callable[[Path], Settings | None] = read_settings,
) -> Run:
    """Read the run in ``directory``.

    Its event files are read in the order in which they were begun; without any, the first other format of
    :data:`rldoctor.logs.formats.FORMATS`. Supplements (Stable-Baselines3's ``evaluations.npz`` and monitor files) add
    the metrics that those lack. Settings files beside the logs say the algorithm where the tags do not. ``directory``
    may also be a table of curves itself, a CSV or JSON lines, or the first file of one of several trainings in a
    directory, as :func:`rldoctor.logs.discover` returns it.

    Never raises for what is in the directory. What could be read is in the curves; what could not, or does not belong
    to one run, is in ``Run.findings`` (codes LOG...).

    Args:
        directory: The run.
        framework: What logged it, as :func:`rldoctor.logs.frameworks.find_tag_mapping` takes it; identified from the
            tags by default.
        own: The user's own tag mappings, in addition to the shipped ones.
        main: What somebody who follows its growing files has read of them; they are not opened again then.
        settings_of: Reads the settings beside the logs.

    Raises:
        UsageError: There is no such framework.
    """
    named = frameworks.find_tag_mapping(framework) if framework else None
    present = _names_in(directory)
    record, findings = _read_record(directory) if run_directory.RUN_FILE in present else (RunRecord(), [])
    mappings = [m for m in (*frameworks.shipped_tag_mappings(), *own) if named is None or m.supplement]
    mappings += [named] if named else []
    files, beside = _read_files(directory, _wanted(tuple(mappings)), main)
    files, counted = in_their_order(files)
    merged = merge(files)
    unknown = dict.fromkeys(tag for file in files for tag in file.unknown_tags)
    found = frameworks.identify([*merged.points, *unknown], mappings, named)
    points, step_tag = env_step_axis(merged.points, found.mapping.steps_from if found else ())
    curves, unused = to_curves(points, [m for m in mappings if m.supplement or (found and m is found.mapping)])
    curves, raw_return = with_raw_return(curves, beside)
    evaluation = _evaluation(directory) if run_directory.EVALUATION_FILE in present else {}
    curves |= _evaluated(evaluation, curves)
    unknown |= dict.fromkeys(tag for tag in unused if tag != step_tag)
    if found:
        unknown = {tag: None for tag in unknown if not found.mapping.ignores(tag)}
    record = _with_error(record, files)
    record = with_last_steps(record, directory, curves) if LAST_STEPS_FILE in present else record
    findings += file_findings(files, running=record.status == "running")
    findings += merge_findings(merged)
    findings += stepless_finding(files) if counted else []
    axis = next((file.axis for file in files if file.axis), "") or _step_axis(found, bool(step_tag), counted)
    findings += beginning_finding(curves, axis) if not merged.mixed else []
    findings += raw_return
    findings += unknown_tags_finding(tuple(curves), tuple(unknown))
    algorithm = _algorithm(record) or (found.mapping.algorithm(merged.points.keys()) if found else "")
    settings = settings_of(directory)
    if settings is not None:
        settings = of_this_run(settings, curves, algorithm, directory)
        findings += settings.findings
    return Run(
        path=name_of(directory),
        framework=found.mapping.framework if found else (settings.framework if settings else ""),
        curves=curves,
        unknown_tags=tuple(unknown),
        record=record.content,
        findings=tuple(findings),
        size_bytes=sum(file.size for file in files),
        algorithm=algorithm or (settings.algorithm if settings else ""),
        step_axis=axis,
        tags_known=(found.known, found.logged) if found else (0, len(merged.points) + len(unknown)),
        framework_named=bool(named),
        baseline_return=baseline_return(evaluation.get("baselines")),
        settings=settings,
        versions=recorded_versions(directory, record, present),
        planned=max((file.planned for file in files), default=0),
        suite=_suite(curves, mappings),
    )


def _names_in(directory: Path) -> Collection[str]:
    """Return the names in a run's folder, so that files that most runs lack need not be looked for one by one."""
    try:
        return frozenset(os.listdir(directory))  # noqa: PTH208 - of thousands of runs
    except OSError:  # reported when its logs are read
        return frozenset()


def _with_error(record: RunRecord, files: Sequence[LogFile]) -> RunRecord:
    """Return a record that says with what error the training ended, where only its printed log does."""
    error = next((file.error for file in reversed(files) if file.error), "")
    if record.content or not error:
        return record
    return RunRecord({"status": "interrupted" if "KeyboardInterrupt" in error else "failed", "error": error})


@lru_cache(16)
def _wanted(mappings: tuple[TagMapping, ...]) -> Wanted:
    """Return what tells whether one of the mappings wants a tag; runs log the same few again and again."""
    return lru_cache(_MOST_TAGS)(lambda tag: any(mapping.wants(tag) for mapping in mappings))


def _suite(curves: Mapping[str, Curve], mappings: Sequence[TagMapping]) -> str:
    """Return the collection of environments that logged most members of families; empty where none is known."""
    tags = [curve.tag for name, curve in curves.items() if "/" in name]
    found = [suite for tag in tags for mapping in mappings if mapping.supplement and (suite := mapping.suite(tag))]
    return max(dict.fromkeys(found), key=found.count, default="")


def _step_axis(found: frameworks.IdentifiedFramework | None, translated: bool, counted: bool) -> str:
    if counted:
        return "iterations"
    return "env_steps" if translated or not found else found.mapping.step_axis


def _algorithm(record: RunRecord) -> str:
    algorithm = record.recipe_table.get("algorithm")
    return (algorithm_of(algorithm) or algorithm.lower()) if isinstance(algorithm, str) else ""


def _read_files(
    directory: Path, wanted: Wanted, known: Sequence[LogFile] | None = None
) -> tuple[list[LogFile], list[LogFile]]:
    """Return the log files of a run in the order in which their points follow each other.

    ``known`` stands for those of its main format. Second come the supplements that are left out because the framework
    itself logged the same tags.
    """
    file = directory if directory.is_file() else None
    directory = file.parent if file else directory
    try:
        _, folders, names = next(os.walk(directory, onerror=_raise))
    except OSError as error:
        return [LogFile(directory, issues=ReadIssues.unreadable(error, "listed"))], []
    found = [
        (format_, _once([directory / name for name in logs]))
        for format_, logs in formats_of(sorted(folders), sorted(names), directory)
    ]
    if file:
        groups = [(f, group) for f, paths in found if f.trainings for group in f.trainings(paths) if file in group]
        return groups[0][0].read(groups[0][1], wanted) if groups else [_read_alone(file, wanted)], []
    main = [*known] if known is not None else _main(found, wanted)
    supplements = [f.read(_of_training(paths), wanted) for f, paths in found if f.supplement]
    if not main:
        return [log for logs in supplements for log in logs], []
    logged = {tag for log in main for tag in log.tags}
    begun = min((log.first_time for log in main if math.isfinite(log.first_time)), default=math.nan)
    added = [log for logs in supplements for log in _of_one_training(logs, begun)]
    lacking = [log for log in added if log.issues.counts or logged.isdisjoint(log.tags)]
    return main + lacking, [log for log in added if all(log is not other for other in lacking)]


def _read_alone(file: Path, wanted: Wanted) -> LogFile:
    """Read a file that the user named and that no format claims: a table, or else what a training printed."""
    return (read_table if is_table(file.name) or is_text_table(file) else read_printed)(file, wanted)


def _main(found: Sequence[tuple[LogFormat, Sequence[Path]]], wanted: Wanted) -> list[LogFile]:
    """Return the files of the first format that is no supplement."""
    return next((format_.read(paths, wanted) for format_, paths in found if not format_.supplement), [])


def _once(paths: Sequence[Path]) -> list[Path]:
    """Return the paths without those that are links to another of them."""
    if len(paths) < 2:
        return [*paths]
    found: dict[object, Path] = {}
    for path in sorted(paths, key=os.path.islink):
        try:
            status = path.stat()
        except OSError:  # reported when it is read
            found[path] = path
        else:
            found.setdefault((status.st_dev, status.st_ino), path)
    return sorted(found.values())


def _of_one_training(logs: Sequence[LogFile], begun: float) -> list[LogFile]:
    """Return the files of a supplement without those of other trainings than the one that began at ``begun``."""
    with_points = [log for log in logs if log.tags]
    if len(with_points) < 2:
        return list(logs)
    fitting = [log for log in with_points if log.first_time - SLACK_SECONDS <= begun <= log.last_time + SLACK_SECONDS]
    kept = (fitting or with_points)[-1]
    return [log for log in logs if log is kept or not log.tags]


def _of_training(paths: Sequence[Path]) -> Sequence[Path]:
    """Return the files without those of evaluations, by their names, where there are others."""
    return [path for path in paths if not _EVALUATION.search(path.name)] or paths


def _raise(error: OSError) -> None:
    raise error


def _evaluation(directory: Path) -> Mapping[str, Json]:
    """Return what ``rldoctor evaluate`` wrote; empty where it cannot be used, for which the gate gives the reason."""
    try:
        return run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    except CannotJudge:
        return {}


def _evaluated(content: Mapping[str, Json], curves: Mapping[str, Curve]) -> dict[str, Curve]:
    """Return what an evaluation measured of the last policy, as the last point of the evaluations that were logged."""
    steps = json_table(content, "policy").get("steps")
    if type(steps) is not int or not 0 <= steps < LARGEST_STEP:
        return {}
    found = {}
    for metric, key in (("evaluation_success_rate", "success_rate"), ("evaluation_return", "return_mean")):
        value = as_number(json_table(content, "aggregate").get(key))
        if value is not None:
            point = Curve(metric, np.array([steps]), np.array([value]), run_directory.EVALUATION_FILE)
            found[metric] = add_point(curves[metric], point) if metric in curves else point
    return found


def baseline_return(baselines: Json) -> float | None:
    """Return the better mean return of the zero-action and the random policy; ``None`` where neither was measured."""
    policies = baselines.values() if isinstance(baselines, Mapping) else ()
    means = [as_number(aggregate.get("return_mean")) for aggregate in policies if isinstance(aggregate, Mapping)]
    return max((value for value in means if value is not None and math.isfinite(value)), default=None)


def _read_record(directory: Path) -> tuple[RunRecord, list[Finding]]:
    """Return what ``run.json`` says, nothing where it is missing or cannot be used, and why it cannot."""
    try:
        return RunRecord(run_directory.load_object(directory / run_directory.RUN_FILE)), []
    except (FileNotFoundError, NotADirectoryError):
        return RunRecord(), []
    except ValueError as error:
        return RunRecord(), [invalid_record_finding(f"{run_directory.RUN_FILE} {error}.")]
