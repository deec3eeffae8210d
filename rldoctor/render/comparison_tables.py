"""A comparison of two runs as rows of text, for the terminal and for Markdown; the first row is the heading."""

from __future__ import annotations

from rldoctor.model import ComparisonResult, Json
from rldoctor.render.wording import number

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


def _text(value: Json) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_text, value)) + "]"
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
