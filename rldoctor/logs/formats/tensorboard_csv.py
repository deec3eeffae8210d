"""TensorBoard's "download CSV" and "download JSON": one tag a file, and the tag only in the file's name.

The CSV has the columns ``Wall time,Step,Value``, the JSON is one list of such threes. The browser saves
``run-NAME-tag-TAG.csv`` (earlier ``run_NAME-tag-TAG.csv`` and ``run_NAME,tag_TAG.csv``) and puts ``_`` for each ``/``
of the tag; people rename it as they like.
Source: tensorboard/plugins/scalar, tf-scalar-dashboard's data downloader.
"""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from rldoctor.logs.formats.log_file import LogFile, LogFormat, ReadIssues, Wanted, begins_with, one_by_one, read_text
from rldoctor.logs.formats.monitor import is_monitor
from rldoctor.logs.formats.tables import Row, as_float, csv_rows, read_rows

_COLUMNS = ("Wall time", "Step", "Value")
_HEADER = ",".join(_COLUMNS).encode()
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# How a list of threes begins: wall time and step.
_OF_JSON = re.compile(rb"\s*\[\s*\[\s*[\d.e+]+\s*,\s*\d+\s*,")
_HEAD = 120
_DEFAULT_NAME = re.compile(r"(?:run[-_])?(?P<run>.*)(?:-tag-|,tag_)(?P<tag>.*)", re.DOTALL)
# A second download of the same name.
_COPY = re.compile(r" ?\(\d+\)$")
# RLlib's tags have six slashes; longer names are nobody's tag, and the candidates are many.
_MOST_SEPARATORS, _MOST_SLASHES = 12, 6


def read_tensorboard_csv(path: Path, wanted: Wanted) -> LogFile:
    """Read one tag. Never raises for the state or the content of the file.

    Args:
        path: The file.
        wanted: Tells whether a tag is known.
    """
    text, issues = read_text(path)
    if text is None:
        return LogFile(path, issues=issues)
    tag = tag_of(path.name, wanted)
    times: list[float] = []
    rows = _json_rows(text, issues) if path.suffix.lower() == ".json" else csv_rows(text, issues)
    log = read_rows(path, _rows(rows, tag, times), len(text), wanted, issues, "Step")
    return replace(log, first_time=times[0], last_time=times[-1]) if times else log


def _json_rows(text: str, issues: ReadIssues) -> Iterator[Row]:
    try:
        points = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        issues.add("corrupt", 0, "is no JSON: its end may be missing")
        return
    for point in points:
        if isinstance(point, list) and len(point) == len(_COLUMNS):
            yield dict(zip(_COLUMNS, point, strict=True))


def _rows(rows: Iterable[Row], tag: str, times: list[float]) -> Iterator[Row]:
    for row in rows:
        time = as_float(row.get("Wall time"))
        if time is not None:
            times.append(time)
        yield {"Step": row.get("Step"), tag: row.get("Value")}


def tag_of(name: str, wanted: Wanted) -> str:
    """Return the tag that a file's name stands for: the known one that differs only in slashes, else the name."""
    stem = _COPY.sub("", PurePath(name).stem)
    found = _DEFAULT_NAME.fullmatch(stem)
    tag = found["tag"] if found else stem
    return next((candidate for candidate in _candidates(tag) if wanted(candidate)), tag)


def _candidates(tag: str) -> Iterator[str]:
    """Yield ``tag`` with none, one, two, ... of its separators read as slashes, the first ones first."""
    yield tag
    # "Reward / Total reward (mean)" is saved with _ between its spaces.
    parts = re.split(r"([_-])", tag)
    places = range(1, len(parts), 2)
    if len(places) > _MOST_SEPARATORS:
        return
    for count in range(1, min(len(places), _MOST_SLASHES) + 1):
        for chosen in itertools.combinations(places, count):
            yield "".join("/" if place in chosen else part for place, part in enumerate(parts))


def _is_one(path: Path) -> bool:
    if path.suffix.lower() == ".json":
        return bool(_OF_JSON.match(begins_with(path, _HEAD)))
    head = begins_with(path, len(_BYTE_ORDER_MARK) + len(_HEADER) + 4).removeprefix(_BYTE_ORDER_MARK)
    lines = head.decode("utf-8", errors="replace").splitlines()
    cells = next(csv.reader(lines[:1]), [])
    return ",".join(cell.strip() for cell in cells).encode() == _HEADER


def _trainings(paths: Sequence[Path]) -> list[list[Path]]:
    """Sort files by the run in their default name; those with a name of one's own are of one run."""
    runs: dict[str, list[Path]] = {}
    for path in paths:
        found = _DEFAULT_NAME.fullmatch(path.stem)
        runs.setdefault(found["run"] if found else "", []).append(path)
    return list(runs.values())


def _find(_: Sequence[str], files: Sequence[str]) -> list[str]:
    return [name for name in files if name.lower().endswith((".csv", ".json")) and not is_monitor(name)]


TENSORBOARD_CSV = LogFormat(_find, one_by_one(read_tensorboard_csv), confirm=_is_one, trainings=_trainings)
