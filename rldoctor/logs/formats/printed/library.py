"""What a library printed: its tables with a frame, its blocks of names and values, and its lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rldoctor.logs.formats.printed.blocks import rows_of_blocks
from rldoctor.logs.formats.printed.boxes import rows_of_boxes
from rldoctor.logs.formats.printed.grids import grids
from rldoctor.logs.formats.printed.lines import STEP, Style, planned_by, rows_of_lines, styles, styles_of
from rldoctor.logs.formats.tables import STEP_COLUMNS, Row

# What RLlib counts where it prints no steps; the column of its results (tables.py).
_ITERATION = "training_iteration"


class Printed(NamedTuple):
    """The rows that were printed.

    Attributes:
        rows: In their order.
        axis: What their steps count where that is not what the library's do; otherwise empty.
        planned: The step of the end; 0 where it is not printed.
        others: Whose rows are left out: those of other trials.
        without_return: The library that printed them and that did not print the return.
    """

    rows: list[Row]
    axis: str = ""
    planned: int = 0
    others: tuple[str, ...] = ()
    without_return: str = ""

    @property
    def with_steps(self) -> int:
        """How many rows have a step."""
        return sum(any(name in row for name in (STEP, *STEP_COLUMNS, _ITERATION)) for row in self.rows)


def of_library(lines: Sequence[str]) -> Printed:
    """Return the rows of what a library prints; none where none is known."""
    names = {name for style in styles() for name in style.row_names}
    known = names.union(STEP_COLUMNS)
    boxes = [(who, row) for who, row in rows_of_boxes(lines) if not known.isdisjoint(row)]
    if boxes:
        return _of_one(boxes)
    found = styles_of("\n".join(lines))
    if any(style.row_names for style in found):
        blocks = list(rows_of_blocks(lines, names))
        if blocks:
            return _of_one(blocks)
    for style in found:
        tables = list(_of_columns(lines, style))
        if tables:
            return _of_one(tables)
        rows, axis = rows_of_lines(lines, style)
        if rows:
            lacks = style.seldom and not any(style.seldom in row for row in rows)
            return Printed(rows, axis, planned_by(lines, style, axis), without_return=style.framework if lacks else "")
    return Printed([])


def _of_columns(lines: Iterable[str], style: Style) -> Iterable[tuple[str, Row]]:
    """Yield the rows of a library's tables with names in their first line, and of which training each is."""
    columns = {name: tag for name, tag in style.columns.items() if name != "who"}
    who = style.columns.get("who", "")
    for header, cells in grids(lines) if columns else ():
        if who in header:
            named = dict(zip(header, cells, strict=True))
            row = {tag: named[name] for name, tag in columns.items() if named.get(name)}
            if len(row) > 1:
                yield named[who], row


def _of_one(found: Sequence[tuple[str, Row]]) -> Printed:
    """Return the rows of the training that has most, the first of several, and the names of the others.

    A result of RLlib whose iteration is not printed is counted.
    """
    counts: dict[str, int] = {}
    for who, _ in found:
        counts[who] = counts.get(who, 0) + 1
    kept = max(counts, key=counts.__getitem__)
    rows = [row for who, row in found if who == kept]
    if not any(name in row for row in rows for name in (*STEP_COLUMNS, _ITERATION)):
        rows = [{_ITERATION: place, **row} for place, row in enumerate(rows, 1)]
    return Printed(rows, others=tuple(who for who in counts if who != kept and who))
