"""Tables whose first line has the names and each further one the numbers, with or without a frame.

::

    | Trial name                  | status   |   iter |     ts |   reward |
    |-----------------------------+----------+--------+--------+----------|
    | PPO_CartPole-v1_29116_00000 | RUNNING  |      3 |  46550 |   190.75 |

Ray Tune prints such a table again and again (``checks/printed/ray/*.toml``); loops that somebody wrote print their
names once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rldoctor.logs.formats.printed.boxes import plain_bars
from rldoctor.logs.formats.tables import as_float

_WIDE = re.compile(r"\s{2,}|\t")
_DRAWN = re.compile(r"[\s|+\-=:─━═╭╮╰╯┌┐└┘├┤┼┬┴╞╡╔╗╚╝]+")
_LONGEST_LINE, _LONGEST_NAME, _MOST_CELLS = 2**12, 60, 40
_HAS_LETTER = re.compile(r"[^\W\d_]")


def grids(lines: Iterable[str]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield each line of numbers with the line of names that it is under."""
    header: tuple[str, ...] = ()
    framed = False
    words: tuple[str, ...] = ()
    for line in lines:
        if len(line) > _LONGEST_LINE or not line.strip() or _DRAWN.fullmatch(line):
            continue
        cells, has_frame = _cells(line)
        if _is_header(cells):
            header, framed, words = cells, has_frame, ()
        elif header and has_frame == framed and len(cells) == len(header):
            if sum(map(_is_number, cells)) > 1:
                yield header, cells
        elif header and not has_frame and len(cells) == len(header) + 1 and all(map(_is_number, cells)):
            yield header, cells[1:]  # the index of a row, as pandas prints it
        elif not has_frame:
            # Columns that a single space separates.
            parts = tuple(line.split())
            if words and len(parts) == len(words) and all(map(_is_number, parts)):
                yield words, parts
            elif _is_header(parts):
                words = parts


def _is_number(cell: str) -> bool:
    return as_float(cell.rstrip("%kKM").partition("/")[0]) is not None


def _cells(line: str) -> tuple[tuple[str, ...], bool]:
    thin = plain_bars(line).strip()
    parts = thin.split("|")
    inner = [part.strip() for part in parts[1:-1]]
    if len(parts) > 2 and not parts[0] and not parts[-1]:
        # A frame around the whole of a line, and columns of spaces in it.
        return tuple(inner if len(inner) > 1 else _WIDE.split(inner[0])), True
    return tuple(_WIDE.split(thin)), False


def _is_header(cells: tuple[str, ...]) -> bool:
    """Return whether cells are names: none of them is a number, and no two are the same."""
    return (
        2 < len(cells) <= _MOST_CELLS
        and len(set(cells)) == len(cells)
        and all(_HAS_LETTER.search(cell) and len(cell) <= _LONGEST_NAME and as_float(cell) is None for cell in cells)
        and not any(mark in cell for cell in cells for mark in ":={")
    )
