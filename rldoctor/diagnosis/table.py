"""Key metrics at a glance: the textbook's table of healthy training, filled in for one run.

The textbook is the tutorial chapter that rldoctor grew from (``checks/chapter_table.toml``). It knows PPO; the rows of
other algorithms hold what their libraries document.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rldoctor import datafile, stats
from rldoctor.datafile import Table
from rldoctor.diagnosis.impossible import CODE as SET_ASIDE
from rldoctor.model import Curve, Finding, Json, Severity, TableRow, Verdict
from rldoctor.rulebook import Case
from rldoctor.rulebook.case import FEWEST_POINTS

# A note leaves the row as it is.
_MARKS: Mapping[Severity | None, str] = {Severity.ERROR: "bad", Severity.WARNING: "odd"}
# The algorithm that the textbook is about, which a run is taken for where nothing tells another.
_TEXTBOOK = "ppo"
# So many times the upper end of the usual range is odd in a run that is not healthy, whatever its cause. Ours.
_FAR = 1.5
# As many characters as a small curve may take in a report of 80 columns.
_CURVE_POINTS = 16
# So many last values are no numbers where a metric is lost; without any variance of returns there is none to explain.
_LOST, _UNDEFINED, _NON_FINITE = 3, "explained_variance", "NUM101"


class Row(Table, frozen=True):
    """A row of the table: what one metric looks like in healthy training.

    Attributes:
        metric: Its name.
        expected: That in a few words.
        signs: Codes of the signs that judge it.
        algorithms: Those that it is for; all where empty.
        source: Where it comes from; the tutorial chapter, section 3.3, where empty.
        usual: Range of its level late in training, where there is one.
        changes: Its direction from start to end, where there is one.
    """

    metric: str
    expected: str
    signs: tuple[str, ...]
    algorithms: tuple[str, ...] = ()
    source: str = ""
    usual: tuple[float, float] | None = None
    changes: Literal["", "rises", "falls"] = ""

    @property
    def in_words(self) -> str:
        """What the metric looks like in healthy training, what judges it and who says so."""
        judged = f" Judged by {', '.join(self.signs)}." if self.signs else ""
        return f"Healthy: {self.expected}.{judged} Source: {self.source or 'the tutorial chapter, section 3.3'}."


class _File(Table, frozen=True):
    row: tuple[Row, ...]


@cache
def _rows() -> tuple[Row, ...]:
    return datafile.load(datafile.folder("checks") / "chapter_table.toml", _File).row


def rows_of(algorithm: str) -> tuple[Row, ...]:
    """Return the rows for runs of an algorithm, a key of ``checks/algorithms.toml``."""
    return tuple(row for row in _rows() if not row.algorithms or algorithm in row.algorithms)


def fill_in(case: Case, findings: Sequence[Finding], verdict: Verdict) -> tuple[TableRow, ...]:
    """Fill the table in for a case; metrics that are not logged are rows with the mark ``missing``.

    A row is marked by the worst finding about its metric: one of its own signs, or any that leads with the metric. One
    that is not flagged although it is unlike the textbook says why, and is shown without a tick.
    """
    rows = rows_of(case.run.algorithm or _TEXTBOOK)
    # What a finding is about, asked once for all rows.
    subjects = [(f, f.code, f.evidence.get("metric"), f.evidence.get("subject")) for f in findings]
    about = [
        [f for f, code, metric, subject in subjects if _is_about(row, case, code, metric, subject)] for row in rows
    ]
    filled = (_filled(row, case, of_row, verdict) for row, of_row in zip(rows, about, strict=True))
    if any(finding.code == _NON_FINITE for finding in findings):
        filled = (_unless_lost(row, case) for row in filled)
    return tuple(filled)


def _unless_lost(row: TableRow, case: Case) -> TableRow:
    """Return a row, marked where the metric ends with what is no number: what is judged is what came before."""
    logged = case.run.curves.get(row.metric)
    if logged is None or row.metric == _UNDEFINED or not len(logged) or np.isfinite(logged.values[-_LOST:]).any():
        return row
    seen = f"{float(logged.finite().values[0]):.3g}" if len(logged.finite()) else ""
    return replace(row, mark="bad", why="", seen=f"{seen} -> {float(logged.values[-1]):g}")


def _is_about(row: Row, case: Case, code: str, metric: Json, subject: Json) -> bool:
    if metric == row.metric or code in row.signs:
        return True
    if not subject:
        return False
    # A post-mortem names several curves by their tags, each with its step.
    curve = case.curves.get(row.metric)
    return curve is not None and any(part.startswith(f"{curve.tag} ") for part in str(subject).split(", "))


def _filled(row: Row, case: Case, findings: Sequence[Finding], verdict: Verdict) -> TableRow:
    curve = case.curves.get(row.metric)
    if curve is None or not len(curve):
        aside = any(
            row.metric == found.evidence.get("metric") for found in case.run.findings if found.code == SET_ASIDE
        )
        return TableRow(row.metric, "", row.expected, "set aside" if aside else "not logged", (), "missing")
    worst = max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=None)
    mark, why = _MARKS.get(worst, "missing" if verdict is Verdict.UNJUDGED else "ok"), ""
    if row.usual is None:
        seen = f"{float(curve.values[0]):.3g} -> {float(curve.values[-1]):.3g}"
        if _goes_the_other_way(row, curve) and not (findings or verdict is Verdict.UNJUDGED):
            where = "in the textbook" if case.run.algorithm in ("", _TEXTBOOK) else "in most runs"
            why = _why(row, case, curve, verdict, f"unlike {where}, it does not {row.changes.removesuffix('s')}")
    else:
        # The range is left late first, when the policy has narrowed.
        late = stats.median(_late(curve.values))
        seen = f"median {stats.median(curve.values):.2g}, late {late:.2g}"
        if not (row.usual[0] <= late <= row.usual[1] or findings or verdict is Verdict.UNJUDGED):
            why = _why(row, case, curve, verdict, "outside the textbook range")
            if late > _FAR * row.usual[1] and verdict is not Verdict.HEALTHY and case.band(row.metric) is None:
                mark, why = "odd", "far outside the textbook range"
    if worst is Severity.NOTE and mark == "ok":
        why = f"noted, no fault by itself: {', '.join(finding.code for finding in findings)}"
    return TableRow(row.metric, curve.tag, row.expected, seen, _thinned(curve), mark, why)


def _goes_the_other_way(row: Row, curve: Curve) -> bool:
    """Return whether a curve ends on the wrong side of its start."""
    values = curve.finite().values
    if not row.changes or len(values) < FEWEST_POINTS:
        return False
    early, late = stats.median(values[: max(1, len(values) // 4)]), stats.median(_late(values))
    return late < early if row.changes == "rises" else late > early


def _why(row: Row, case: Case, curve: Curve, verdict: Verdict, what: str) -> str:
    """Say why a value that is not the textbook's is not flagged."""
    band = case.band(row.metric)
    if band is not None:
        low, high = (stats.interpolate(band.steps, side, _late(curve.steps)) for side in (band.low, band.high))
        if np.isfinite(low).any():
            # Not numpy's, which loads a package of its own first.
            lower, upper = (stats.median(side[np.isfinite(side)]) for side in (low, high))
            there = f"{lower:.2g} to {upper:.2g}"
            return f"{what}; healthy runs of this reference are at {there} at this stage"
    if verdict is Verdict.HEALTHY:
        return f"{what}; the outcome is healthy, so it is not flagged"
    return f"{what}, but not enough to flag"


def _late(values: NDArray[Any]) -> NDArray[Any]:
    """Return the last quarter."""
    return values[-max(1, len(values) // 4) :]


def _thinned(curve: Curve) -> tuple[float, ...]:
    """Return at most ``_CURVE_POINTS`` values, each the mean of its stretch of the curve."""
    means: list[float] = stats.means_of_parts(curve.values, _CURVE_POINTS).tolist()
    return tuple(means)
