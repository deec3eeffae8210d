"""Markdown for a pull request's comment or a job's summary: the verdict, a table, and the details folded away."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from rldoctor.model import GateResult, Report, Result, Severity, SweepResult, Verdict
from rldoctor.render.remarks import Remark, by_configuration, headline, remarks_on
from rldoctor.render.sweep_tables import tables
from rldoctor.render.wording import clean, counted, number

# GitHub refuses a comment of more than 65,536 characters; other hosts take more.
MOST_CHARACTERS = 65_000
_SIGN = {Verdict.HEALTHY: "✅", Verdict.SUSPECT: "⚠️", Verdict.SICK: "❌", Verdict.UNJUDGED: "❔"}
_MOST_ROWS = 100


def render_markdown(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as Markdown of at most ``MOST_CHARACTERS``; ``verbose`` unfolds the details."""
    subjects = report.subjects
    if any(isinstance(subject, SweepResult) for subject in subjects):
        # Its tables name every run; those that are well need no word more.
        subjects = tuple(s for s in subjects if isinstance(s, SweepResult) or s.verdict is not Verdict.HEALTHY)
    shown = subjects[:_MOST_ROWS]
    lines = [
        f"### {_SIGN[report.verdict]} rldoctor {report.command}: {report.verdict}",
        "",
        "| | subject | what |",
        "|---|---|---|",
        *(f"| {_SIGN[s.verdict]} {s.verdict} | {code(s.path)} | {_sentence(s)} |" for s in shown),
    ]
    if len(shown) < len(subjects):
        lines.append(f"| | | and {counted(len(subjects) - len(shown), 'subject')} more |")
    text = "\n".join([*lines, ""])
    for subject in subjects:
        details = _details(subject, verbose)
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


def _details(subject: Result, verbose: bool) -> str:
    said = list(remarks_on(subject))
    asked = [f"- {what} by configuration: {escape(line)}" for what, line in by_configuration(subject)]
    if isinstance(subject, SweepResult):
        return "\n".join(["", *_sweep(subject), *(_bullet(remark) for remark in said), ""])
    criteria = subject.criteria if isinstance(subject, GateResult) else ()
    if not said and not criteria and not asked:
        return ""
    unfolded = " open" if verbose or subject.verdict in (Verdict.SICK, Verdict.UNJUDGED) else ""
    lines = [f"<details{unfolded}><summary>{code(subject.path)}</summary>", ""]
    if criteria:
        lines += ["| criterion | seen | asked | |", "|---|---|---|---|"]
        lines += [
            f"| {escape(c.title)} | {number(c.observed, c.unit)} | {escape(c.relation)} {number(c.threshold, c.unit)} "
            f"| {'✅' if c.passed else '❌' if c.severity is Severity.ERROR else '⚠️'} |"
            for c in criteria
        ]
        lines.append("")
    lines += [*map(_bullet, said), *asked]
    return "\n".join(["", *lines, "", "</details>", ""])


def _sweep(subject: SweepResult) -> Iterator[str]:
    for words in tables(subject):
        if words.rows:
            yield from (f"#### {escape(words.title)}", "", f"| {' | '.join(map(escape, words.headings))} |")
            yield "|" + "---|" * len(words.headings)
            yield from (f"| {' | '.join(map(escape, row))} |" for row in words.rows)
            yield ""


def _bullet(remark: Remark) -> str:
    remedy = f" **Fix:** {escape(remark.remedy)}" if remark.remedy else ""
    return f"- {code(remark.rule)} {remark.severity}: {escape(remark.message)}{remedy}"
