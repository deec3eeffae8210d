"""The overview of very many runs as tables, for every format that shows tables."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rldoctor.model import GroupCounts, OverviewResult, RunLine
from rldoctor.render.wording import below_what_is_shared, likelihood, number


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: What it shows.
        headings: Of its columns.
        rows: Its cells.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


_COUNTS = ("runs", "sick", "suspect", "unjudged", "healthy")
_LINES = ("verdict", "run", "steps", "final return", "most likely cause")


def tables(overview: OverviewResult, most: int | None = None) -> list[Table]:
    """Return the tables of an overview that have rows; of the worst runs at most ``most``."""
    causes = [[*_counts(group)[:5], group.typical] for group in overview.causes]
    # All below one folder: its name tells none of them apart.
    names = below_what_is_shared([run.path for run in overview.worst])
    lines = [_line(run, name) for run, name in zip(overview.worst, names, strict=True)]
    found = [
        Table("Verdicts by environment", ("environment", *_COUNTS), [_counts(one) for one in overview.environments]),
        Table("Verdicts by folder", ("folder", *_COUNTS), [_counts(one) for one in overview.folders]),
        Table("Most likely causes of runs that are not healthy", ("cause", *_COUNTS[:4], "a typical run"), causes),
        Table("The worst runs", _LINES, lines[:most]),
    ]
    return [table for table in found if table.rows]


def _counts(group: GroupCounts) -> list[str]:
    numbers = (group.total, group.sick, group.suspect, group.unjudged, group.healthy)
    return [group.name or "(not named)", *(f"{count:,}" if count else "-" for count in numbers)]


def _line(run: RunLine, name: str) -> list[str]:
    odds = "" if run.probability is None else f" ({likelihood(run.probability)})"
    returned = "" if run.final_return is None else number(run.final_return)
    return [run.verdict.value, name, f"{run.steps:,}", returned, f"{run.cause}{odds}"]


def command_for(overview: OverviewResult, where: str) -> str:
    """Return the command that shows the runs of an overview that fit ``where`` too."""
    both = f"({overview.where}) and {where}" if overview.where else where
    return f"rldoctor show {shlex.quote(overview.place)} --where {shlex.quote(both)}"
