"""The part of the terminal report that is about very many runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import OverviewResult, Verdict
from rldoctor.render.overview_tables import command_for, tables
from rldoctor.render.terminal.marks import VERDICT_STYLE, View, put, shortened
from rldoctor.render.wording import counted, one_line

_WORST = 10
_SHORTEST_NAME = 16


def print_counts(console: Console, overview: OverviewResult, view: View) -> None:
    """Print the tables of an overview, and how to see the rest."""
    for found in tables(overview, None if view.verbose else _WORST):
        put(console, Text(found.title, "bold"), above=1)
        put(console, _table(console, found.headings, found.rows))
    if overview.failed:
        words = f"{counted(overview.failed, 'run')} could not be judged because rldoctor failed: see failed"
        put(console, Text(one_line(f"{words}, {command_for(overview, 'failed')}"), "cyan"), above=1)
    if overview.place:
        command = command_for(overview, 'verdict == "sick"')
        put(console, Text(one_line(f"Every run is in {overview.place}: {command}"), "dim"), above=1)


def _table(console: Console, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    # The longest texts are names of runs, which give way to the numbers.
    cells = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(len(row[place]) for row in [list(headings), *cells]) for place in range(len(headings))]
    longest = widths.index(max(widths))
    room = max(_SHORTEST_NAME, console.width - 4 - sum(width + 2 for i, width in enumerate(widths) if i != longest))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for place, heading in enumerate(headings):
        is_number = all(cell[place][:1] in "-0123456789" for cell in cells)
        table.add_column(heading, no_wrap=True, justify="right" if is_number else "left")
    verdicts = {verdict.value: style for verdict, style in VERDICT_STYLE.items() if verdict in Verdict}
    for row in cells:
        texts = [shortened(console, cell, room, 0) if i == longest else cell for i, cell in enumerate(row)]
        table.add_row(*(Text(text, verdicts.get(text, "")) for text in texts))
    return table
