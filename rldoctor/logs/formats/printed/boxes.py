"""Tables with a frame, one for each time that was logged: a name and its value in each line.

Stable-Baselines3 prints sections, whose names stand alone in a line and before the tags below them::

    ---------------------------------
    | rollout/           |          |
    |    ep_rew_mean     | 21.3     |
    | time/              |          |
    |    total_timesteps | 2048     |
    ---------------------------------

OpenAI Baselines, Stable-Baselines 2 and Spinning Up print the same without sections.
Sources: stable_baselines3/common/logger.py (HumanOutputFormat), baselines/logger.py, spinup/utils/logx.py
(dump_tabular).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rldoctor.logs.formats.tables import Row

_THIN = str.maketrans({"│": "|", "┃": "|", "║": "|"})
# What a frame is drawn with, and how long the shortest one is.
_FRAME, _SHORTEST = frozenset("-+=─━═╭╮╰╯┌┐└┘├┤╔╗╚╝ "), 8
_BETWEEN = re.compile(r"\s{2,}")
_TITLE = re.compile(r"[|│] *Trial (?P<title>\S{1,200}) result *[|│]")


def rows_of_boxes(lines: Iterable[str]) -> Iterator[tuple[str, Row]]:
    """Yield each table as a row, with its title, which is mostly empty.

    What others print between its lines is left out. A title has a line of its own: Ray Tune's is ``Trial X result``.
    """
    row: dict[str, object] = {}
    section = title = ""
    for line in lines:
        cells = _cells(line)
        if cells is None:
            if row and _is_frame(line):
                yield title, row
                row, section = {}, ""
            elif not row and (found := _TITLE.search(line)):
                title = found["title"]
            continue
        name, value = cells
        if name.endswith("/") and not value:
            section = name
            continue
        # The full name of a tag stands in few tables; there are no sections then.
        tag = name if "/" in name or not section else section + name
        if tag in row:
            yield title, row
            row = {}
        row[tag] = value
    if row:
        yield title, row


def plain_bars(line: str) -> str:
    """Return a line with the upright of ASCII in place of those that frames are drawn with."""
    return line if line.isascii() else line.translate(_THIN)


def _is_frame(line: str) -> bool:
    drawn = line.strip(" \t>")
    return len(drawn) >= _SHORTEST and _FRAME.issuperset(drawn)


def _cells(line: str) -> tuple[str, str] | None:
    """Return the two cells of a line of a table, whatever stands before and after its frame."""
    parts = plain_bars(line).split("|")
    inner = [part.strip() for part in parts[1:-1]]
    if len(inner) == 1:
        inner = _BETWEEN.split(inner[0])
    if len(inner) != 2 or not inner[0]:
        return None
    return inner[0], inner[1]
