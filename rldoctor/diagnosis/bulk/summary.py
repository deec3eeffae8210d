"""What a table of results comes to: counts, the worst runs, and a sample of each kind. Summaries can be merged."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rldoctor.diagnosis.bulk.arrow import pa, pc
from rldoctor.model import RunLine, Verdict

# How many of the worst runs come home: ours, "a few hundred" fill a table that can still be scrolled.
WORST = 300
# Of each verdict and cause so many runs, chosen by chance, from which the typical one is taken.
SAMPLE = 15
_WORST_FIRST = [verdict.value for verdict in (Verdict.SICK, Verdict.SUSPECT, Verdict.UNJUDGED, Verdict.HEALTHY)]
_LINE = ["path", "verdict", "cause", "probability", "health", "env", "steps", "final_return"]
# What a summary needs of a table.
COLUMNS = [*_LINE, "folder", "failed", "sample"]


@dataclass(frozen=True)
class Seen:
    """A run that came home, and the file that holds it."""

    line: RunLine
    part: str


Key = tuple[str, str, str, str]
"""Verdict, cause, environment and folder."""


@dataclass
class Summary:
    """Counts and chosen runs of one or many files of results; of a bounded size, however many runs there are.

    Attributes:
        parts: Rows of each file.
        counts: Runs of each verdict, cause, environment and folder.
        worst: At most :data:`WORST` runs, each with its place in the order.
        samples: Of each verdict and cause at most :data:`SAMPLE` runs, chosen by a number made from their path.
        failed: Runs that an error of rldoctor leaves unjudged.
    """

    parts: dict[str, int] = field(default_factory=dict)
    counts: Counter[Key] = field(default_factory=Counter)
    worst: list[tuple[tuple[int, float, str], Seen]] = field(default_factory=list)
    samples: dict[tuple[str, str], list[tuple[int, str, Seen]]] = field(default_factory=dict)
    failed: int = 0

    @property
    def total(self) -> int:
        """How many runs there are."""
        return self.counts.total()


def summary_of(table: pa.Table, part: str) -> Summary:
    """Return the summary of rows of the file ``part``."""
    keys = ["verdict", "cause", "env", "folder"]
    grouped = table.group_by(keys).aggregate([([], "count_all")]).to_pylist()
    counts: Counter[Key] = Counter()
    for row in grouped:
        counts[row["verdict"], row["cause"], row["env"], row["folder"]] += row["count_all"]
    rank = pc.index_in(table["verdict"], value_set=pa.array(_WORST_FIRST))
    health = pc.fill_null(table["health"], 1.0)
    ordered = table.append_column("rank", rank).append_column("order", health)
    by = [("rank", "ascending"), ("order", "ascending"), ("path", "ascending")]
    worst = [
        ((row["rank"], row["order"], row["path"]), _seen(row, part))
        for row in _smallest(ordered, WORST, by).to_pylist()
    ]
    samples = {}
    for verdict, cause in sorted({(key[0], key[1]) for key in counts}):
        some = table.filter(pc.and_(pc.equal(table["verdict"], verdict), pc.equal(table["cause"], cause)))
        chosen = _smallest(some, SAMPLE, [("sample", "ascending"), ("path", "ascending")]).to_pylist()
        samples[verdict, cause] = [(row["sample"], row["path"], _seen(row, part)) for row in chosen]
    failed = pc.sum(table["failed"]).as_py() or 0
    return Summary({part: table.num_rows}, counts, worst, samples, failed)


def merged(summaries: Iterable[Summary]) -> Summary:
    """Return the summary of all files of several summaries; the order of these does not matter."""
    whole = Summary()
    found = list(summaries)
    for one in found:
        whole.parts.update(one.parts)
        whole.counts.update(one.counts)
        whole.failed += one.failed
    whole.worst = heapq.nsmallest(WORST, (entry for one in found for entry in one.worst), key=lambda entry: entry[0])
    for kind in sorted({kind for one in found for kind in one.samples}):
        some = (entry for one in found for entry in one.samples.get(kind, ()))
        whole.samples[kind] = heapq.nsmallest(SAMPLE, some, key=lambda entry: entry[:2])
    return whole


def typical(sample: Iterable[tuple[int, str, Seen]]) -> Seen | None:
    """Return the run of a sample whose probability of health is the median; ``None`` of no runs."""
    ordered = sorted(sample, key=lambda entry: (entry[2].line.health or 0.0, entry[1]))
    return ordered[len(ordered) // 2][2] if ordered else None


def _smallest(table: pa.Table, count: int, by: list[tuple[str, str]]) -> pa.Table:
    return table.take(pc.sort_indices(table, sort_keys=by)[:count])


def _seen(row: dict[str, Any], part: str) -> Seen:
    return Seen(RunLine(**{key: row[key] for key in _LINE} | {"verdict": Verdict(row["verdict"])}), part)
