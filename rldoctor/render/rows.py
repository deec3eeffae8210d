"""A report as tables: rows of plain values by column, for CSV files and data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rldoctor.model import Report, Result, RunDiagnosis, SweepResult
from rldoctor.render.remarks import remarks_on

_NUMBERS = ("mean", "std", "iqm", "low", "high", "improvement", "improvement_low", "improvement_high")
_REMARK = ("rule", "name", "severity", "message", "remedy")
Rows = Iterator[dict[str, Any]]


def _subjects(report: Report) -> Rows:
    """Yield a row a subject."""
    yield from map(subject_row, report.subjects)


def subject_row(subject: Result) -> dict[str, Any]:
    """Return one subject as a row of the table ``subjects``."""
    run = subject if isinstance(subject, RunDiagnosis) else None
    leading = run.diagnoses[0] if run and run.diagnoses else None
    return {
        "path": subject.path,
        "kind": subject.kind,
        "verdict": subject.verdict.value,
        "cause": leading.name if leading else "",
        "probability": leading.probability if leading and not leading.condition else None,
        "env": run.env if run else "",
        "steps": run.steps if run else None,
        "final_return": run.final_return if run else None,
        "framework": run.framework if run else "",
        "reference": subject.reference,
        "findings": len(subject.findings),
        "summary": subject.summary,
    }


def _remarks(report: Report) -> Rows:
    """Yield a row a remark; a subject without any has one with empty columns."""
    for subject in report.subjects:
        leading = subject.diagnoses[0] if isinstance(subject, RunDiagnosis) and subject.diagnoses else None
        about = {
            "subject": subject.path,
            "kind": subject.kind,
            "verdict": subject.verdict.value,
            "reference": subject.reference,
            "steps": getattr(subject, "steps", 0),
            "diagnosis": leading.name if leading else "",
            "probability": f"{leading.probability:.4f}" if leading and not leading.condition else "",
        }
        rows = [{key: str(getattr(remark, key)) for key in _REMARK} for remark in remarks_on(subject)]
        yield from ({**about, **row} for row in rows or [dict.fromkeys(_REMARK, "")])


def _settings(report: Report) -> Rows:
    """Yield a row a setting of a sweep and metric."""
    for sweep in _sweeps(report):
        for setting in sweep.settings:
            for sample in setting.samples:
                yield {
                    "setting": setting.name,
                    "baseline": setting.baseline,
                    "metric": sample.metric,
                    "unit": sample.unit,
                    "runs": len(sample.values),
                    **{name: getattr(sample, name) for name in _NUMBERS},
                }


def _trials(report: Report) -> Rows:
    """Yield a row a training of a sweep, its numbers as columns."""
    for sweep in _sweeps(report):
        for trial in sweep.trials:
            row = asdict(trial)
            yield {**row, **row.pop("numbers")}


def _sweeps(report: Report) -> list[SweepResult]:
    return [subject for subject in report.subjects if isinstance(subject, SweepResult)]


TABLES: Mapping[str, Callable[[Report], Rows]] = {
    "subjects": _subjects,
    "remarks": _remarks,
    "settings": _settings,
    "trials": _trials,
}
