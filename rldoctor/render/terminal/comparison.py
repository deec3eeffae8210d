"""The part of the terminal report that is about two runs: settings side by side, and where the curves part."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import ComparisonResult
from rldoctor.render.comparison_tables import tables
from rldoctor.render.terminal.findings import print_findings
from rldoctor.render.terminal.marks import View, put
from rldoctor.render.wording import one_line


def print_comparison(console: Console, result: ComparisonResult, view: View) -> None:
    """Print the settings that differ, all of them where verbose, then the partings and what they point to."""
    for rows in tables(result, everything=view.verbose):
        _print(console, rows)
    console.print()
    print_findings(console, result.findings, remedies=True, notes=True)


def _print(console: Console, rows: list[tuple[str, ...]]) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for heading in rows[0]:
        table.add_column(heading, overflow="fold")
    for row in rows[1:]:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    put(console, table, above=1)
