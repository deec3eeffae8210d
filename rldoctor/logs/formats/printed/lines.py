"""The lines of libraries that print no table: what stands in them is data, ``checks/printed/*.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property

from msgspec import field

from rldoctor import datafile
from rldoctor.caches.compiled import compiled
from rldoctor.datafile import Table, Text
from rldoctor.logs.formats.tables import Row

NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf)"
"""A number as Python prints it."""
STEP = "step"
"""The column of steps of the rows that are made of lines."""


class Line(Table, frozen=True, dict=True):
    """A line, or a part of one, with numbers.

    Attributes:
        pattern: A regular expression in which ``{number}`` is any number. Its group ``step`` is the step from here on,
            ``total`` the step of the end; groups named in ``tags`` are values, and a group ``value`` is that of the tag
            in the group ``tag``. Where several trainings print into one text, the group ``who`` tells which one it is.
        tags: Group to the tag that its value has in the logs of the library.
    """

    pattern: Text
    tags: dict[str, str] = field(default_factory=dict)

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
        lines: Lines, and parts of lines, that hold numbers.
    """

    framework: Text
    source: Text
    identified_by: Text
    lines: tuple[Line, ...]


@cache
def styles() -> tuple[Style, ...]:
    """Return the styles of all libraries, by name."""

    def read() -> tuple[Style, ...]:
        paths = sorted((datafile.folder("checks") / "printed").glob("*.toml"))
        return tuple(datafile.load(path, Style, "printed style") for path in paths)

    return compiled("printed", tuple[Style, ...], read)


def style_of(text: str) -> Style | None:
    """Return the style of which a text has the first sign; ``None`` where it has none."""
    found = [(place, style) for style in styles() if (place := text.find(style.identified_by)) >= 0]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def planned_by(lines: Sequence[str], style: Style) -> int:
    """Return the step at which the training will end, by the last line that says so; 0 where none does."""
    telling = [kind.compiled for kind in style.lines if "total" in kind.compiled.groupindex]
    found = (match for line in reversed(lines) for kind in telling if (match := kind.search(line)))
    return next((int(match["total"]) for match in found), 0)


def rows_of_lines(lines: Iterable[str], style: Style) -> Iterator[Row]:
    """Yield what stands in each line as a row, at its step or the last one before it.

    Of several trainings that print into one text the first one keeps its tags; those of others begin with their names,
    so that they are listed as unknown.
    """
    step, first = "", ""
    for line in lines:
        row: dict[str, object] = {}
        for kind in style.lines:
            for match in kind.compiled.finditer(line):
                groups = match.groupdict()
                step = groups.get(STEP) or step
                who = groups.get("who") or first
                first = first or who
                prefix = "" if who == first else f"{who}: "
                if "tag" in groups:
                    row[prefix + groups["tag"]] = groups["value"]
                row |= {prefix + tag: groups[name] for name, tag in kind.tags.items() if groups[name]}
        if row:
            yield {STEP: step, **row} if step else row
