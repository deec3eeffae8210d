"""The chapter's "healthy training" table, filled in for one patient, with a word where the band overrules it."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np

from rldoctor import datafile, stats
from rldoctor.errors import UsageError
from rldoctor.model import Curve, TableRow, Verdict
from rldoctor.rulebook import Case

# As many characters as a small curve may take in a report of 80 columns.
_CURVE_POINTS = 16


@dataclass(frozen=True)
class Row:
    """One row of ``checks/chapter_table.toml``."""

    metric: str
    expected: str
    usual: tuple[float, float] | None
    signs: tuple[str, ...]


@cache
def rows() -> tuple[Row, ...]:
    """Read the table's rows.

    Raises:
        UsageError: The file is not valid.
    """
    path = datafile.folder("checks") / "chapter_table.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))["row"]
        return tuple(
            Row(row["metric"], row["expected"], tuple(row["usual"]) if "usual" in row else None, tuple(row["signs"]))
            for row in data
        )
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The table {path} cannot be read: {error!r}.") from None


def fill_in(case: Case, fired: Collection[str], verdict: Verdict) -> tuple[TableRow, ...]:
    """Fill the table in for a case; metrics that are not logged are rows with the mark ``missing``."""
    return tuple(_row(row, case, [code for code in row.signs if code in fired], verdict) for row in rows())


def _row(row: Row, case: Case, fired: list[str], verdict: Verdict) -> TableRow:
    curve = case.curves.get(row.metric)
    if curve is None or not len(curve):
        return TableRow(row.metric, "", row.expected, "not logged", (), "missing")
    outside = row.usual is not None and not row.usual[0] <= _worst_usual(curve, row.usual) <= row.usual[1]
    mark = "missing" if verdict is Verdict.UNJUDGED else "ok"
    if fired:
        mark = "odd" if verdict in (Verdict.HEALTHY, Verdict.SUSPECT) else "bad"
    why = _why(row, case, curve, verdict) if outside and not fired and verdict is not Verdict.UNJUDGED else ""
    return TableRow(row.metric, curve.tag, row.expected, _seen(row, curve), _thinned(curve), mark, why)


def _worst_usual(curve: Curve, usual: tuple[float, float]) -> float:
    """Return the late level of the curve: the chapter's ranges are left there first, when the policy has narrowed."""
    del usual
    return stats.median(curve.values[-max(1, len(curve) // 4) :])


def _seen(row: Row, curve: Curve) -> str:
    values = curve.values
    if row.usual is not None:
        late = stats.median(values[-max(1, len(values) // 4) :])
        return f"median {stats.median(values):.2g}, late {late:.2g}"
    return f"{values[0]:.3g} -> {values[-1]:.3g}"


def _why(row: Row, case: Case, curve: Curve, verdict: Verdict) -> str:
    """Say why a value outside the chapter's literal range is not held against the run."""
    band = case.band(row.metric)
    steps = curve.steps[-max(1, len(curve) // 4) :]
    if band is not None:
        low, high = (stats.interpolate(band.steps, side, steps) for side in (band.low, band.high))
        if np.isfinite(low).any():
            return (
                f"outside the chapter's range, as healthy runs of this reference are at this stage "
                f"({np.nanmedian(low):.2g} to {np.nanmedian(high):.2g}); the band overrules the range"
            )
    if verdict is Verdict.HEALTHY:
        return "outside the chapter's range; the outcome is healthy, so it is not held against the run"
    return "outside the chapter's range, not far enough to be a sign by itself"


def _thinned(curve: Curve) -> tuple[float, ...]:
    """Return at most ``_CURVE_POINTS`` values, each the mean of its stretch of the curve."""
    parts = np.array_split(curve.values, min(_CURVE_POINTS, len(curve)))
    return tuple(float(part.mean()) for part in parts)
