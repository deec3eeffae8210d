"""A comparison of two runs as rows of text, for the terminal and for Markdown; the first row is the heading."""

from __future__ import annotations

from rldoctor.model import ComparisonResult, Json
from rldoctor.render.wording import number, odds

Rows = list[tuple[str, ...]]


def setting_rows(result: ComparisonResult, everything: bool = False) -> Rows:
    """Return the settings that differ side by side, or all that are known."""
    rows: Rows = [("setting", "good run", "", "bad run", "")]
    for pair in result.setting_pairs:
        if pair.differs or everything:
            rows.append((pair.name, _text(pair.good), pair.good_place, _text(pair.bad), pair.bad_place))
    return rows


def parting_rows(result: ComparisonResult) -> Rows:
    """Return the metrics that part, the first to part first."""
    rows: Rows = [("curves part in", "from step", "good run", "bad run")]
    for one in result.partings:
        rows.append((one.metric, f"{one.step:,}", number(one.good), number(one.bad)))
    return rows


def cause_rows(result: ComparisonResult) -> Rows:
    """Return what the bad run suffers from, the likeliest first."""
    rows: Rows = [("cause in the bad run", "probability", "")]
    return rows + [(cause.name, odds(cause), cause.title) for cause in result.diagnoses]


def tables(result: ComparisonResult, everything: bool = False) -> list[Rows]:
    """Return all tables that have rows."""
    found = (setting_rows(result, everything), parting_rows(result), cause_rows(result))
    return [rows for rows in found if len(rows) > 1]


def _text(value: Json) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_text, value)) + "]"
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
