"""Trainings that run, as a table that fits the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rldoctor.model import Verdict, WatchRow
from rldoctor.render.terminal.marks import VERDICT_STYLE, shortened
from rldoctor.render.wording import below_what_is_shared, clean

_WIDE = 100
_STATE_STYLE = {"running": "", "finished": "green", "stalled": "yellow", "killed": "red", "ended": ""}


def watch_table(console: Console, rows: Sequence[WatchRow], seconds: float | None = None) -> RenderableType:
    """Return how trainings stand, as many as fit the terminal, the worst first.

    Args:
        console: Where it is shown.
        rows: The trainings.
        seconds: Between two looks; ``None`` where there is only one.
    """
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False, padding=(0, 1))
    # In a narrow terminal, what is left gives its room to the cause.
    wide = console.width >= _WIDE
    for name in ("run", "verdict", *(("since",) if wide else ()), "progress", *(("left",) if wide else ()), "state"):
        table.add_column(name, justify="right" if name in ("since", "progress", "left") else "left", no_wrap=True)
    table.add_column("most likely cause", ratio=1, overflow="fold")
    # Room for the heading, the news and a line on what is left out.
    most = max(3, console.height - 9) if console.is_terminal else len(rows)
    width = max(12, console.width // 4)
    names = below_what_is_shared([clean(row.path) for row in rows[:most]]) if len(rows) > 1 else [r.path for r in rows]
    for name, row in zip(names, rows[:most], strict=True):
        faulty = row.verdict in (Verdict.SICK, Verdict.SUSPECT)
        table.add_row(
            shortened(console, clean(name), width),
            Text(_word(row), style=VERDICT_STYLE[row.verdict]),
            *((f"{row.since:,}" if faulty and row.since else "",) if wide else ()),
            f"{row.share:.0%} of {short(row.planned)}" if row.share is not None else short(row.step),
            *(("" if row.left is None else lasting(row.left),) if wide else ()),
            Text(row.state if row.state != "running" else f"{lasting(row.age)} ago", style=_STATE_STYLE[row.state]),
            clean(f"{row.cause} {row.confidence:.0%}") if row.cause else "",
        )
    below: list[RenderableType] = []
    if len(rows) > most:
        below.append(Text(f"{len(rows) - most} more runs", style="dim"))
    for row in [row for row in rows if row.news][:3]:
        news = clean(" ".join(part for part in (row.news, row.remedy) if part))
        below.append(Text.assemble((shortened(console, clean(row.path), width), "bold"), f"  {news}"))
    words = Counter(map(_word, sorted(rows, key=lambda row: [*VERDICT_STYLE].index(row.verdict))))
    every = "" if seconds is None else f"; a look every {seconds:g} s, Ctrl-C ends"
    runs = "1 run" if len(rows) == 1 else f"{len(rows)} runs"
    return Group(
        table,
        *below,
        Text(f"{runs}: {', '.join(f'{n} {word}' for word, n in words.items()) or 'none yet'}{every}", style="dim"),
    )


def _word(row: WatchRow) -> str:
    return "too young" if row.verdict is Verdict.UNJUDGED and row.state == "running" else str(row.verdict)


def short(number: int | None) -> str:
    """Return a number of steps in three digits: ``60k``, ``1.25M``."""
    if number is None:
        return "?"
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)


def lasting(seconds: float) -> str:
    """Return a time in one unit: ``45 s``, ``12 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
