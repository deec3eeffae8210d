"""The answer of a report in a few lines: the most likely cause, and what to change."""

from __future__ import annotations

import re
from functools import singledispatch

from rldoctor.model import (
    ComparisonResult,
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
from rldoctor.render.overview_tables import command_for
from rldoctor.render.wording import likelihood, named, odds_of_cause, one_line

# Where instructions are what the reader came for.
NEEDS_YOU = (
    TreatmentOutcome.INSTRUCTED,
    TreatmentOutcome.NOT_CURED,
    TreatmentOutcome.IMPROVED,
    TreatmentOutcome.PLANNED,
)
_CAUSE = "Most likely cause"
_CRASHED, _OF_CRASH = "NUM102", "training-crashed"
_LONGEST_FIX = 200
# What a preflight notes of a check that did not fit.
_OUT_OF_TIME = "not run: budget"
_FIRST_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
# Pairs of label and text.
Lines = list[tuple[str, str]]


def answer_of(report: Report) -> Lines:
    """Return the answer of a whole report; nothing where several subjects need attention, each in its own way."""
    subject = subject_of_answer(report)
    return answer(subject) if subject is not None else []


@singledispatch
def answer(result: Result) -> Lines:
    """Return the answer on one subject; nothing where all is well."""
    if result.verdict is Verdict.UNJUDGED and result.unjudged:
        first = result.unjudged[0]
        return _lines(result.summary or first.reason, first.how_to_log)
    return _worst(result)


def _worst(result: Result) -> Lines:
    worst = max(result.findings, key=lambda finding: finding.severity.rank, default=None)
    return [] if worst is None or result.verdict is Verdict.HEALTHY else _lines(worst.message, worst.remedy)


@answer.register
def _(result: RunDiagnosis) -> Lines:
    cause = result.cause
    crash = next((finding for finding in result.findings if finding.code == _CRASHED), None)
    if crash is not None and result.verdict in (Verdict.HEALTHY, Verdict.UNJUDGED):
        # What was learned until then may be fine; that it stopped is news all the same.
        fix = next((item.remedy for item in result.diagnoses if item.name == _OF_CRASH), crash.remedy)
        return _lines(crash.message, fix, "Note" if result.verdict is Verdict.HEALTHY else "Reason")
    if cause is None or result.verdict is Verdict.HEALTHY:
        return []
    if result.verdict is Verdict.UNJUDGED:
        return _lines(result.summary, cause.remedy)
    beside = "" if cause.condition else f" ({odds_of_cause(result)})"
    return _lines(f"{cause.name}{beside}: {cause.title}", cause.remedy, "Reason" if cause.condition else _CAUSE)


@answer.register
def _(result: PreflightResult) -> Lines:
    missed = [item for item in result.unjudged if item.reason != _OUT_OF_TIME]
    if result.verdict is not Verdict.UNJUDGED or not result.unjudged:
        return _worst(result)
    if missed:
        return _lines(missed[0].reason.removeprefix("not run: "), "")
    count = len(result.unjudged)
    fit = "1 check did" if count == 1 else f"{count} checks did"
    return _lines(f"{fit} not fit into the budget.", "Give it more seconds with --budget.")


@answer.register
def _(result: ProbeResult) -> Lines:
    if not result.diagnoses:
        return []
    likeliest = result.diagnoses[0]
    part = f"{likeliest.name} ({likelihood(likeliest.probability)}): {likeliest.title}"
    return _lines(part, likeliest.remedy, "Most likely part")


@answer.register
def _(result: ComparisonResult) -> Lines:
    fix = next((finding.remedy for finding in result.findings if finding.remedy), "")
    if result.differences or not result.diagnoses:
        return _lines(result.summary, fix, "Outcome")
    likeliest = result.diagnoses[0]
    return _lines(result.summary, "", "Outcome") + _lines(f"{named(likeliest)}: {likeliest.title}", fix, _CAUSE)


@answer.register
def _(result: OverviewResult) -> Lines:
    first = next(iter(result.causes), None)
    if first is None or result.verdict is Verdict.HEALTHY:
        return []
    verdict, count, total = ("sick", first.sick, result.counts.sick)
    if not count:
        verdict, count, total = "not healthy", first.total, result.total - result.counts.healthy
    return [
        ("Most frequent cause", one_line(f"{first.name} in {count:,} of {total:,} runs that are {verdict}")),
        ("These runs", one_line(command_for(result, f'cause == "{first.name}"'))),
    ]


@answer.register
def _(result: TreatmentResult) -> Lines:
    treatment = result.treatment
    if treatment.outcome is TreatmentOutcome.NOTHING_TO_DO:
        return []
    # A plan with remedies says what it will try itself.
    is_plan = treatment.outcome is TreatmentOutcome.PLANNED and treatment.remedies
    first = treatment.instructions[:1] if treatment.outcome in NEEDS_YOU and not is_plan else ()
    # Where trials were in vain, the finding says what to do next.
    tried = next((finding.remedy for finding in result.findings), "") if treatment.trials else ""
    return _lines(result.summary, tried or "".join(one.text for one in first), "Outcome")


def _lines(reason: str, fix: str, label: str = "Reason") -> Lines:
    return [
        (what, one_line(" ".join(text.split()))) for what, text in ((label, reason), ("Fix", _in_short(fix))) if text
    ]


def _in_short(fix: str) -> str:
    """Return the first sentence of a long fix: all of it stands with its cause."""
    return fix if len(fix) <= _LONGEST_FIX else _FIRST_SENTENCE.split(fix, maxsplit=1)[0]


def subject_of_answer(report: Report) -> Result | None:
    """Return the one subject that the report's answer is about; ``None`` where several need attention."""
    if len(report.subjects) == 1:
        return report.subjects[0]
    # The trainings of a sweep are its evidence, and runs in full are examples of an overview.
    whole = (SweepResult, OverviewResult)
    sweep = next((subject for subject in report.subjects if isinstance(subject, whole)), None)
    worst = [one for one in report.subjects if one.verdict is report.verdict and one.verdict is not Verdict.HEALTHY]
    # In a checkup the diagnosis knows more of the cause than the gate does.
    worst = [one for one in worst if isinstance(one, RunDiagnosis)] or worst
    return sweep or (worst[0] if len(worst) == 1 else None)
