"""What reading showed, as findings: one for each kind of trouble, with the file, the byte and the number of points."""

from __future__ import annotations

from collections.abc import Sequence

from rldoctor.logs.file_kinds import is_event_file
from rldoctor.logs.formats.tfevents import MAX_UNKNOWN_TAGS, EventFile
from rldoctor.logs.merge import Break, Merged
from rldoctor.logs.suggestions import guess
from rldoctor.model import Finding, Json, Severity

_MOST_LISTED = 20
# Fewer known metrics than this, beside tags that nobody knows: the logs come from somewhere else.
_FEW_METRICS = 3


def file_findings(files: Sequence[EventFile], running: bool) -> list[Finding]:
    """Return what is wrong with the files themselves.

    Args:
        files: The event files of one run, in order.
        running: ``run.json`` says that the training has not ended.
    """
    findings: list[Finding] = []
    torn = [file for file in files if "torn" in file.troubles.counts]
    # A file that somebody writes to ends in half a record most of the time; so does one that a later file goes on from.
    lost = [file for file in torn if not (file.grew or (running and file is files[-1]) or _is_continued(file, files))]
    if lost:
        remedy = (
            "If the training still runs, diagnose again later; otherwise it was killed, and only that record is lost."
        )
        findings.append(_finding("LOG101", "torn-event-file", Severity.WARNING, "torn", lost, "", remedy))
    elif torn:
        why = " Everything before it was read." if _is_continued(torn[0], files) else " It is still being written."
        findings.append(_finding("LOG101", "torn-event-file", Severity.NOTE, "torn", torn, why))
    for code, name, severity, kind, why, remedy in (
        (
            "LOG102",
            "corrupt-event-file",
            Severity.WARNING,
            "corrupt",
            " What is whole was read.",
            "Copy the file again from where it was written, or read the curves knowing that points are missing.",
        ),
        ("LOG103", "empty-event-file", Severity.NOTE, "empty", "", ""),
        (
            "LOG104",
            "unreadable-event-file",
            Severity.WARNING,
            "unreadable",
            "",
            "Make the file readable for this user, or remove it.",
        ),
        ("LOG105", "oversized-record", Severity.NOTE, "oversized", " It was stepped over.", ""),
        (
            "LOG106",
            "too-many-tags",
            Severity.WARNING,
            "crowded",
            " New ones from there on are left out.",
            "Log fewer tags: names with a number of the step or of the episode in them make a new one each time.",
        ),
    ):
        touched = [file for file in files if kind in file.troubles.counts]
        if touched:
            findings.append(_finding(code, name, severity, kind, touched, why, remedy))
    return findings


def merge_findings(merged: Merged) -> list[Finding]:
    """Return what is wrong with the sequence of the files."""
    findings = []
    if merged.mixed:
        last = merged.mixed[-1]
        points = sum(len(steps) for steps, _ in merged.points.values())
        where = f"in {last.later}" if last.earlier == last.later else f"between {last.earlier} and {last.later}"
        runs = "Two runs share" if len(merged.mixed) == 1 else f"At least {len(merged.mixed) + 1} runs share"
        at_once = ", both written at the same time" if last.at_once else ""
        message = (
            f"{runs} this directory: {where}{at_once}, the step of {last.tag} goes back from {last.from_step} to "
            f"{last.to_step}. Only the last run is read here ({points} points of {last.later}); {last.dropped} points "
            "of what came before are left out."
        )
        remedy = "Give every run its own directory: move the event files of each run into one, then diagnose again."
        findings.append(Finding("LOG201", "mixed-runs", Severity.ERROR, message, remedy, _evidence(merged.mixed)))
    if merged.overlaps:
        last = merged.overlaps[-1]
        message = (
            f"{last.later} goes on from step {last.to_step} although {last.earlier} had reached {last.from_step}: a "
            f"training resumed from an earlier checkpoint. The {last.dropped} overtaken points are left out."
        )
        findings.append(Finding("LOG202", "overtaken-points", Severity.NOTE, message, "", _evidence(merged.overlaps)))
    return findings


def unknown_tags_finding(known: Sequence[str], unknown: Sequence[str]) -> Finding | None:
    """Return a note where hardly any scalar is known: which are, and what the others may mean."""
    if not unknown or len(known) >= _FEW_METRICS:
        return None
    count = f"{len(unknown)} or more" if len(unknown) >= MAX_UNKNOWN_TAGS else f"{len(unknown)}"
    first = ", ".join(unknown[:3])
    message = f"{count} scalar tags are not known to rldoctor ({first}{', ...' if len(unknown) > 3 else ''}), "
    message += (
        f"{len(known) or 'none'} {'is' if len(known) in (0, 1) else 'are'}{': ' if known else ''}{', '.join(known)}."
    )
    likely = guess(unknown)
    if likely:
        message += (
            f" By their names, {'; '.join(f'{tag} may be {metric}' for tag, metric in list(likely.items())[:3])}."
        )
    remedy = (
        "Name the framework with --names, or describe the tags in a names file of your own and give that: "
        "docs/how-to/own-training.md shows one."
    )
    evidence: dict[str, Json] = {
        "known": list(known),
        "unknown": list(unknown[:_MOST_LISTED]),
        "likely": dict(list(likely.items())[:_MOST_LISTED]),
    }
    return Finding("LOG301", "unknown-tags", Severity.NOTE, message, remedy, evidence)


def invalid_record_finding(why: str) -> Finding:
    """Return the finding for a ``run.json`` that cannot be read."""
    return Finding(
        "LOG302",
        "invalid-run-record",
        Severity.WARNING,
        f"run.json {why}, so the run's recipe is unknown.",
        "Name the reference with --reference, or remove run.json.",
        {"file": "run.json"},
    )


def _is_continued(file: EventFile, files: Sequence[EventFile]) -> bool:
    position = next(i for i, other in enumerate(files) if other is file)
    return any(len(later.steps) for later in files[position + 1 :])


def _finding(
    code: str,
    name: str,
    severity: Severity,
    kind: str,
    files: Sequence[EventFile],
    why: str = "",
    remedy: str = "",
) -> Finding:
    trouble = next(trouble for trouble in files[0].troubles.first if trouble.kind == kind)
    total = sum(file.troubles.counts[kind] for file in files)
    in_bytes = is_event_file(files[0].path.name)
    at = f" (byte {trouble.offset})" if in_bytes and kind not in ("empty", "unreadable") else ""
    if in_bytes and kind == "corrupt" and not (trouble.offset or len(files[0].steps) or files[0].unknown_tags):
        why = " It does not look like a TensorBoard event file."
    more = ""
    if len(files) > 1:
        more = f" {len(files) - 1} more of the event files {'is' if len(files) == 2 else 'are'} like that."
    elif total > 1:
        more = f" There {'is 1 more such place' if total == 2 else f'are {total - 1} more such places'} in it."
    evidence: dict[str, Json] = {
        "file": files[0].path.name,
        "byte": trouble.offset,
        "count": total,
        "files": [file.path.name for file in files[:_MOST_LISTED]],
    }
    message = f"{files[0].path.name} {trouble.what}{at}.{why}{more}"
    return Finding(code, name, severity, message, remedy, evidence)


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
