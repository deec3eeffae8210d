"""Curves in tables: Stable-Baselines3's ``progress.csv`` and ``progress.json``, and any CSV or JSON lines.

A table whose header has tabs is separated by tabs, as Spinning Up's ``progress.txt`` (spinup/utils/logx.py) and PFRL's
``scores.txt`` (pfrl/experiments/evaluator.py) are.

RLlib's ``progress.csv`` and ``result.json`` (one JSON object a line) hold what it writes to TensorBoard, under tags
without ``ray/tune/``, one row for each iteration (ray/tune/logger/json.py, csv.py and tensorboardx.py).

Cells that hold no number are skipped. A file that is no table, or ends in half a row, is reported like an event file.
"""

from __future__ import annotations

import csv
import io
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePath

import numpy as np

from rldoctor.logs.formats.log_file import (
    LARGEST_STEP,
    MAX_UNKNOWN_TAGS,
    LogFile,
    LogFormat,
    ReadIssues,
    Wanted,
    begins_with,
    by_name,
    one_by_one,
    read_text,
)
from rldoctor.logs.formats.monitor import is_monitor

# What Stable-Baselines3's logger writes with format_strings csv or json; the first is read, both hold the same numbers.
_PROGRESS = ("progress.csv", "progress.json")
# What Spinning Up and PFRL write. Other programs use such names for text, so that the header decides.
_TAB_SEPARATED = ("progress.txt", "scores.txt")
_TEXT, _LONGEST_HEADER = ".txt", 2**16
# The first of these columns that is there holds the step at which a row was written.
STEP_COLUMNS = (
    *("time/total_timesteps", "global_step", "total_timesteps", "timesteps", "env_steps", "num_timesteps"),
    *("step", "steps", "trainer/global_step", "train/global_step", "_step", "Step", "timestep", "env_step", "frames"),
    # Of Spinning Up, garage, and Baselines with Stable-Baselines 2.
    *("frame", "environment_steps", "TotalEnvInteracts", "TotalEnvSteps"),
    *("misc/total_timesteps", "TimestepsSoFar", "total timesteps", "total/steps"),
)
# RLlib's, in its tables, with what it puts in front of the tags and what it leaves out in TensorBoard.
_RLLIB_STEPS, _RLLIB_PREFIX = "training_iteration", "ray/tune/"
_RLLIB_OTHER = ("config", "pid", "timestamp", "time_total_s")
_HEAD_OF_RESULTS = 2**18
# What the Trainer of transformers, and so of TRL, writes beside each checkpoint: its whole log so far.
TRAINER_STATE_FILE = "trainer_state.json"
_JSON_SUFFIXES = (".json", ".jsonl")

Row = Mapping[str, object]


def is_table(name: str) -> bool:
    """Return whether a file that a user names may be a table of curves of any name: a CSV, a TSV, or JSON lines."""
    suffixes = (".csv", ".tsv", *_JSON_SUFFIXES)
    return PurePath(name).suffix.lower() in suffixes and name not in _PROGRESS and not is_monitor(name)


def is_text_table(path: Path) -> bool:
    """Return whether a text file is a table separated by tabs, by its suffix and its first line."""
    return path.suffix.lower() == _TEXT and "\t" in _header(path)


def is_json(path: Path) -> bool:
    """Return whether a table holds JSON lines, by its suffix."""
    return path.suffix.lower() in _JSON_SUFFIXES


def read_table(path: Path, wanted: Wanted) -> LogFile:
    """Read what can be read of a CSV or of JSON lines. Never raises for the state or the content of the file.

    Args:
        path: The file; JSON lines by its suffix, a CSV or a TSV otherwise.
        wanted: Tells whether the points of a column are kept.
    """
    text, issues = read_text(path)
    if text is None:
        return LogFile(path, issues=issues)
    rows = _json_rows(text, issues) if is_json(path) else csv_rows(text, issues)
    return read_rows(path, rows, len(text), wanted, issues)


def read_rows(
    path: Path, rows: Iterable[Row], size: int, wanted: Wanted, issues: ReadIssues, column: str = ""
) -> LogFile:
    """Return rows of named cells as the columns of a log file.

    Args:
        path: The file that they are from.
        rows: One row per step; cells that hold no number are skipped.
        size: Bytes of the file.
        wanted: Tells whether the points of a column are kept.
        issues: What could not be read so far; that there is no row is added.
        column: The column of steps; the first of ``STEP_COLUMNS`` that a row has by default. Without any, all rows are
            at step 0, and so in their order (:func:`rldoctor.logs.merge.in_their_order`).
    """
    tags: dict[str, int] = {}
    # In the order of the rows, which shows where another training begins.
    ids, steps, values = array("i"), array("q"), array("d")
    unknown: dict[str, None] = {}
    count = 0
    for row in rows:
        count += 1
        if not column:
            column = next((name for name in (*STEP_COLUMNS, _RLLIB_STEPS) if name in row), "")
            if column:
                # Rows before the first with a step cannot be placed among the others.
                tags, ids, steps, values = {}, array("i"), array("q"), array("d")
        step = as_float(row.get(column)) if column else 0.0
        if step is None or not 0 <= step < LARGEST_STEP:
            continue
        for tag, cell in row.items():
            value = as_float(cell)
            if value is None or tag == column:
                continue
            if column == _RLLIB_STEPS:
                if tag.partition("/")[0] in _RLLIB_OTHER:
                    continue
                tag = _RLLIB_PREFIX + tag
            if wanted(tag):
                ids.append(tags.setdefault(tag, len(tags)))
                steps.append(int(step))
                values.append(value)
            elif len(unknown) < MAX_UNKNOWN_TAGS:
                unknown[tag] = None
    if not issues.counts and not count:
        issues.add("empty", 0, "has no rows")
    return LogFile(
        path,
        size=size,
        tags=tuple(tags),
        tag_ids=np.frombuffer(ids, np.int32),
        steps=np.frombuffer(steps, np.int64),
        values=np.frombuffer(values, np.float64),
        unknown_tags=tuple(unknown),
        issues=issues,
    )


def csv_rows(text: str, issues: ReadIssues) -> Iterator[Row]:
    """Yield the rows of a CSV or a TSV under its column names; short ones are added to ``issues``."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text.partition("\n")[0]))
    short: list[str] | None = None
    try:
        header = next(lines, [])
        for cells in lines:
            if short is not None:
                issues.add("corrupt", 0, _short(short, header))
            short = cells if cells and len(cells) != len(header) else None
            if len(cells) == len(header):
                yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        issues.add("corrupt", 0, f"is no CSV: {error}")
    if short is not None:
        # A writer that was killed, or is still writing, leaves half a row at the end.
        issues.add("truncated", 0, _short(short, header))


def delimiter_of(header: str) -> str:
    """Return what separates the columns of a table, by its first line: a tab or a comma."""
    return "\t" if header.count("\t") > header.count(",") else ","


def _short(cells: list[str], header: list[str]) -> str:
    return f"has a row of {len(cells)} cells under {len(header)} column names"


def _json_rows(text: str, issues: ReadIssues) -> Iterator[Row]:
    offset = 0
    lines = text.splitlines()
    for index, line in enumerate(lines):
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            issues.add_line(index, len(lines), "has a line that is no JSON object", offset)
            row = None
        if isinstance(row, dict):
            yield flat_row(row)
        offset += len(line) + 1


def flat_row(row: dict[str, object]) -> Row:
    """Return nested objects as tags with slashes: ``{"env_runners": {"num_episodes": 3}}``."""
    if not any(isinstance(cell, dict) for cell in row.values()):
        return row
    found: dict[str, object] = {}
    left: list[tuple[str, object]] = [*row.items()][::-1]
    while left:
        tag, cell = left.pop()
        if isinstance(cell, dict):
            left.extend((f"{tag}/{name}", inside) for name, inside in [*cell.items()][::-1])
        else:
            found[tag] = cell
    return found


def as_float(cell: object) -> float | None:
    """Return a cell as a number; ``None`` for text, an empty cell and a truth value."""
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def read_trainer_state(path: Path, wanted: Wanted) -> LogFile:
    """Read the log in a ``trainer_state.json``. Never raises for the state or the content of the file."""
    text, issues = read_text(path)
    if text is None:
        return LogFile(path, issues=issues)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    history = content.get("log_history") if isinstance(content, dict) else None
    if not isinstance(history, list):
        issues.add("corrupt", 0, "holds no log of a trainer (log_history)")
        return LogFile(path, issues=issues)
    rows = [row for row in history if isinstance(row, dict)]
    return read_rows(path, rows, len(text), wanted, issues, "step")


def _find(_: Sequence[str], files: Sequence[str]) -> list[str]:
    return [name for name in _PROGRESS if name in files][:1]


def _header(path: Path) -> str:
    return begins_with(path, _LONGEST_HEADER).decode("utf-8-sig", errors="replace").partition("\n")[0].rstrip("\r")


def _has_steps(path: Path) -> bool:
    """Return whether the header of a table that tabs separate names a column of steps."""
    cells = _header(path).split("\t")
    return len(cells) > 1 and any(name in cells for name in STEP_COLUMNS)


def _is_rllib(path: Path) -> bool:
    return f'"{_RLLIB_STEPS}"'.encode() in begins_with(path, _HEAD_OF_RESULTS)


# The header of RLlib's progress.csv is that of the first result, often without a return; result.json has it all.
RLLIB = LogFormat(by_name("result.json".__eq__), one_by_one(read_table), confirm=_is_rllib)
TABLES = LogFormat(_find, one_by_one(read_table))
TAB_SEPARATED = LogFormat(by_name(_TAB_SEPARATED.__contains__), one_by_one(read_table), confirm=_has_steps)
TRAINER_STATE = LogFormat(by_name(TRAINER_STATE_FILE.__eq__), one_by_one(read_trainer_state))
