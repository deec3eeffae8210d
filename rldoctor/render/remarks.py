"""What a report says, one remark after the other: the common ground of the formats for machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

from rldoctor.model import GateResult, Report, Result, RunDiagnosis, Severity, Verdict
from rldoctor.render.wording import clean, number

_LEVEL = {Verdict.SICK: Severity.ERROR, Verdict.SUSPECT: Severity.WARNING, Verdict.UNJUDGED: Severity.ERROR}


@dataclass(frozen=True)
class Remark:
    """One thing that a report says of one subject.

    Attributes:
        rule: What said it: a finding's or criterion's code, a diagnosis's name, or ``unjudged``.
        name: The rule in kebab-case words.
        severity: Of an error the command fails; a criterion that is not met and a sick verdict are errors.
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
        brief: Of a run's findings only those that speak for the leading diagnosis.
    """
    for subject in report.subjects:
        diagnoses = subject.diagnoses if isinstance(subject, RunDiagnosis) else ()
        evidence = diagnoses[0].evidence_for if brief and diagnoses else None
        for remark in remarks_on(subject):
            if evidence is None or remark.rule in evidence or remark.rule not in {f.code for f in subject.findings}:
                yield remark


def remarks_on(subject: Result) -> Iterator[Remark]:
    """Yield every remark on one subject."""
    path = clean(subject.path)
    if subject.verdict is Verdict.UNJUDGED:
        reasons = "; ".join(item.reason for item in subject.unjudged[:3])
        message = clean(subject.summary or reasons or "Nothing could be judged.")
        cures = " ".join(dict.fromkeys(item.how_to_log for item in subject.unjudged if item.how_to_log))
        yield Remark("unjudged", "could-not-judge", Severity.ERROR, path, message, clean(cures))
    yield from _of_its_kind(subject)
    for finding in subject.findings:
        # A sign's error is part of what made the verdict; where that is milder, so is the sign.
        words = (clean(text) for text in (finding.code, finding.name, finding.message, finding.remedy))
        code, name, message, remedy = words
        yield Remark(code, name, finding.severity, path, message, remedy)


@singledispatch
def _of_its_kind(_subject: Result) -> Iterator[Remark]:
    """Yield what only a result of this type has to say, before its findings."""
    yield from ()


@_of_its_kind.register
def _cause(subject: RunDiagnosis) -> Iterator[Remark]:
    leading = next((d for d in subject.diagnoses if d.name != "healthy"), None)
    if leading and subject.verdict in (Verdict.SICK, Verdict.SUSPECT):
        message = f"{leading.title[:1].upper()}{leading.title[1:]} ({leading.probability:.0%})."
        yield Remark(
            clean(leading.name),
            clean(leading.name),
            _LEVEL[subject.verdict],
            clean(subject.path),
            clean(message),
            clean(" ".join(leading.remedy.split())),
        )


@_of_its_kind.register
def _criteria(subject: GateResult) -> Iterator[Remark]:
    for criterion in subject.criteria:
        # The gate's own findings say it with more care.
        if not criterion.passed and criterion.code not in {finding.code for finding in subject.findings}:
            seen, asked = (number(value, criterion.unit) for value in (criterion.observed, criterion.threshold))
            message = f"The {criterion.title} is {seen}, not {criterion.relation} {asked}."
            name = clean(criterion.name.replace("_", "-"))
            yield Remark(clean(criterion.code), name, criterion.severity, clean(subject.path), clean(message))


def by_configuration(subject: Result) -> list[tuple[str, str]]:
    """Return what the project's configuration changed in this report: a word of what, and a line that says it."""
    together: dict[str, list[str]] = {}
    for item in subject.suppressed:
        together.setdefault(item.reason, []).append(f"{item.code} {item.name}")
    lines = [("suppressed", f"{', '.join(names)}: {reason}") for reason, names in together.items()]
    return [(what, clean(line)) for what, line in (*lines, *(("set", words) for words in subject.adjusted))]


def headline(report: Report) -> str:
    """Return one line: the verdict, and of how many subjects."""
    counts = {verdict: sum(s.verdict is verdict for s in report.subjects) for verdict in Verdict}
    parts = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "nothing to judge"
    return f"rldoctor {clean(report.command)}: {report.verdict} ({parts}), exit code {report.exit_code}"


def in_short(result: Result) -> str:
    """Return a line on one subject: its verdict and what weighs most."""
    first = next(remarks_on(result), None)
    what = clean(result.summary) if first is None or result.verdict is Verdict.HEALTHY else first.text
    return f"{result.verdict}  {clean(result.path)}  {what}".rstrip()
