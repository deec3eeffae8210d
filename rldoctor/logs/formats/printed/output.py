"""The log format of printed output: which files it is in, and how they are read."""

from __future__ import annotations

import re
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
from rldoctor.logs.formats.printed.boxes import rows_of_boxes
from rldoctor.logs.formats.printed.ending import begin_of_error, error_of
from rldoctor.logs.formats.printed.lines import planned_by as lines_planned_by
from rldoctor.logs.formats.printed.lines import rows_of_lines, style_of, styles
from rldoctor.logs.formats.printed.pairs import planned_by, rows_of_pairs
from rldoctor.logs.formats.tables import STEP_COLUMNS, Row, read_rows

OUTPUT_SUFFIXES = (".log", ".out", ".err")
"""Of files that hold the output of a program."""
_SUFFIXES = (*OUTPUT_SUFFIXES, ".txt")
# Colours and cursors of a terminal, and what a progress bar draws over.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,500}\x07")
# Simulators print for pages before the first number. Data sets have a million texts, which are looked into one by one.
_HEAD = 2**17


def is_printed(path: Path) -> bool:
    """Return whether a file that a user names is a text, and so may be printed output, by its first bytes."""
    return "\0" not in decoded(begins_with(path, _HEAD))


def read_printed(path: Path, wanted: Wanted) -> LogFile:
    """Read the numbers of a text. Never raises for the state or the content of the file.

    Args:
        path: The file.
        wanted: Tells whether the points of a tag are kept.
    """
    text, issues = read_text(path)
    if text is None:
        return LogFile(path, issues=issues)
    lines = _lines(text)
    error, begun = _error(lines)
    # The frames of a traceback have numbers, too.
    lines = lines[:begun] if error else lines
    rows, planned = _of_library(lines)
    axis = ""
    if not rows:
        (rows, axis), planned = rows_of_pairs(lines), planned_by(lines)
    if not rows and not error:
        issues = ReadIssues()
        issues.add("no-metrics", 0, "holds no table and no lines of numbers that a training printed")
    log = read_rows(path, rows, len(text), wanted, issues)
    return replace(log, axis=axis, planned=0 if axis else planned, error=error)


def _lines(text: str) -> list[str]:
    return _ESCAPES.sub("", text).replace("\r", "\n").split("\n")


def _error(lines: Sequence[str]) -> tuple[str, int]:
    """Return the error after which nothing more was logged, empty where there is none, and the line where it begins."""
    begun = begin_of_error(lines)
    if begun is None or _of_library(lines[begun:])[0]:
        return "", len(lines)
    return error_of(lines[begun:]), begun


def _of_library(lines: Sequence[str]) -> tuple[list[Row], int]:
    """Return the rows of the style that a library prints, none where none is known, and the step of the end."""
    boxes = [row for row in rows_of_boxes(lines) if any(name in row for name in STEP_COLUMNS)]
    if boxes:
        return boxes, 0
    style = style_of("\n".join(lines))
    return (list(rows_of_lines(lines, style)), lines_planned_by(lines, style)) if style else ([], 0)


def _find(_: Sequence[str], files: Sequence[str]) -> list[str]:
    return [name for name in files if PurePath(name).suffix.lower() in _SUFFIXES]


def _is_one(path: Path) -> bool:
    """Return whether the beginning of a text is what a library prints: others are read where they are named."""
    head = decoded(begins_with(path, _HEAD))
    signs = (*STEP_COLUMNS, *(style.identified_by for style in styles()))
    return "\0" not in head and any(sign in head for sign in signs) and bool(_of_library(_lines(head))[0])


PRINTED = LogFormat(
    _find,
    one_by_one(read_printed),
    supplement=True,
    last_resort=True,
    confirm=_is_one,
    trainings=lambda paths: [[path] for path in paths],
)
