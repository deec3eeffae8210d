"""Findings in the terminal, and what was not checked."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rldoctor.model import Finding, Result, RunDiagnosis, Severity, Unjudged, Verdict
from rldoctor.render.terminal.marks import SEVERITY_STYLE, linked, mark, put, severity_mark
from rldoctor.render.wording import counted, one_line

_CODE = re.compile(r"\b[A-Z]{3}\d{3}\b")
_MISSING = "missing-metrics"
_MOST_CODES = 12


def print_findings(console: Console, findings: Iterable[Finding], remedies: bool, notes: bool) -> None:
    """Print findings worst first, with their remedies where asked; those of notes only with ``notes``."""
    ordered = sorted(findings, key=lambda finding: (-finding.severity.rank, -finding.strength))
    if not ordered:
        return
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(width=6)
    table.add_column(ratio=1, overflow="fold")
    for finding in ordered:
        style = SEVERITY_STYLE[finding.severity]
        text = Text.assemble((one_line(finding.name), style), "  ", one_line(finding.message))
        table.add_row(severity_mark(console, finding.severity), linked(one_line(finding.code), finding.code), text)
        if finding.remedy and remedies and (finding.severity is not Severity.NOTE or notes):
            table.add_row("", Text("   fix", style="dim"), Text(one_line(finding.remedy)))
    put(console, table)
    worst = ordered[0]
    if worst.severity is not Severity.NOTE:
        put(console, linked(f"For more: rldoctor explain {one_line(worst.code)}", worst.code))


def print_not_checked(console: Console, result: Result, verbose: bool) -> None:
    """Print what could not be checked: one line, unless it is the answer or everything was asked for."""
    if not result.unjudged:
        return
    if not (verbose or _is_the_answer(result)):
        # Signs that lack the same metric are one item, which lists them; of a check the reason may name another one.
        codes = {code for item in result.unjudged for code in _listed(item.reason) or [item.code]}
        what = f"{counted(len(codes), 'check')} (--verbose lists {'it' if len(codes) == 1 else 'them'})"
        put(console, Text.assemble(("Not checked: ", "cyan"), what))
        return
    # What has the same reason is one line, however many checks or signs it kept from being judged.
    reasons: dict[tuple[str, str], list[Unjudged]] = {}
    for item in result.unjudged:
        reasons.setdefault((item.reason, item.how_to_log), []).append(item)
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(ratio=1, overflow="fold")
    for (reason, how_to_log), items in reasons.items():
        several = f" ({len(items)} checks: {_few([item.code for item in items])})" if len(items) > 1 else ""
        several = several or (f" ({items[0].code})" if reason.startswith("not run: ") else "")
        several = "" if _listed(reason) else several
        how = f" {one_line(how_to_log)}" if how_to_log else ""
        label = "" if reason.startswith("Not checked") else "Not checked: "
        why = one_line(reason.removeprefix("not run: "))
        text = Text.assemble((label, "cyan"), why, several, how)
        table.add_row(mark(console, "missing"), text)
    put(console, table)


def _listed(reason: str) -> list[str]:
    return _CODE.findall(reason) if reason.startswith("Not checked") else []


def _few(codes: list[str]) -> str:
    """Return codes in a list, of many only the first."""
    more = f" and {len(codes) - _MOST_CODES} more" if len(codes) > _MOST_CODES else ""
    return ", ".join(codes[:_MOST_CODES]) + more


def _is_the_answer(result: Result) -> bool:
    """Return whether what is missing is why nothing can be said; a run may be too short, or show nothing, instead."""
    if result.verdict is not Verdict.UNJUDGED:
        return False
    return not isinstance(result, RunDiagnosis) or result.cause is None or result.cause.name == _MISSING
