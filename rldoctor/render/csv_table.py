"""CSV: of a sweep a row a setting and metric, otherwise a row a remark."""

from __future__ import annotations

import csv
import io
import math

from rldoctor.model import Report, SweepResult
from rldoctor.render.rows import TABLES
from rldoctor.render.wording import clean


def render_csv(report: Report, verbose: bool = False, table: str = "") -> str:
    """Return ``report`` as CSV with a header. A subject without remarks has one row with empty columns.

    Args:
        report: The report.
        verbose: Changes nothing: all of it is there.
        table: One of :data:`~rldoctor.render.rows.TABLES`; by default the one with the most detail.
    """
    del verbose
    table = table or ("settings" if any(isinstance(subject, SweepResult) for subject in report.subjects) else "remarks")
    rows = list(TABLES[table](report))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows(map(_cell, row.values()) for row in rows)
    return file.getvalue().rstrip("\n")


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula (OWASP, "CSV injection"): such text gets an apostrophe.

    NaN is an empty cell, which is how spreadsheets and pandas say missing.
    """
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    if not isinstance(value, str):
        return value
    text = clean(value)
    return f"'{text}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else text
