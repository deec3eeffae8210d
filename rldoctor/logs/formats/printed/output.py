"""The log format of printed output: which files it is in, and how they are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from rldoctor.logs.formats.log_file import (
    LogFile,
    LogFormat,
    ReadIssues,
    Wanted,
    begins_with,
    decoded,
    one_by_one,
    read_text,
)
from rldoctor.logs.formats.printed.ending import begin_of_error, error_of
from rldoctor.logs.formats.printed.library import Printed, of_library
from rldoctor.logs.formats.printed.lines import styles
from rldoctor.logs.formats.printed.pairs import planned_by, rows_of_pairs
from rldoctor.logs.formats.printed.prefixes import by_source, clean, undoubled, unprefixed
from rldoctor.logs.formats.tables import STEP_COLUMNS, read_rows

OUTPUT_SUFFIXES = (".log", ".out", ".err")
"""Of files that hold the output of a program."""
_SUFFIXES = (*OUTPUT_SUFFIXES, ".txt")
# Simulators print for pages before the first number. Data sets have a million texts, which are looked into one by one.
_HEAD = 2**17
_MOST_NAMED = 3
# Of a text between blocks of zeros, and how long those are at least, together. Ours.
_MOST_PIECES, _BLOCK = 3, 64


def is_printed(path: Path) -> bool:
    """Return whether a file that a user names is a text, and so may be printed output, by its first bytes.

    Where a machine went down, a text may hold a block of zeros.
    """
    pieces = decoded(begins_with(path, _HEAD)).split("\0")
    return len(pieces) == 1 or (len(pieces) > _BLOCK and 0 < sum(map(bool, pieces)) <= _MOST_PIECES)


def read_printed(path: Path, wanted: Wanted) -> LogFile:
    """Read the numbers of a text. Never raises for the state or the content of the file.

    Args:
        path: The file.
        wanted: Tells whether the points of a tag are kept.
    """
    text, issues = read_text(path)
    if text is None:
        return LogFile(path, issues=issues)
    lines, sources = undoubled(*unprefixed(clean(text)))
    error, begun = _error(lines)
    if error:  # the frames of a traceback have numbers, too
        lines, sources = lines[:begun], sources[:begun]
    found = _of_one_process(lines, sources)
    if not found.rows and not error:
        issues = ReadIssues()
        issues.add("no-metrics", 0, "holds no table and no lines of numbers that a training printed")
    if found.others:
        issues.add("several-processes", 0, _others(found.others))
    if found.without_return:
        issues.add("no-return", 0, f"is what {found.without_return} printed, which does not show how the return went")
    log = read_rows(path, found.rows, len(text), wanted, issues)
    return replace(log, axis=found.axis, planned=found.planned, error=error)


def _others(names: Sequence[str]) -> str:
    named = f"{', '.join(names[:_MOST_NAMED])}{', ...' if len(names) > _MOST_NAMED else ''}"
    return f"holds what {len(names) + 1} trainings or processes printed, line by line; left out: {named}"


def _of_one_process(lines: Sequence[str], sources: Sequence[str]) -> Printed:
    """Return what one process printed, that with most rows, where several print numbers into one text."""
    groups = by_source(lines, sources)
    if len(groups) > 1:
        read = {source: _read(group) for source, group in groups.items()}
        # A line of a table may come from elsewhere; a process that counts steps is a training.
        training = {source: found for source, found in read.items() if found.with_steps > 1}
        if len(training) > 1:
            kept = max(training, key=lambda source: training[source].with_steps)
            others = (source or "the others" for source in training if source != kept)
            return training[kept]._replace(others=(*training[kept].others, *others))
    return _read(lines)


def _read(lines: Sequence[str]) -> Printed:
    found = of_library(lines)
    if found.rows:
        return found
    rows, axis = rows_of_pairs(lines)
    return Printed(rows, axis, 0 if axis else planned_by(lines))


def _error(lines: Sequence[str]) -> tuple[str, int]:
    """Return the error after which nothing more was logged, empty where there is none, and the line where it begins."""
    begun = begin_of_error(lines)
    if begun is None or of_library(lines[begun:]).rows:
        return "", len(lines)
    return error_of(lines[begun:]), begun


def _find(_: Sequence[str], files: Sequence[str]) -> list[str]:
    return [name for name in files if PurePath(name).suffix.lower() in _SUFFIXES]


def _is_one(path: Path) -> bool:
    """Return whether the beginning of a text is what a library prints: others are read where they are named."""
    head = decoded(begins_with(path, _HEAD))
    signs = (*STEP_COLUMNS, *(style.identified_by for style in styles()))
    return (
        "\0" not in head and any(sign in head for sign in signs) and bool(of_library(unprefixed(clean(head))[0]).rows)
    )


PRINTED = LogFormat(
    _find,
    one_by_one(read_printed),
    supplement=True,
    last_resort=True,
    confirm=_is_one,
    trainings=lambda paths: [[path] for path in paths],
)
