"""The part of the terminal report that is about an audit: what each perturbation leaves of the policy's gain."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import AuditResult
from rldoctor.render.audit_table import HEADINGS, audit_rows
from rldoctor.render.terminal.findings import print_findings
from rldoctor.render.terminal.marks import View, put
from rldoctor.render.wording import number, one_line


def print_audit(console: Console, result: AuditResult, view: View) -> None:
    """Print a line for each perturbation, then what was found."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if place else "left")
    for row in audit_rows(result):
        table.add_row(*(Text(one_line(cell)) for cell in row))
    if result.perturbations:
        put(console, table)
    if result.baseline_return is not None:
        put(console, Text(f"baseline return {number(result.baseline_return)}", style="dim"))
    if result.film:
        put(console, Text(f"worst episode: {one_line(result.film)}", style="dim"))
    print_findings(console, result.findings, remedies=True, notes=view.verbose)
