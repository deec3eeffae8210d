"""The diagnosis of a run that still trains, in agreement with how it stands.

``rldoctor diagnose`` judges the curves as if there were no more to come. A run that is watched is judged in the
phase of its training, and a page that shows both must say one thing.
"""

from __future__ import annotations

from dataclasses import replace

from rldoctor.model import RankedDiagnosis, RunDiagnosis, Severity, TableRow, Verdict, WatchRow
from rldoctor.rulebook import Rulebook

_FAULTY = (Verdict.SICK, Verdict.SUSPECT)


def as_it_stands(result: RunDiagnosis, row: WatchRow, book: Rulebook) -> RunDiagnosis:
    """Return a diagnosis with the verdict and the cause of a run that is watched; itself where they are the same.

    Args:
        result: Of the whole log, as if the run had ended.
        row: How the run stands.
        book: The causes.
    """
    faulty = row.verdict in _FAULTY
    cause = result.cause.name if result.cause and result.verdict in _FAULTY else ""
    # What ended with its plan done, or with none that is known, has the verdict of diagnose already.
    over = row.state == "finished" or (row.state in ("ended", "killed") and row.share is None)
    if row.verdict is result.verdict and row.cause == cause and (over or not faulty):
        return result
    if faulty:
        return _warned(result, row, book)
    # What a finished run would be flagged for is usual in this phase, or not yet sure.
    why = "too early to judge" if row.verdict is Verdict.UNJUDGED else "not beyond healthy runs in this phase"
    what = "too young to be judged" if row.verdict is Verdict.UNJUDGED else "so far it learns as healthy runs do"
    return replace(
        result,
        verdict=row.verdict,
        summary=f"The run is unfinished ({_done(row)}): {what}.",
        diagnoses=(),
        findings=tuple(replace(finding, severity=Severity.NOTE) for finding in result.findings),
        table=tuple(_eased(line, why) for line in result.table),
        health=row.confidence if row.verdict is Verdict.HEALTHY else None,
        tied=(),
    )


def _warned(result: RunDiagnosis, row: WatchRow, book: Rulebook) -> RunDiagnosis:
    known = next((item for item in result.diagnoses if item.name == row.cause), None)
    rule = book.diagnoses.get(row.cause)
    title = known.title if known else rule.title if rule else ""
    leading = replace(known or RankedDiagnosis(row.cause, title, 0.0), probability=row.confidence)
    leading = replace(leading, remedy=row.remedy or leading.remedy)
    left = 1.0 - row.confidence
    others = (item for item in result.diagnoses if item.name not in (row.cause, "healthy") and not item.condition)
    summary = f"The run is unfinished ({_done(row)}): {row.verdict} since step {row.since:,}. {row.withdrawn_when}"
    return replace(
        result,
        verdict=row.verdict,
        summary=summary.strip(),
        diagnoses=(leading, *(replace(item, probability=min(item.probability, left)) for item in others)),
        health=min(result.health or 0.0, left),
        tied=(),
    )


def _done(row: WatchRow) -> str:
    return f"step {row.step:,}" if row.share is None else f"{row.share:.0%} of {row.planned:,} steps"


def _eased(line: TableRow, why: str) -> TableRow:
    return replace(line, mark="missing", why=why) if line.mark in ("odd", "bad") else line
