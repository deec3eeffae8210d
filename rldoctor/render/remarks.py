"""What a report says, one remark after the other: shared by the formats for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from rldoctor.model import GateResult, Report, Result, RunDiagnosis, Severity, Verdict
from rldoctor.render.wording import clean, number, odds_of_cause, verdict_word

_LEVEL = {Verdict.SICK: Severity.ERROR, Verdict.SUSPECT: Severity.WARNING, Verdict.UNJUDGED: Severity.ERROR}


@dataclass(frozen=True)
class Remark:
    """One thing that a report says of one subject.

    Attributes:
        rule: A finding's or criterion's code, a diagnosis's name, or ``unjudged``.
        name: The rule in kebab-case words.
        severity: An error makes the command fail; a missed criterion and a sick verdict are errors.
        subject: The subject's path.
        message: What was seen, control characters spelt out.
        remedy: What to change; may be empty.
    """

    rule: str
    name: str
    severity: Severity
    subject: str
    message: str
    remedy: str = ""

    @property
    def text(self) -> str:
        """The message with the remedy behind it."""
        return f"{self.message} {self.remedy}".strip()


def remarks(report: Report, brief: bool = False) -> Iterator[Remark]:
    """Yield every remark of ``report``: for each subject its verdict's reason first, then what was found.

    Args:
        report: The report.
        brief: Of a run's findings only those that are evidence for its leading diagnosis.
    """
    for subject in report.subjects:
        diagnoses = subject.diagnoses if isinstance(subject, RunDiagnosis) else ()
        evidence = diagnoses[0].evidence_for if brief and diagnoses else None
        for remark in remarks_on(subject):
            if evidence is None or remark.rule in evidence or remark.rule not in {f.code for f in subject.findings}:
                yield remark


def remarks_on(subject: Result) -> Iterator[Remark]:
    """Yield every remark on one subject."""
    for rule, name, severity, message, remedy in _remarks(subject):
        words = (clean(text) for text in (subject.path, message, " ".join(remedy.split())))
        yield Remark(clean(rule), clean(name), severity, *words)


_Parts = tuple[str, str, Severity, str, str]


def _remarks(subject: Result) -> Iterator[_Parts]:
    if subject.verdict is Verdict.UNJUDGED:
        reasons = "; ".join(item.reason for item in subject.unjudged[:3])
        diagnoses = subject.diagnoses if isinstance(subject, RunDiagnosis) else ()
        logged = dict.fromkeys(item.how_to_log for item in subject.unjudged if item.how_to_log)
        # What leaves a run unjudged has a cure of its own: to train longer, say, whatever else is not logged.
        cures = diagnoses[0].remedy if diagnoses else " ".join(logged)
        message = subject.summary or reasons or "Nothing could be judged."
        yield "unjudged", "could-not-judge", Severity.ERROR, message, cures
    yield from _of_its_type(subject)
    for finding in subject.findings:
        yield finding.code, finding.name, finding.severity, finding.message, finding.remedy


@singledispatch
def _of_its_type(_subject: Result) -> Iterator[_Parts]:
    """Yield what only a result of this type has to say, before its findings."""
    yield from ()


@_of_its_type.register
def _(subject: RunDiagnosis) -> Iterator[_Parts]:
    cause = subject.cause
    if cause and subject.verdict in (Verdict.SICK, Verdict.SUSPECT):
        odds = odds_of_cause(subject)
        message = f"{cause.title[:1].upper()}{cause.title[1:]}{f' ({odds})' if odds else ''}."
        yield cause.name, cause.name, _LEVEL[subject.verdict], message, cause.remedy


@_of_its_type.register
def _(subject: GateResult) -> Iterator[_Parts]:
    for criterion in subject.criteria:
        # The gate's own findings say it in more detail.
        if not criterion.passed and criterion.code not in {finding.code for finding in subject.findings}:
            seen, asked = (number(value, criterion.unit) for value in (criterion.observed, criterion.threshold))
            message = f"The {criterion.title} is {seen}, not {criterion.relation} {asked}."
            yield criterion.code, criterion.name.replace("_", "-"), criterion.severity, message, ""


def by_configuration(subject: Result) -> list[tuple[str, str]]:
    """Return what the project's configuration changed in this result: a word of what, and a line that says it."""
    together: dict[str, list[str]] = {}
    for item in subject.suppressed:
        together.setdefault(item.reason, []).append(f"{item.code} {item.name}")
    lines = [("suppressed", f"{', '.join(names)}: {reason}") for reason, names in together.items()]
    return [(what, clean(line)) for what, line in (*lines, *(("set", words) for words in subject.adjusted))]


def in_short(subject: Result) -> str:
    """Return a line on one subject: its verdict and what weighs most."""
    first = next(remarks_on(subject), None)
    what = clean(subject.summary) if first is None or subject.verdict is Verdict.HEALTHY else first.text
    return f"{verdict_word(subject)}  {clean(subject.path)}  {what}".rstrip()
