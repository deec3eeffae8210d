"""The answer of a report in three lines: the verdict, the most likely cause, and what to change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

from rldoctor.model import Report, Result, RunDiagnosis, SweepResult, TreatmentOutcome, TreatmentResult, Verdict
from rldoctor.render.wording import one_line

# Where instructions are what the reader came for.
NEEDS_YOU = (
    TreatmentOutcome.INSTRUCTED,
    TreatmentOutcome.NOT_CURED,
    TreatmentOutcome.IMPROVED,
    TreatmentOutcome.PLANNED,
)


@dataclass(frozen=True)
class Answer:
    """What is wrong and what to change; both are empty where nothing is.

    Attributes:
        reason: The most likely cause with its probability, or the worst finding.
        fix: What to change, in a sentence.
        label: What ``reason`` is.
    """

    reason: str = ""
    fix: str = ""
    label: str = "Reason"

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Pairs of label and text, without empty ones."""
        return [
            (label, one_line(" ".join(text.split())))
            for label, text in ((self.label, self.reason), ("Fix", self.fix))
            if text
        ]


@singledispatch
def answer(result: Result) -> Answer:
    """Return the answer on one subject."""
    if result.verdict is Verdict.UNJUDGED and result.unjudged:
        first = result.unjudged[0]
        return Answer(result.summary or first.reason, first.how_to_log)
    worst = max(result.findings, key=lambda finding: finding.severity.rank, default=None)
    if worst is None or result.verdict is Verdict.HEALTHY:
        return Answer()
    return Answer(worst.message, worst.remedy)


@answer.register
def _(result: RunDiagnosis) -> Answer:
    cause = result.cause
    if cause is None or result.verdict is Verdict.HEALTHY:
        return Answer()
    if result.verdict is Verdict.UNJUDGED:
        return Answer(result.summary, cause.remedy)
    return Answer(f"{cause.name} ({cause.probability:.0%}): {cause.title}", cause.remedy, "Most likely cause")


@answer.register
def _(result: TreatmentResult) -> Answer:
    treatment = result.treatment
    if treatment.outcome is TreatmentOutcome.NOTHING_TO_DO:
        return Answer()
    first = treatment.instructions[:1] if treatment.outcome in NEEDS_YOU else ()
    return Answer(result.summary, "".join(one.text for one in first), "Outcome")


def subject_of_answer(report: Report) -> Result | None:
    """Return the one subject that the report's answer is about; ``None`` where several need attention."""
    if len(report.subjects) == 1:
        return report.subjects[0]
    # The trainings of a sweep are its evidence.
    sweep = next((subject for subject in report.subjects if isinstance(subject, SweepResult)), None)
    worst = [one for one in report.subjects if one.verdict is report.verdict and one.verdict is not Verdict.HEALTHY]
    # In a checkup the diagnosis knows more of the cause than the gate does.
    worst = [one for one in worst if isinstance(one, RunDiagnosis)] or worst
    return sweep or (worst[0] if len(worst) == 1 else None)
