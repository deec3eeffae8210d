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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# 95 % of a normal distribution.
_Z = 1.959964
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
        flagged = answer.get("flagged", "0").strip() in ("1", "true", "True")
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


def read_rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def main(arguments: Iterable[str] | None = None) -> int:
    """Print the measures of the answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answers", type=Path)
    parser.add_argument("--labels", type=Path, default=Path(__file__).with_name("runs.csv"))
    parser.add_argument("--split", choices=("train", "test", "all"), default="test")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    labels, answers = read_rows(chosen.labels), read_rows(chosen.answers)
    unknown = {row["id"] for row in answers} - {row["id"] for row in labels}
    if unknown:
        parser.error(f"{chosen.answers}: {len(unknown)} ids are not in {chosen.labels}, such as {min(unknown)}")
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
