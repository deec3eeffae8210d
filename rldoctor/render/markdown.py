"""Markdown for a pull request's comment or a job's summary: the verdict, a table, and the details folded away."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from functools import singledispatch

from rldoctor.model import (
    AuditResult,
    ComparisonResult,
    GateResult,
    OverviewResult,
    Report,
    Result,
    RunDiagnosis,
    Severity,
    SweepResult,
    Verdict,
)
from rldoctor.render import comparison_tables, overview_tables
from rldoctor.render.answer import answer_of
from rldoctor.render.audit_table import HEADINGS, audit_rows
from rldoctor.render.remarks import Remark, by_configuration, remarks_on
from rldoctor.render.sweep_tables import tables
from rldoctor.render.wording import clean, counted, headline, number, report_word, verdict_word

# GitHub refuses a comment of more than 65,536 characters; other hosts take more.
MOST_CHARACTERS = 65_000
_SIGN = {Verdict.HEALTHY: "✅", Verdict.SUSPECT: "⚠️", Verdict.SICK: "❌", Verdict.UNJUDGED: "❔"}
_MOST_ROWS = 100
# Of the worst runs in an overview of very many.
_WORST_ROWS = 20


def render_markdown(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as Markdown of at most ``MOST_CHARACTERS``; ``verbose`` unfolds the details."""
    subjects = report.subjects
    if any(isinstance(subject, SweepResult) for subject in subjects):
        # Its tables name every run; healthy ones need no more words.
        subjects = tuple(s for s in subjects if isinstance(s, SweepResult) or s.verdict is not Verdict.HEALTHY)
    shown = subjects[:_MOST_ROWS]
    lines = [
        f"### {_SIGN[report.verdict]} rldoctor {report.command}: {report_word(report)}",
        "",
        *(f"**{label}:** {escape(text)}\n" for label, text in answer_of(report)),
        "| verdict | subject | finding |",
        "|---|---|---|",
        *(f"| {_SIGN[s.verdict]} {verdict_word(s, report.fail_on)} | {code(s.path)} | {_sentence(s)} |" for s in shown),
    ]
    if len(shown) < len(subjects):
        lines.append(f"| | | and {counted(len(subjects) - len(shown), 'subject')} more |")
    text = "\n".join([*lines, ""])
    for subject in subjects:
        said = list(remarks_on(subject))
        details = _details(subject, said, verbose)
        if len(text) + len(details) > MOST_CHARACTERS:
            return f"{text}\nThe rest does not fit in here: rldoctor {report.command} --format html shows all of it.\n"
        text += details
    return f"{text}\n<sub>{escape(headline(report))}</sub>"


def escape(text: str) -> str:
    """Return ``text`` so that Markdown and HTML take it literally and nobody is notified by an @."""
    plain = html.escape(" ".join(clean(text).split()), quote=False)
    return re.sub(r"([\\`*_\[\]#|~$])", r"\\\1", plain).replace("@", "@\u200b")


def code(text: str) -> str:
    """Return ``text`` as inline code: HTML, in which a name may hold backticks, its marks spelt as numbers."""
    shown = html.escape(clean(text)).replace("\n", "\\n")
    spelt = re.sub(r"[\\`*_\[\]|~$@]", lambda found: f"&#{ord(found[0])};", shown)
    return f"<code>{spelt}</code>"


def _sentence(subject: Result) -> str:
    first = next(iter(remarks_on(subject)), None)
    if subject.verdict is Verdict.HEALTHY or first is None:
        return escape(subject.summary or "nothing found")
    return escape(first.message)


@singledispatch
def _details(subject: Result, said: Sequence[Remark], verbose: bool) -> str:
    """Return everything about a subject, folded away where it is well."""
    return _folded(subject, [], said, verbose)


@_details.register
def _(subject: GateResult, said: Sequence[Remark], verbose: bool) -> str:
    rows = [
        f"| {escape(c.title)} | {number(c.observed, c.unit)} | {escape(c.relation)} {number(c.threshold, c.unit)} "
        f"| {'✅' if c.passed else '❌' if c.severity is Severity.ERROR else '⚠️'} |"
        for c in subject.criteria
    ]
    table = ["| criterion | measured | required | |", "|---|---|---|---|", *rows, ""] if rows else []
    return _folded(subject, table, said, verbose)


@_details.register
def _(subject: RunDiagnosis, said: Sequence[Remark], verbose: bool) -> str:
    # What was not at hand is worth a line where something is wrong.
    shown = subject.witnesses if verbose or subject.verdict is not Verdict.HEALTHY else ()
    rows = [_row([w.name, w.examined or w.said, w.said if w.examined else f"to add it: {w.command}"]) for w in shown]
    table = [_row(("witness", "examined", "said")), "|---|---|---|", *rows, ""] if rows else []
    return _folded(subject, table, said, verbose)


@_details.register
def _(subject: AuditResult, said: Sequence[Remark], verbose: bool) -> str:
    table = [_row(HEADINGS), "|" + "---|" * len(HEADINGS), *map(_row, audit_rows(subject)), ""]
    return _folded(subject, table if subject.perturbations else [], said, verbose)


@_details.register
def _(subject: ComparisonResult, said: Sequence[Remark], verbose: bool) -> str:
    lines: list[str] = []
    for heading, *rows in comparison_tables.tables(subject, everything=verbose):
        lines += [_row(heading), "|" + "---|" * len(heading), *map(_row, rows), ""]
    return _folded(subject, lines, said, verbose)


@_details.register
def _(subject: OverviewResult, said: Sequence[Remark], verbose: bool) -> str:
    lines = [""]
    for table in overview_tables.tables(subject, None if verbose else _WORST_ROWS):
        lines += [f"#### {escape(table.title)}", "", _row(table.headings), "|" + "---|" * len(table.headings)]
        lines += [*map(_row, table.rows), ""]
    return "\n".join([*lines, *map(_bullet, said), ""])


@_details.register
def _(subject: SweepResult, said: Sequence[Remark], verbose: bool) -> str:
    del verbose
    lines = [""]
    for words in tables(subject):
        if words.rows:
            lines += [f"#### {escape(words.title)}", "", _row(words.headings), "|" + "---|" * len(words.headings)]
            lines += [*map(_row, words.rows), ""]
    return "\n".join([*lines, *map(_bullet, said), ""])


def _folded(subject: Result, table: Sequence[str], said: Sequence[Remark], verbose: bool) -> str:
    asked = [f"- {what} by configuration: {escape(line)}" for what, line in by_configuration(subject)]
    if not (table or said or asked):
        return ""
    unfolded = " open" if verbose or subject.verdict in (Verdict.SICK, Verdict.UNJUDGED) else ""
    lines = [f"<details{unfolded}><summary>{code(subject.path)}</summary>", "", *table, *map(_bullet, said), *asked]
    return "\n".join(["", *lines, "", "</details>", ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(escape, cells))} |"


def _bullet(remark: Remark) -> str:
    remedy = f" **Fix:** {escape(remark.remedy)}" if remark.remedy else ""
    return f"- {code(remark.rule)} {remark.severity}: {escape(remark.message)}{remedy}"
