"""The same training, logged otherwise: python -m benchmarks.invariance [--other CHECKOUT]

Every recorded run (tests/runs), recorded stranger (tests/strangers) and public case (tests/cases) is changed in ways
that must not change what the doctor says: its verdict, and the leading cause where it is not healthy. Writes
docs/invariance.md. With --other the same is asked of another checkout, and its figures stand beside ours.
"""

from __future__ import annotations

import argparse
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

HERE = Path(__file__).resolve().parents[1]
# A thinned run must leave what the doctor itself asks for: ten points.
FEWEST_ROWS = 10
# Metrics in units of reward, and in units of its square.
REWARDS, SQUARES = ("episode_return", "evaluation_return", "reward_std"), ("value_loss",)
SCALE_FAULTS = ("reward-scale-too-large", "reward-scale-too-small")
TARGETS = {"thinned": 99, "held": 99, "split": 99, "linked": 99, "scaled": 97, "renamed": 97, "stretched": 97}


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


def thinned(run: Run, every: int) -> Run | None:
    """Log only each ``every``-th row."""
    rows = rows_of(run)
    kept = rows[every - 1 :: every]
    if len(kept) < FEWEST_ROWS:
        return None
    return changed(
        run, lambda c: with_points(c, c.steps[m], c.values[m]) if (m := np.isin(c.steps, kept)).any() else None
    )


def held(run: Run, times: int) -> Run:
    """Log each value ``times`` times until the next one comes."""

    def hold(curve: Curve) -> Curve:
        if len(curve) < 2:
            return curve
        gaps = np.append(np.diff(curve.steps), max(1, curve.steps[-1] - curve.steps[-2]))
        steps = (curve.steps[:, None] + gaps[:, None] * np.arange(times) / times).astype(np.int64).ravel()
        return with_points(curve, steps, np.repeat(curve.values, times))

    return changed(run, hold)


def scaled(run: Run, factor: float, shift: float = 0.0) -> Run:
    """Give all rewards another unit, or add the same to each return (``shift`` in units of the return's size)."""

    def scale(curve: Curve) -> Curve:
        if curve.metric in REWARDS:
            size = float(np.nanmax(np.abs(curve.values))) if len(curve) else 0.0
            return with_points(curve, curve.steps, curve.values * factor + shift * size)
        if curve.metric in SQUARES:
            return with_points(curve, curve.steps, curve.values * factor**2)
        return curve

    return changed(run, scale)


def stretched(run: Run, times: int) -> Run:
    """Let each step count ``times`` as many."""
    return changed(run, lambda c: with_points(c, c.steps * times, c.values))


def continued(run: Run) -> Run:
    """Go on for as long again at the level of the end."""

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
    "every 2nd row": ("thinned", False, lambda r: thinned(r, 2)),
    "every 5th row": ("thinned", False, lambda r: thinned(r, 5)),
    "every 20th row": ("thinned", False, lambda r: thinned(r, 20)),
    "each value held 3 times": ("held", False, lambda r: held(r, 3)),
    "each value held 20 times": ("held", False, lambda r: held(r, 20)),
    "reward x 0.01": ("scaled", True, lambda r: scaled(r, 0.01)),
    "reward x 100": ("scaled", True, lambda r: scaled(r, 100.0)),
    "return shifted": ("scaled", True, lambda r: scaled(r, 1.0, 0.5)),
    "steps x 10": ("stretched", True, lambda r: stretched(r, 10)),
    "as long again at the last level": ("continued", True, continued),
}


def said(run: Run, alone: bool) -> tuple[str, str]:
    """Return verdict and leading cause."""
    kept = judge.match
    if alone:
        judge.match = lambda run, wanted=None, own=(): Match(None, False, "left out")
    try:
        subject = diagnose_run(run)
    finally:
        judge.match = kept
    healthy = subject.verdict is Verdict.HEALTHY
    return subject.verdict.value, "" if healthy or not subject.diagnoses else subject.diagnoses[0].name


def ask() -> dict[str, list[dict[str, str]]]:
    """Return, by change, what was said before and after of each run."""
    answers: dict[str, list[dict[str, str]]] = defaultdict(list)
    for name, run in runs():
        run = replace(run, record={**run.record})
        before = {alone: said(run, alone) for alone in (False, True)}
        for title, (kind, alone, change) in CHANGES.items():
            if kind == "scaled" and before[alone][1] in SCALE_FAULTS:
                continue
            other = change(run)
            if other is None:
                continue
            after = said(other, alone)
            answers[title].append({"run": name, "before": "/".join(before[alone]), "after": "/".join(after)})
    return answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", default="", help="list the runs of which something else is said after this change")
    words = parser.parse_args()
    answers = ask()
    if words.json:
        print(json.dumps(answers))
        return
    for title, rows in answers.items():
        same = sum(row["before"] == row["after"] for row in rows)
        verdicts = sum(row["before"].split("/")[0] == row["after"].split("/")[0] for row in rows)
        print(f"{title:34s} {len(rows):4d} runs  same {same / len(rows):6.1%}  verdict {verdicts / len(rows):6.1%}")
        if words.show and words.show in title:
            for row in rows:
                if row["before"] != row["after"]:
                    print("   ", row["run"], row["before"], "->", row["after"])


if __name__ == "__main__":
    main()
