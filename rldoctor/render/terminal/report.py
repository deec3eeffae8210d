"""The report for a person at a terminal: verdict first, then how it was reached."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from rldoctor.model import (
    Finding,
    GateResult,
    Outcome,
    PreflightResult,
    Report,
    Result,
    RunDiagnosis,
    Severity,
    SweepResult,
    TreatmentResult,
    Verdict,
)
from rldoctor.render.remarks import by_configuration
from rldoctor.render.terminal import run, sweep, treatment
from rldoctor.render.wording import (
    SEVERITY_STYLE,
    VERDICT_STYLE,
    counted,
    mark,
    number,
    one_line,
    severity_mark,
    shortened,
)

_TITLES: dict[type[Result], str] = {
    PreflightResult: "Preflight",
    GateResult: "Gate",
    RunDiagnosis: "Diagnosis",
    SweepResult: "Sweep",
    TreatmentResult: "Treatment",
}
# Detail for this many runs; beyond it a line each says enough and --verbose brings the rest.
_DETAILED_RUNS = 10
# Reasons for which something could not be judged that a reader bears without asking for more.
_FEW = 3
_SHORTEST_PATH = 8


def render_text(report: Report, verbose: bool = False, console: Console | None = None) -> None:
    """Print ``report``; colour, width and encoding are those of the console."""
    console = console or Console(highlight=False)
    runs = [subject for subject in report.subjects if isinstance(subject, RunDiagnosis)]
    if len(report.subjects) > 1:
        print_verdict(console, report)
    swept = any(isinstance(subject, SweepResult) for subject in report.subjects)
    if len(runs) > 1 and not swept:
        console.print(run.overview(console, runs))
    detailed = 0
    for subject in report.subjects:
        if isinstance(subject, RunDiagnosis) and (swept or len(runs) > 1) and not verbose:
            if subject.verdict is Verdict.HEALTHY or detailed >= _DETAILED_RUNS:
                continue
            detailed += 1
        print_subject(console, subject, verbose, chart=verbose or len(runs) == 1)


def print_verdict(console: Console, report: Report) -> None:
    """Print the one line that everybody reads."""
    line = Text.assemble(
        ("Verdict  ", "bold"),
        (report.verdict.upper(), VERDICT_STYLE[report.verdict]),
        (f"   rldoctor {one_line(report.command)}, exit code {report.exit_code}", "dim"),
    )
    console.print()
    console.print(line)


def print_subject(console: Console, subject: Result, verbose: bool, chart: bool = True) -> None:
    """Print one subject: a heading with its verdict, what was examined, findings, diagnoses, what is unjudged."""
    console.print()
    title = _TITLES.get(type(subject), "Command")
    # However long the path, the verdict behind it is seen; the rule at the end takes two characters.
    word, style = subject.verdict.upper(), VERDICT_STYLE[subject.verdict]
    if isinstance(subject, TreatmentResult):
        word, style = treatment.heading_of(subject.treatment)
    path = one_line(subject.path)
    room = console.width - len(title) - len(word) - 6
    if room < _SHORTEST_PATH:
        console.print(Text(title, "bold"), Text(word, style), Text(path, overflow="fold"), sep="\n")
    else:
        heading = Text.assemble((title, "bold"), "  ", shortened(console, path, room), "  ", (word, style))
        line = "─" if console.encoding.startswith("utf") else "-"
        console.print(Rule(heading, align="left", style="dim", characters=line))
    # The examinations of a preflight are summed up line by line below.
    summary = "" if isinstance(subject, PreflightResult) else subject.summary
    for line in filter(None, (subject.title, summary)):
        _indented(console, Text(one_line(line)))
    if isinstance(subject, RunDiagnosis):
        run.print_run(console, subject, verbose, chart)
    if isinstance(subject, SweepResult):
        sweep.print_sweep(console, subject, verbose)
    if isinstance(subject, TreatmentResult):
        # Its findings say the same in other words, for programs.
        treatment.print_treatment(console, subject.treatment, verbose)
        return
    if isinstance(subject, PreflightResult):
        _print_examinations(console, subject, verbose)
    if isinstance(subject, GateResult) and subject.criteria:
        _indented(console, _criteria(console, subject))
    # A run's remedies are those of its leading diagnoses; each sign's own is detail.
    print_findings(console, subject.findings, remedies=verbose or not isinstance(subject, RunDiagnosis), notes=verbose)
    print_unjudged(console, subject, verbose)
    for what, line in by_configuration(subject):
        _indented(console, Text.assemble((f"{what} by configuration  ", "cyan"), line))


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
        text = Text.assemble(
            (one_line(finding.name), SEVERITY_STYLE[finding.severity]), "  ", one_line(finding.message)
        )
        table.add_row(severity_mark(console, finding.severity), Text(one_line(finding.code), style="dim"), text)
        if finding.remedy and remedies and (finding.severity is not Severity.NOTE or notes):
            table.add_row("", Text("   fix", style="dim"), Text(one_line(finding.remedy)))
    _indented(console, table)
    worst = ordered[0]
    if worst.severity is not Severity.NOTE:
        _indented(console, Text(f"For more: rldoctor explain {one_line(worst.code)}", style="dim"))


def print_unjudged(console: Console, subject: Result, verbose: bool) -> None:
    """Print what could not be judged and how to make it judgeable."""
    # What has the same reason is one line, however many checks or signs it kept from being judged.
    codes: dict[tuple[str, str], list[str]] = {}
    for item in subject.unjudged:
        codes.setdefault((item.reason, item.how_to_log), []).append(item.code)
    reasons = list(codes)
    shown = reasons if verbose or subject.verdict is Verdict.UNJUDGED else reasons[:_FEW]
    for reason, how_to_log in shown:
        held_back = codes[reason, how_to_log]
        text = Text.assemble(("not judged  ", "cyan"), one_line(reason))
        if len(held_back) > 1:
            text.append(f" ({len(held_back)} checks)")
        if how_to_log:
            text.append(f" {one_line(how_to_log)}")
        row = Table.grid(padding=(0, 1))
        row.add_column(width=1)
        row.add_column(ratio=1, overflow="fold")
        row.add_row(mark(console, "missing"), text)
        _indented(console, row)
    rest = sum(len(codes[reason]) for reason in reasons[len(shown) :])
    if rest:
        _indented(console, Text(f"{rest} more could not be judged: --verbose lists them.", style="dim"))


def _print_examinations(console: Console, subject: PreflightResult, verbose: bool) -> None:
    counts = {outcome: sum(e.outcome is outcome for e in subject.checks) for outcome in Outcome}
    parts = [f"{counted(counts[Outcome.PASSED], 'check')} passed"]
    notes = sum(finding.severity is Severity.NOTE for finding in subject.findings)
    if len(subject.findings) - notes:
        parts.append(counted(len(subject.findings) - notes, "finding"))
    if notes:
        parts.append(counted(notes, "note"))
    if counts[Outcome.NOT_RUN]:
        parts.append(f"{counts[Outcome.NOT_RUN]} not run")
    if counts[Outcome.SKIPPED]:
        parts.append(f"{counts[Outcome.SKIPPED]} do not apply")
    _indented(console, Text(", ".join(parts)))
    if not verbose:
        return
    kinds = {Outcome.PASSED: "ok", Outcome.FIRED: "odd", Outcome.NOT_RUN: "missing", Outcome.SKIPPED: "note"}
    table = Table.grid(padding=(0, 1))
    for examination in subject.checks:
        table.add_row(
            mark(console, kinds[examination.outcome]),
            Text(one_line(examination.code), style="dim"),
            Text(one_line(examination.name)),
            Text(one_line(examination.note), style="dim", overflow="fold"),
            Text(f"{examination.seconds:.2f} s", style="dim"),
        )
    _indented(console, table)


def _criteria(console: Console, subject: GateResult) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for result in subject.criteria:
        table.add_row(
            mark(console, "ok") if result.passed else severity_mark(console, result.severity),
            Text(one_line(result.title)),
            Text(one_line(number(result.observed, result.unit)), justify="right"),
            Text(one_line(f"{result.relation} {number(result.threshold, result.unit)}"), style="dim"),
        )
    return table


def _indented(console: Console, what: RenderableType, by: int = 2) -> None:
    console.print(Padding(what, (0, 0, 0, by)))


def lines_of(report: Report, verbose: bool = True) -> Sequence[str]:
    """Return the report as plain lines 100 columns wide, for ``report.txt`` beside the run."""
    console = Console(width=100, no_color=True, force_terminal=False, highlight=False, record=True, file=io.StringIO())
    render_text(report, verbose, console)
    return console.export_text(styles=False).rstrip().splitlines()
