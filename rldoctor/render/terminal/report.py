"""The report for a person at a terminal: what was found, and the answer as the last thing on the screen."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from rldoctor.model import (
    AuditResult,
    ComparisonResult,
    GateResult,
    OverviewResult,
    PreflightResult,
    ProbeResult,
    Report,
    Result,
    RunDiagnosis,
    SweepResult,
    TreatmentOutcome,
    TreatmentResult,
    Verdict,
)
from rldoctor.render.answer import answer_of
from rldoctor.render.remarks import by_configuration
from rldoctor.render.terminal.audit import print_audit
from rldoctor.render.terminal.comparison import print_comparison
from rldoctor.render.terminal.findings import print_not_checked
from rldoctor.render.terminal.gate import print_gate
from rldoctor.render.terminal.marks import VERDICT_STYLE, View, has_unicode, put, shortened
from rldoctor.render.terminal.preflight import print_preflight, print_probes
from rldoctor.render.terminal.run import print_counts, print_overview, print_run
from rldoctor.render.terminal.sweep import print_sweep
from rldoctor.render.terminal.treatment import print_treatment
from rldoctor.render.wording import one_line, report_word, verdict_counts, verdict_word

# By type of result: its heading, and what prints the part that only this type has.
_PARTS: Mapping[type[Result], tuple[str, Callable[[Console, Any, View], None]]] = {
    RunDiagnosis: ("Diagnosis", print_run),
    PreflightResult: ("Preflight", print_preflight),
    ProbeResult: ("Probes", print_probes),
    GateResult: ("Gate", print_gate),
    AuditResult: ("Audit", print_audit),
    OverviewResult: ("Overview", print_counts),
    SweepResult: ("Sweep", print_sweep),
    ComparisonResult: ("Comparison", print_comparison),
    TreatmentResult: ("Treatment", print_treatment),
}
_PLANNED = "bold cyan"
# Detail for this many runs; beyond it a line each says enough and --verbose brings the rest.
_DETAILED_RUNS = 10
# As many beside an overview, which names far more.
_EXAMPLES = 2
_SHORTEST_PATH = 8


def print_report(console: Console, report: Report, verbose: bool = False) -> None:
    """Print ``report``; colour, width and encoding are those of the console."""
    runs = [subject for subject in report.subjects if isinstance(subject, RunDiagnosis)]
    several = len(runs) > 1 or any(isinstance(subject, SweepResult) for subject in report.subjects)
    detailed = 0
    overviews = [subject for subject in report.subjects if isinstance(subject, OverviewResult)]
    most = _EXAMPLES if overviews else _DETAILED_RUNS
    # What is read first in a terminal is what stands at the end.
    for subject in [*(one for one in report.subjects if one not in overviews), *overviews]:
        if isinstance(subject, RunDiagnosis) and several and not verbose:
            if subject.verdict is Verdict.HEALTHY or detailed >= most:
                continue
            detailed += 1
        view = View(verbose, report.details if verbose or len(runs) == 1 else None)
        _print_subject(console, report, subject, view)
    if len(runs) == len(report.subjects) > 1:
        print_overview(console, runs)
    _print_answer(console, report)


def _print_answer(console: Console, report: Report) -> None:
    """Print what everybody reads: the verdict, the most likely cause and what to change."""
    console.print()
    style = VERDICT_STYLE[report.verdict]
    word = report_word(report).upper()
    counts = f" ({verdict_counts(report)})" if len(report.subjects) > 1 else ""
    about = f"   rldoctor {one_line(report.command)}, exit code {report.exit_code}"
    console.print(Text.assemble(("Verdict: ", "bold"), (word, style), counts, (about, "dim")))
    for label, text in answer_of(report):
        console.print(Text.assemble((f"{label}: ", "bold"), text))


def _print_subject(console: Console, report: Report, subject: Result, view: View) -> None:
    """Print one subject: a heading with its verdict, what only its type has, findings, and what was not checked."""
    title, print_part = _PARTS.get(type(subject), ("Command", None))
    _print_heading(console, title, subject, verdict_word(subject, report.fail_on).upper())
    for line in filter(None, (subject.title, subject.summary)):
        put(console, Text(one_line(line)))
    if print_part is not None:
        print_part(console, subject, view)
    print_not_checked(console, subject, view.verbose)
    for what, line in by_configuration(subject):
        put(console, Text.assemble((f"{what} by configuration  ", "cyan"), line))


def _print_heading(console: Console, title: str, subject: Result, word: str) -> None:
    console.print()
    planned = isinstance(subject, TreatmentResult) and subject.treatment.outcome is TreatmentOutcome.PLANNED
    style = _PLANNED if planned else VERDICT_STYLE[subject.verdict]
    path = one_line(subject.path)
    # However long the path, the verdict behind it is seen; the rule at the end takes two characters.
    room = console.width - len(title) - len(word) - 6
    if room < _SHORTEST_PATH:
        console.print(Text(title, "bold"), Text(word, style), Text(path, overflow="fold"), sep="\n")
        return
    heading = Text.assemble((title, "bold"), "  ", shortened(console, path, room), "  ", (word, style))
    console.print(Rule(heading, align="left", style="dim", characters="─" if has_unicode(console) else "-"))


def lines_of(report: Report, verbose: bool = True) -> Sequence[str]:
    """Return the report as plain lines 100 columns wide, for ``report.txt`` beside the run."""
    console = Console(width=100, no_color=True, force_terminal=False, highlight=False, record=True, file=io.StringIO())
    print_report(console, report, verbose)
    return console.export_text(styles=False).rstrip().splitlines()
