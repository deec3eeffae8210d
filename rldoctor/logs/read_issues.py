"""What reading showed, as findings: one for each kind of issue, with the file, the byte and the number of points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rldoctor import stats
from rldoctor.logs.formats.log_file import MAX_UNKNOWN_TAGS, LogFile
from rldoctor.logs.formats.tfevents import is_event_file
from rldoctor.logs.merge import Break, Merged
from rldoctor.logs.suggestions import suggest_metrics
from rldoctor.model import Curve, Finding, Json, Severity

_MOST_LISTED = 20
# The first step is far from 0: more rows fit before it than a slow start takes, and more of the steps than a quarter of
# all that follow. Ours: each of the 384 recorded runs begins one row after 0.
_ROWS, _SHARE = 20, 0.25
# Of rows that are all equally far apart, as after each rollout. Ours.
_EVEN_ROWS = 5
BEGINNING_MISSING = "LOG212"
"""The code of the note."""
# Points that show how far apart rows are.
_FEWEST_ROWS = 4
# With fewer known metrics than this, and tags that are not known, the logs are another framework's.
_FEW_METRICS = 3
# Kind of issue to code, name, severity, what was done about it, and remedy; how a truncated file is reported depends on
# whether it is still being written. The names are those of event files: see _finding.
_ISSUES = {
    "corrupt": (
        *("LOG102", "corrupt-event-file", Severity.WARNING, " What is whole was read."),
        "Copy the file again from where it was written, or read the curves knowing that points are missing.",
    ),
    "empty": ("LOG103", "empty-event-file", Severity.NOTE, "", ""),
    "no-metrics": (
        *("LOG107", "no-metrics-in-text", Severity.WARNING, ""),
        "Name the file or folder that the training logs to; docs/how-to/own-training.md says what is read.",
    ),
    "several-processes": (
        *("LOG108", "several-processes-in-text", Severity.NOTE, ""),
        "To diagnose another one, pipe its lines in: grep its name, then rldoctor diagnose -.",
    ),
    "no-return": (
        *("LOG109", "no-return-in-text", Severity.NOTE, ""),
        "Name the folder that it logs to: its event files have the return.",
    ),
    "unreadable": (
        *("LOG104", "unreadable-event-file", Severity.WARNING, ""),
        "Make the file readable for this user, or remove it.",
    ),
    "oversized": ("LOG105", "oversized-record", Severity.NOTE, " It was skipped.", ""),
    "too-many-tags": (
        *("LOG106", "too-many-tags", Severity.WARNING, " New ones from there on are left out."),
        "Log fewer tags: names with a number of the step or of the episode in them make a new one each time.",
    ),
}


def file_findings(files: Sequence[LogFile], running: bool) -> list[Finding]:
    """Return what is wrong with the files themselves.

    Args:
        files: The log files of one run, in order.
        running: ``run.json`` says that the training has not ended.
    """
    findings = []
    truncated = {place: file for place, file in enumerate(files) if "truncated" in file.issues.counts}
    # A file that is being written ends in half a record most of the time; so does one that a later file continues.
    last = max((place for place, file in enumerate(files) if file.count), default=-1)
    written = len(files) - 1 if running else -1
    lost = [file for place, file in truncated.items() if not (file.grew or place == written or place < last)]
    torn = ("LOG101", "torn-event-file")
    if lost:
        remedy = "If the training is still running, diagnose again later; if not, only that record is lost."
        findings.append(_finding("truncated", lost, *torn, Severity.WARNING, "", remedy))
    elif truncated:
        done = " Everything before it was read." if min(truncated) < last else " It is still being written."
        findings.append(_finding("truncated", [*truncated.values()], *torn, Severity.NOTE, done, ""))
    for kind, about in _ISSUES.items():
        affected = [file for file in files if kind in file.issues.counts]
        if affected:
            findings.append(_finding(kind, affected, *about))
    return findings


def _finding(
    kind: str, files: Sequence[LogFile], code: str, name: str, severity: Severity, done: str, remedy: str
) -> Finding:
    first = files[0]
    issue = next(issue for issue in first.issues.first if issue.kind == kind)
    total = sum(file.issues.counts[kind] for file in files)
    at = ""
    if is_event_file(first.path.name):
        if kind not in ("empty", "unreadable"):
            at = f" (byte {issue.offset})"
        if kind == "corrupt" and not (issue.offset or len(first.steps) or first.unknown_tags):
            done = " It does not look like a TensorBoard event file."
    else:
        name = name.replace("torn-event", "truncated-log").replace("event-file", "log-file")
    more = ""
    if len(files) > 1:
        more = f" {len(files) - 1} more of the files {'is' if len(files) == 2 else 'are'} like that."
    elif total > 1:
        more = f" There {'is 1 more such place' if total == 2 else f'are {total - 1} more such places'} in it."
    evidence: dict[str, Json] = {
        "file": first.path.name,
        "byte": issue.offset,
        "count": total,
        "files": [file.path.name for file in files[:_MOST_LISTED]],
    }
    return Finding(code, name, severity, f"{first.path.name} {issue.what}{at}.{done}{more}", remedy, evidence)


def merge_findings(merged: Merged) -> list[Finding]:
    """Return what is wrong with the sequence of the files."""
    findings = []
    if merged.mixed:
        last = merged.mixed[-1]
        points = sum(len(steps) for steps, _ in merged.points.values())
        where = f"in {last.later}" if last.earlier == last.later else f"between {last.earlier} and {last.later}"
        runs = "Two runs share" if len(merged.mixed) == 1 else f"At least {len(merged.mixed) + 1} runs share"
        at_once = ", both written at the same time" if last.at_once else ""
        # Runs one after another in one text, or in one table.
        one = all(found.earlier == found.later == last.later for found in merged.mixed)
        shared = "file" if one else "directory"
        message = (
            f"{runs} this {shared}: {where}{at_once}, the step of {last.tag} goes back from {last.from_step} to "
            f"{last.to_step}. Only the last run is read here ({points} points of {last.later}); {last.dropped} earlier "
            "points are left out."
        )
        remedy = "Give every run its own directory: move the event files of each run into one, then diagnose again."
        if one and not is_event_file(last.later):
            remedy = "Give every run its own log file: cut this one where a run begins, then diagnose each part."
        findings.append(Finding("LOG201", "mixed-runs", Severity.ERROR, message, remedy, _evidence(merged.mixed)))
    if merged.overlaps:
        last = merged.overlaps[-1]
        who = "it" if last.earlier == last.later else last.earlier
        message = (
            f"{last.later} goes on from step {last.to_step} although {who} had reached {last.from_step}: "
            f"training was resumed from an earlier checkpoint. The {last.dropped} points in between are left out."
        )
        findings.append(Finding("LOG202", "overtaken-points", Severity.NOTE, message, "", _evidence(merged.overlaps)))
    return findings


def _evidence(breaks: Sequence[Break]) -> dict[str, Json]:
    last = breaks[-1]
    return {
        "tag": last.tag,
        "first_step": last.to_step,
        "last_step": last.from_step,
        "files": list(dict.fromkeys(name for b in breaks[-_MOST_LISTED:] for name in (b.earlier, b.later))),
        "breaks": len(breaks),
        "dropped_points": last.dropped,
    }


def stepless_finding(files: Sequence[LogFile]) -> list[Finding]:
    """Return the note that all points are at step 0, or at none, and are taken in their order."""
    points = sum(file.count for file in files)
    message = f"All {points} points are at step 0, or have no step: they are taken in their order."
    remedy = "Log the number of environment steps as well; in a table, in a column named global_step."
    if any(is_event_file(file.path.name) for file in files):
        remedy = "Log with the number of environment steps: writer.add_scalar(tag, value, global_step)."
    return [Finding("LOG211", "no-steps", Severity.NOTE, message, remedy, {"points": points})]


def unknown_tags_finding(known: Sequence[str], unknown: Sequence[str]) -> list[Finding]:
    """Return a note where hardly any tag is known: which are, and which metrics the others may be."""
    if not unknown or len(known) >= _FEW_METRICS:
        return []
    count = f"{len(unknown)} or more" if len(unknown) >= MAX_UNKNOWN_TAGS else f"{len(unknown)}"
    message = (
        f"{count} scalar tags are unknown ({', '.join(unknown[:3])}{', ...' if len(unknown) > 3 else ''}), "
        f"{len(known) or 'none'} known{': ' if known else ''}{', '.join(known)}."
    )
    suggested = list(suggest_metrics(unknown).items())
    if suggested:
        message += f" Possible matches: {'; '.join(f'{tag} may be {metric}' for tag, metric in suggested[:3])}."
    remedy = (
        "Name the framework with --framework, or describe the tags in your own tag mapping and give its path: "
        "docs/how-to/own-training.md shows one."
    )
    evidence: dict[str, Json] = {
        "known": list(known),
        "unknown": list(unknown[:_MOST_LISTED]),
        "likely": dict(suggested[:_MOST_LISTED]),
    }
    return [Finding("LOG301", "unknown-tags", Severity.NOTE, message, remedy, evidence)]


def invalid_record_finding(problem: str) -> Finding:
    """Return the finding for a ``run.json`` that cannot be read."""
    return Finding(
        "LOG302",
        "invalid-run-record",
        Severity.WARNING,
        f"{problem} The recipe of the run is unknown.",
        "Name the reference with --reference, or remove run.json.",
        {"file": "run.json"},
    )


def beginning_finding(curves: Mapping[str, Curve], axis: str) -> list[Finding]:
    """Return a note where what came before the first step is not in the logs.

    Args:
        curves: The curves of a run.
        axis: What their steps count.
    """
    longest = max(curves.values(), key=len, default=None)
    if longest is None or len(longest) < _FEWEST_ROWS:
        return []
    first, last = int(longest.steps[0]), int(longest.steps[-1])
    if first <= _SHARE * (last - first):
        return []
    rows = np.diff(longest.steps)
    first = min(int(curve.steps[0]) for curve in curves.values() if len(curve))
    last = max(int(curve.steps[-1]) for curve in curves.values() if len(curve))
    spacing = stats.median(rows)
    # A training that waits until a buffer is filled may log its first row late.
    least = _EVEN_ROWS if (rows == spacing).all() else _ROWS
    if first <= least * spacing or first <= _SHARE * (last - first):
        return []
    what = axis if axis in ("episodes", "iterations", "updates", "frames") else "steps"
    message = (
        f"The logs begin at {first:,} {what}: what came before is not in them. Signs that need the beginning, such as "
        "that the return never rose, are not judged."
    )
    remedy = "Diagnose the whole log; of a training that was resumed, its first part as well."
    return [Finding(BEGINNING_MISSING, "beginning-missing", Severity.NOTE, message, remedy, {"first_step": first})]
