"""Every recorded run, changed in memory and diagnosed again.

Nothing of benchmarks is imported: with --other, this file is run with the package of another checkout.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor.diagnosis import judge
from rldoctor.diagnosis.judge import diagnose_run
from rldoctor.diagnosis.match import Match
from rldoctor.logs import read_run
from rldoctor.model import Curve, Run, Verdict
from rldoctor.rulebook import load_rulebook

HERE = Path(__file__).resolve().parents[2]
# A thinned run must keep the ten points that a diagnosis needs.
FEWEST_ROWS = 10
# Units in which metrics scale with the reward, and with its square.
REWARD, SQUARE = "reward", "reward squared"
# What follows the return when a constant is added to it, and metrics of single rewards, which would contradict it.
SHIFTED, SINGLE = ("episode_return", "evaluation_return"), ("reward_min", "reward_max")
SCALE_FAULTS = ("reward-scale-too-large", "reward-scale-too-small")


def runs() -> Iterator[tuple[str, Run]]:
    """Yield every run with its name."""
    for label in sorted((HERE / "tests").rglob("label.json")):
        yield label.parent.relative_to(HERE / "tests").as_posix(), read_run(label.parent)
    labelled = {label.parent for label in (HERE / "tests").rglob("label.json")}
    for record in sorted((HERE / "tests/runs/healthy").rglob("run.json")):
        if record.parent not in labelled:
            yield record.parent.relative_to(HERE / "tests").as_posix(), read_run(record.parent)


def changed(run: Run, change: Callable[[Curve], Curve | None]) -> Run:
    """Return the run with each curve changed; one that becomes ``None`` is left out."""
    curves = {name: new for name, curve in run.curves.items() if (new := change(curve)) is not None}
    return replace(run, curves=curves)


def with_points(curve: Curve, steps: Any, values: Any) -> Curve:
    return Curve(curve.metric, np.asarray(steps, np.int64), np.asarray(values, float), curve.tag, curve.aggregation)


def rows_of(run: Run) -> Any:
    """Return the steps at which anything was logged."""
    parts = [curve.steps for curve in run.curves.values()]
    return np.unique(np.concatenate(parts)) if parts else np.array([], np.int64)


def thinned(run: Run, every: int, first: bool) -> Run | None:
    """Log only each ``every``-th row: from the first one on, or, as SB3's ``log_interval`` does, the last of so many.

    Metrics that are not logged in the rows of the longest curve have rows of their own. ``None`` for a run of which a
    curve would have less than the ten points that a diagnosis needs, and has more.
    """
    longest = max(run.curves.values(), key=len, default=None)
    kept = slice(0 if first else every - 1, None, every)

    def thin(curve: Curve) -> Curve | None:
        in_rows = longest is not None and bool(np.isin(curve.steps, longest.steps).all())
        mine = np.isin(curve.steps, longest.steps[kept]) if in_rows and longest is not None else kept
        return with_points(curve, curve.steps[mine], curve.values[mine]) if len(curve.steps[mine]) else None

    other = changed(run, thin)
    points = {name: len(other.curves[name]) if name in other.curves else 0 for name in run.curves}
    few = any(points[name] < FEWEST_ROWS <= len(curve) for name, curve in run.curves.items())
    return None if few or max(points.values(), default=0) < FEWEST_ROWS else other


def held(run: Run, times: int) -> Run:
    """Repeat each value ``times`` times until the next one."""

    def hold(curve: Curve) -> Curve:
        if len(curve) < 2:
            return curve
        gaps = np.append(np.diff(curve.steps), max(1, curve.steps[-1] - curve.steps[-2]))
        steps = (curve.steps[:, None] + gaps[:, None] * np.arange(times) / times).astype(np.int64).ravel()
        return with_points(curve, steps, np.repeat(curve.values, times))

    return changed(run, hold)


def scaled(run: Run, factor: float) -> Run:
    """Scale all rewards, and whatever is measured in their unit or its square."""
    units = {name: metric.unit for name, metric in load_rulebook().metrics.items()}

    def scale(curve: Curve) -> Curve:
        unit = REWARD if curve.metric.startswith("term/") else units.get(curve.metric, "")
        power = {REWARD: 1, SQUARE: 2}.get(unit, 0)
        return with_points(curve, curve.steps, curve.values * factor**power) if power else curve

    return changed(run, scale)


def shifted(run: Run, shift: float) -> Run | None:
    """Add a constant to each return, in units of the return's size; ``None`` for a run that logs terms of the reward."""
    if any(name.startswith("term/") for name in run.curves):
        return None

    def add(curve: Curve) -> Curve | None:
        if curve.metric not in SHIFTED:
            return None if curve.metric in SINGLE else curve
        size = float(np.max(np.abs(curve.finite().values), initial=0.0))
        return with_points(curve, curve.steps, curve.values + shift * size)

    return changed(run, add)


def stretched(run: Run, times: int) -> Run:
    """Multiply all steps by ``times``."""
    return changed(run, lambda c: with_points(c, c.steps * times, c.values))


def continued(run: Run) -> Run:
    """Continue for as long again at the final level."""

    def go_on(curve: Curve) -> Curve:
        if len(curve) < FEWEST_ROWS:
            return curve
        span = curve.steps[-1] - curve.steps[0] + int(np.median(np.diff(curve.steps)))
        late = curve.values[-max(3, len(curve) // 8) :]
        more = np.resize(late, len(curve))
        return with_points(curve, np.append(curve.steps, curve.steps + span), np.append(curve.values, more))

    return changed(run, go_on)


CHANGES: dict[str, tuple[str, bool, Callable[[Run], Run | None]]] = {
    # name: (kind, without references, change)
    "every 2nd row, the first one kept": ("thinned", False, lambda r: thinned(r, 2, first=True)),
    "every 5th row, the first one kept": ("thinned", False, lambda r: thinned(r, 5, first=True)),
    "every 20th row, the first one kept": ("thinned", False, lambda r: thinned(r, 20, first=True)),
    "log_interval 2": ("thinned", False, lambda r: thinned(r, 2, first=False)),
    "log_interval 5": ("thinned", False, lambda r: thinned(r, 5, first=False)),
    "log_interval 20": ("thinned", False, lambda r: thinned(r, 20, first=False)),
    "each value repeated 3 times": ("held", False, lambda r: held(r, 3)),
    "each value repeated 20 times": ("held", False, lambda r: held(r, 20)),
    "reward x 0.01": ("scaled", True, lambda r: scaled(r, 0.01)),
    "reward x 100": ("scaled", True, lambda r: scaled(r, 100.0)),
    "return shifted": ("scaled", True, lambda r: shifted(r, 0.5)),
    "steps x 10": ("stretched", True, lambda r: stretched(r, 10)),
    "continued at the final level": ("continued", True, continued),
}


def said(run: Run, alone: bool) -> tuple[str, str, str]:
    """Return the verdict and, unless it is healthy, the most likely cause and those that the report ties with it."""
    kept = judge.match
    if alone:
        judge.match = lambda run, wanted=None, own=(): Match(None, False, "left out")
    try:
        subject = diagnose_run(run)
    finally:
        judge.match = kept
    healthy = subject.verdict is Verdict.HEALTHY
    if healthy or not subject.diagnoses:
        return subject.verdict.value, "", ""
    return subject.verdict.value, subject.diagnoses[0].name, " ".join(getattr(subject, "tied", ()))


def as_row(before: tuple[str, str, str], after: tuple[str, str, str]) -> dict[str, str]:
    """Return what is kept of two diagnoses: each one's verdict and cause, and whether a tie shows both causes."""
    tied = before[1] in after[2].split() or after[1] in before[2].split()
    return {"before": "/".join(before[:2]), "after": "/".join(after[:2]), "tied": "yes" if tied else ""}


def ask() -> dict[str, list[dict[str, str]]]:
    """Return for each change the diagnoses of each run before and after it."""
    answers: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name, run in runs():
        run = replace(run, record={**run.record})
        before = {alone: said(run, alone) for alone in (False, True)}
        for title, (kind, alone, change) in CHANGES.items():
            if kind == "scaled" and (before[alone][1] in SCALE_FAULTS or any(fault in name for fault in SCALE_FAULTS)):
                continue
            other = change(run)
            if other is None:
                continue
            after = said(other, alone)
            answers[title].append({"run": name, **as_row(before[alone], after), "rows": str(len(rows_of(other)))})
    return answers


if __name__ == "__main__":
    print(json.dumps(ask()))
