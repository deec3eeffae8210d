"""The part of the terminal report that is about a gate: its criteria, and what the evaluation measured."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import GateResult
from rldoctor.render.terminal.findings import print_findings
from rldoctor.render.terminal.marks import View, mark, put, severity_mark
from rldoctor.render.wording import number, one_line


def print_gate(console: Console, result: GateResult, view: View) -> None:
    """Print a line for each criterion, then what was missed."""
    table = Table.grid(padding=(0, 2))
    for criterion in result.criteria:
        table.add_row(
            mark(console, "ok") if criterion.passed else severity_mark(console, criterion.severity),
            Text(one_line(criterion.title)),
            Text(one_line(number(criterion.observed, criterion.unit)), justify="right"),
            Text(one_line(f"{criterion.relation} {number(criterion.threshold, criterion.unit)}"), style="dim"),
        )
    if table.row_count:
        put(console, table)
    print_findings(console, result.findings, remedies=True, notes=view.verbose)
