"""Score the answers of a diagnosing tool on the archive of faults.

ANSWERS.csv has the columns id, flagged (1 where the tool says that something is wrong, 0 where it does not) and causes
(names of causes.csv, the most likely first, separated by spaces; causes that the tool does not tell apart are joined by
"|" and are one place). A run without an answer counts as not flagged. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# 95 % of a normal distribution.
_Z = 1.959964
_FLAGS = {"1": True, "true": True, "True": True, "0": False, "false": False, "False": False, "": False}
Rows = Sequence[Mapping[str, str]]


def score(labels: Rows, answers: Rows, split: str = "test") -> dict[str, tuple[int, int]]:
    """Return each measure as hits and number of runs.

    ``found``: harmful runs that are flagged. ``first`` and ``among three``: harmful runs that are flagged and have a
    right cause in the first place, or in the first three. ``healthy flagged``, ``harmless flagged``: false alarms.

    Args:
        labels: The rows of runs.csv.
        answers: The rows of the answers.
        split: ``train``, ``test`` or ``all``.
    """
    given = {row["id"]: row for row in answers}
    measures = ("found", "first", "among three", "healthy flagged", "harmless flagged")
    counts = {name: [0, 0] for name in measures}
    for label in labels:
        if split not in ("all", label["split"]):
            continue
        answer = given.get(label["id"], {})
        flagged = _FLAGS[answer.get("flagged", "0").strip()]
        if label["kind"] != "harmful":
            _count(counts[f"{label['kind']} flagged"], flagged)
            continue
        right = set(label["causes"].split())
        places = [bool(right & set(place.split("|"))) for place in (answer.get("causes") or "").split()]
        _count(counts["found"], flagged)
        _count(counts["first"], flagged and any(places[:1]))
        _count(counts["among three"], flagged and any(places[:3]))
    return {name: (hits, runs) for name, (hits, runs) in counts.items()}


def _count(counted: list[int], hit: bool) -> None:
    counted[0] += hit
    counted[1] += 1


def interval(hits: int, runs: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate (Wilson 1927); the whole of [0, 1] where there is no run."""
    if not runs:
        return 0.0, 1.0
    rate, square = hits / runs, _Z * _Z
    centre = (rate + square / (2 * runs)) / (1 + square / runs)
    half = _Z * math.sqrt(rate * (1 - rate) / runs + square / (4 * runs * runs)) / (1 + square / runs)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def read_rows(file: Path, columns: Iterable[str] = ("id",)) -> list[dict[str, str]]:
    """Return the rows of a CSV file.

    Raises:
        ValueError: It cannot be read, lacks one of ``columns``, or has a row that is too short or too long.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, strict=True)
            rows, names = list(reader), reader.fieldnames or ()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{file} is no CSV file: {error}") from None
    missing = [column for column in columns if column not in names]
    if missing:
        raise ValueError(f"{file} has no column {' and no column '.join(missing)}")
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise ValueError(f"{file}, row {number} does not have {len(names)} values, one for each column")
    return rows


def _answers(file: Path, labels: Rows, where: Path) -> Rows:
    """Return the rows of the answers.

    Raises:
        ValueError: They are not what can be scored against ``labels``, the rows of the file ``where``.
    """
    answers = read_rows(file, ("id", "flagged", "causes"))
    known = {row["id"] for row in labels}
    if unknown := {row["id"] for row in answers} - known:
        raise ValueError(f"{file}: {len(unknown)} ids are not in {where}, such as {min(unknown)}")
    for number, row in enumerate(answers, 2):
        if row["flagged"].strip() not in _FLAGS:
            raise ValueError(f"{file}, row {number}: flagged is {row['flagged']!r}; write 1 or 0")
    twice = [name for name, count in Counter(row["id"] for row in answers).items() if count > 1]
    if twice:
        raise ValueError(f"{file} answers {twice[0]} more than once")
    return answers


def main(arguments: Iterable[str] | None = None) -> int:
    """Print the measures of the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--labels", type=Path, default=Path(__file__).with_name("runs.csv"))
    parser.add_argument("--split", choices=("train", "test", "all"), default="test")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    try:
        labels = read_rows(chosen.labels, ("id", "split", "kind", "causes"))
        answers = _answers(chosen.answers, labels, chosen.labels)
    except ValueError as error:
        parser.error(str(error))
    measured = score(labels, answers, chosen.split)
    if chosen.json:
        sys.stdout.write(json.dumps(measured) + "\n")
        return 0
    for name, (hits, runs) in measured.items():
        low, high = interval(hits, runs)
        share = f"{hits / runs:.1%} ({hits} of {runs}; {low:.0%} to {high:.0%})" if runs else "no run"
        sys.stdout.write(f"{name:<18} {share}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
