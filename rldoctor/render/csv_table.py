"""CSV: a row a remark, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
import math

from rldoctor.model import Report, RunDiagnosis, SweepResult
from rldoctor.render.remarks import remarks_on
from rldoctor.render.wording import clean

_ABOUT = ("subject", "kind", "verdict", "reference", "steps", "diagnosis", "probability")
_SAMPLE = ("mean", "std", "iqm", "low", "high", "improvement", "improvement_low", "improvement_high")
_REMARK = ("rule", "name", "severity", "message", "remedy")


def render_csv(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as CSV with a header: of a sweep a row a setting and metric, otherwise a row a remark.

    A subject without remarks has one row with empty columns.
    """
    del verbose
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    sweep = next((subject for subject in report.subjects if isinstance(subject, SweepResult)), None)
    if sweep is not None:
        writer.writerow(("setting", "baseline", "metric", "unit", "runs", *_SAMPLE))
        for setting in sweep.settings:
            for sample in setting.samples:
                what = (_cell(clean(setting.name)), setting.baseline, sample.metric, sample.unit, len(sample.values))
                writer.writerow((*what, *(_number(getattr(sample, name)) for name in _SAMPLE)))
        return file.getvalue().rstrip("\n")
    writer.writerow((*_ABOUT, *_REMARK))
    for subject in report.subjects:
        diagnoses = subject.diagnoses if isinstance(subject, RunDiagnosis) else ()
        leading = diagnoses[0] if diagnoses else None
        steps = getattr(subject, "steps", 0)
        about = [clean(subject.path), subject.kind, subject.verdict.value, clean(subject.reference), steps]
        about += [clean(leading.name) if leading else "", f"{leading.probability:.4f}" if leading else ""]
        rows = [[r.rule, r.name, r.severity.value, r.message, r.remedy] for r in remarks_on(subject)]
        for row in rows or [[""] * len(_REMARK)]:
            writer.writerow([_cell(value) for value in (*about, *row)])
    return file.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula (OWASP, "CSV injection"): such text gets an apostrophe."""
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _number(value: float) -> str:
    """Return a number in full, an empty cell for NaN, which is how spreadsheets and pandas say missing."""
    return "" if math.isnan(value) else repr(value)
