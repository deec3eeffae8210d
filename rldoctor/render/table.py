"""CSV: a row a remark, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io

from rldoctor.model import Report
from rldoctor.render.remarks import remarks_on
from rldoctor.render.words import clean

_ABOUT = ("subject", "kind", "verdict", "reference", "steps", "diagnosis", "probability")
_REMARK = ("rule", "name", "severity", "message", "remedy")


def render_csv(report: Report, verbose: bool = False) -> str:
    """Return ``report`` as CSV with a header; a subject without remarks has one row with empty columns."""
    del verbose
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*_ABOUT, *_REMARK))
    for subject in report.subjects:
        leading = subject.diagnoses[0] if subject.diagnoses else None
        about = [clean(subject.path), subject.kind, subject.verdict.value, subject.reference, subject.steps]
        about += [leading.name if leading else "", f"{leading.probability:.4f}" if leading else ""]
        rows = [[r.rule, r.name, r.severity.value, r.message, r.remedy] for r in remarks_on(subject)]
        for row in rows or [[""] * len(_REMARK)]:
            writer.writerow([_cell(value) for value in (*about, *row)])
    return file.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula (OWASP, "CSV injection"): such text gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
