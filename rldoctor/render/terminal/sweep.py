"""The part of the terminal report that is about a sweep: its settings side by side, then its runs."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import SettingResult, SweepResult
from rldoctor.render.sweep_tables import TextTable, tables
from rldoctor.render.terminal.findings import print_findings
from rldoctor.render.terminal.marks import View, put, shortened, sparkline
from rldoctor.render.wording import one_line

# Runs that are listed one by one; --verbose lists all.
_MOST_RUNS = 30
_CURVE_POINTS = 24
# Columns of a terminal that shows every column of a table.
_WIDE = 100
# Below this only what is needed is shown.
_NARROW = 64
_LONGEST_NAME, _SHORTEST_NAME = 36, 12


def print_sweep(console: Console, sweep: SweepResult, view: View) -> None:
    """Print the tables of a sweep, and success against steps as a small curve for each setting."""
    outcomes, learning, runs = tables(sweep)
    _print(console, outcomes)
    if learning.rows:
        _print(console, learning)
    curves = Table.grid(padding=(0, 2))
    for setting in sweep.settings:
        drawn = _curve(console, setting)
        if drawn:
            curves.add_row(Text(one_line(setting.name)), Text(drawn, style="cyan", no_wrap=True))
    if curves.row_count:
        _heading(console, "success rate in training, from the first step to the last")
        put(console, curves)
    if view.verbose or len(runs.rows) <= _MOST_RUNS:
        _print(console, runs)
    console.print()
    print_findings(console, sweep.findings, remedies=True, notes=view.verbose)


def _heading(console: Console, title: str) -> None:
    put(console, Text(title, style="dim"), above=1)


def _print(console: Console, words: TextTable) -> None:
    _heading(console, words.title)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    wanted = set(words.headings) - set(words.spare if console.width < _WIDE else ())
    if console.width < _NARROW:
        wanted = set(words.needed)
    shown = [place for place, heading in enumerate(words.headings) if heading in wanted]
    for place in shown:
        # What tells rows apart stays on one line.
        table.add_column(words.headings[place], overflow="fold", no_wrap=place == 0)
    for row in words.rows:
        cells = [shortened(console, row[0], min(_LONGEST_NAME, max(_SHORTEST_NAME, console.width // 3))), *row[1:]]
        table.add_row(*(Text(cells[place]) for place in shown))
    put(console, table)


def _curve(console: Console, setting: SettingResult) -> str:
    trend = next((trend for trend in setting.trends if trend.metric == "success_rate"), None)
    if trend is None:
        return ""
    every = max(1, -(-len(trend.middle) // _CURVE_POINTS))
    # The ends of the scale are drawn into it, so that a curve that stays at 1 is a high one.
    bars = sparkline(console, [0.0, 1.0, *trend.middle[::every]])
    return bars[2:]
