"""The part of the terminal report that is about a preflight: how its checks ended."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import Outcome, PreflightResult, ProbeResult
from rldoctor.render.terminal.findings import print_findings
from rldoctor.render.terminal.marks import View, mark, put
from rldoctor.render.wording import likelihood, one_line

# Parts below these three are hardly ever at fault.
_PARTS = 3
_MARKS = {Outcome.PASSED: "ok", Outcome.FIRED: "odd", Outcome.NOT_RUN: "missing", Outcome.SKIPPED: "note"}


def print_preflight(console: Console, result: PreflightResult, view: View) -> None:
    """Print the findings, and where asked every check with what it measured; the summary counts them."""
    if view.verbose:
        put(console, _checks(console, result))
    print_findings(console, result.findings, remedies=True, notes=view.verbose)


def print_probes(console: Console, result: ProbeResult, view: View) -> None:
    """Print every probe, the parts that may be faulty, and the findings."""
    put(console, _checks(console, result))
    for part in result.diagnoses[: None if view.verbose else _PARTS]:
        text = Text.assemble((f"{likelihood(part.probability):>4}  ", "bold"), one_line(part.title))
        put(console, text)
    print_findings(console, result.findings, remedies=True, notes=view.verbose)


def _checks(console: Console, result: PreflightResult) -> Table:
    table = Table.grid(padding=(0, 1))
    for check in result.checks:
        table.add_row(
            mark(console, _MARKS[check.outcome]),
            Text(one_line(check.code), style="dim"),
            Text(one_line(check.name)),
            Text(one_line(check.note), style="dim", overflow="fold"),
            Text(f"{check.seconds:.2f} s", style="dim"),
        )
    return table
