"""The lines of libraries that print no table: what stands in them is data, ``checks/printed/*.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from operator import attrgetter

from msgspec import field

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.datafile import Table, Text
from rldoctor.logs.formats.tables import Row

NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?i:nan|inf(?:inity)?)"
"""A number as Python prints it; others write NaN and Infinity."""
ROUNDED_AWAY = re.compile(r"0\.00+")
"""A number that is too small for the digits that it was printed with: it is not known to be 0."""
STEP = "step"
"""The column of steps of the rows that are made of lines."""
_ITERATION = "iteration"
_RATE = re.compile(r"(?:^|[/_])(?:lr|learning_rate)$")
_LETTERS = {"K": 1e3, "M": 1e6, "B": 1e9}


class Line(Table, frozen=True, dict=True):
    """A line, or a part of one, with numbers.

    Attributes:
        pattern: A regular expression in which ``{number}`` is any number. Its group ``step`` is the step from here on,
            which may end in K, M or B, and ``total`` the step of the end; ``iteration`` stands for it in a text in
            which no line has a step. Groups named in ``tags`` are values, and a group ``value`` is that of the tag in
            the group ``tag``. Where several trainings print into one text, the group ``who`` tells which one it is.
        tags: Group to the tag that its value has in the logs of the library.
        prefix: What stands before the tag of the group ``tag`` in those logs.
    """

    pattern: Text
    tags: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern with its numbers."""
        return re.compile(self.pattern.replace("{number}", f"(?:{NUMBER})"))


class Style(Table, frozen=True):
    """How a library prints what it measures.

    Attributes:
        framework: The name of its tag mapping, as of the file.
        source: Where it prints.
        identified_by: A part of a line that shows that it printed it.
        within: A part of all lines that hold numbers; empty for any line.
        lines: Lines, and parts of lines, that hold numbers.
        row_names: Names of which one makes a row of a table with a frame, or of a block of names and values.
        columns: Names of the columns of its tables to the tags of their numbers, and ``who`` to that of the training.
        seldom: The tag of the return, for a library that prints it only at times, or not at all.
    """

    framework: Text
    source: Text
    identified_by: Text
    within: str = ""
    lines: tuple[Line, ...] = ()
    row_names: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    seldom: str = ""


@cache
def styles() -> tuple[Style, ...]:
    """Return the styles of all libraries, by name."""

    def read() -> tuple[Style, ...]:
        paths = (datafile.folder("checks") / "printed").rglob("*.toml")
        return tuple(datafile.load(path, Style, "printed style") for path in sorted(paths, key=attrgetter("stem")))

    return compiled("printed", tuple[Style, ...], read)


def styles_of(text: str) -> list[Style]:
    """Return the styles of which a text has a sign, in the order in which these stand in it."""
    found = [(place, style) for style in styles() if (place := text.find(style.identified_by)) >= 0]
    return [style for _, style in sorted(found, key=lambda pair: pair[0])]


def planned_by(lines: Sequence[str], style: Style, axis: str = "") -> int:
    """Return the step at which the training will end, by the last line that says so; 0 where none does.

    Args:
        lines: The lines of a text.
        style: Who printed them.
        axis: What its steps count, where that is not what the style's do.
    """
    counted = "iteration" if axis else STEP
    telling = [kind.compiled for kind in style.lines if {"total", counted} <= kind.compiled.groupindex.keys()]
    found = (match["total"] for line in reversed(lines) for kind in telling if (match := kind.search(line)))
    return next((int(total) for total in found if total), 0)


def rows_of_lines(lines: Sequence[str], style: Style) -> tuple[list[Row], str]:
    """Return what stands in each line as a row, at its step or the last one before it.

    Of several trainings that print into one text the first one keeps its tags; those of others begin with their names,
    so that they are listed as unknown.

    Returns:
        The rows, and what their steps count where that is not what those of the library do; otherwise nothing.
    """
    rows = list(_rows(lines, style, STEP))
    if any(STEP in row for row in rows) or not any(_ITERATION in kind.compiled.groupindex for kind in style.lines):
        return rows, ""
    return list(_rows(lines, style, _ITERATION)), "iterations"


def _rows(lines: Iterable[str], style: Style, counted: str) -> Iterator[Row]:
    step, first = "", ""
    for line in lines:
        if style.within not in line:
            continue
        row: dict[str, object] = {}
        for kind in style.lines:
            for match in kind.compiled.finditer(line):
                groups = match.groupdict()
                step = groups.get(counted) or step
                who = groups.get("who") or first
                first = first or who
                prefix = "" if who == first else f"{who}: "
                if "tag" in groups:
                    row[prefix + kind.prefix + groups["tag"]] = groups["value"]
                row |= {prefix + tag: groups[name] for name, tag in kind.tags.items() if groups[name]}
        row = {tag: cell for tag, cell in row.items() if not (_RATE.search(tag) and ROUNDED_AWAY.fullmatch(str(cell)))}
        if row:
            yield {STEP: _number(step), **row} if step else row


def _number(step: str) -> object:
    """Return a step without the letter that it may end in: ``10K``."""
    unit = _LETTERS.get(step[-1])
    return float(step[:-1]) * unit if unit else step
