"""How far a diagnosis depends on the way a run was logged: python -m benchmarks.invariance [--other CHECKOUT] [--show CHANGE]

Every recorded run (tests/runs, tests/strangers) is changed in ways that must not change its diagnosis: the verdict and,
for a run that is not healthy, the most likely cause. Writes docs/invariance.md; with --other, the figures of another
checkout are added. About two minutes each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
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

HERE = Path(__file__).resolve().parents[1]
# A thinned run must keep the ten points that a diagnosis needs.
FEWEST_ROWS = 10
# Thinned runs are counted apart by how many rows they have left: from so many on.
ROWS_LEFT = (10, 15, 20, 40)
# Units in which metrics scale with the reward, and with its square.
REWARD, SQUARE = "reward", "reward squared"
# What follows the return when a constant is added to it, and metrics of single rewards, which would contradict it.
SHIFTED, SINGLE = ("episode_return", "evaluation_return"), ("reward_min", "reward_max")
SCALE_FAULTS = ("reward-scale-too-large", "reward-scale-too-small")
# Targets for each kind of change, in per cent of the runs; none for a change that is only reported.
TARGETS = {"thinned": 99, "held": 99, "split": 99, "linked": 99, "scaled": 97, "stretched": 97, "renamed": 97}
HEAD = """# The same training, the same verdict

How far a diagnosis depends on the way in which a run was logged. Every recorded run is changed as in the table, and verdict and most
likely cause (for runs that are not healthy) should stay the same; two causes that either report shows as a tie count in a column of their own. Reproduce with `python -m benchmarks.invariance --other CHECKOUT`.

- A thinned run keeps at least ten points of every curve that has more. *log_interval* is how Stable-Baselines3 logs less often: it writes
  the last of so many rows (its train/ values are not averaged over the interval), so that the first ones are lost. Other loggers keep the
  first row and lose the last ones, which is the other way. In both, runs that fit a reference's rollout size by chance once they are
  thinned are compared with it.
- Scaled, stretched and continued runs are judged without references. Whatever has the unit of the reward is scaled. Rewards are not
  scaled in runs whose fault is their scale. Of a failed run that does not log how much its critic explains (skrl, Tianshou, rsl_rl, DQN, TD3),
  or whose critic explains nothing at all, the scale is the likeliest cause once its rewards are 100 times larger.
- Returns are shifted by half their size, in runs that log no terms of the reward. A gain is judged as a fraction of the return's size, which
  a shift halves or doubles; that accounts for most of what changes.
- Runs in several files, with links, and with the tags of other frameworks are written as event files and read again, one run of Stable-Baselines3
  in six, without references. A run with the tags of another framework is compared with the same metrics under its own tags.
"""


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
# One run in so many is written as files and read again. Titles, and the kinds of these changes.
EVERY = 6
FRAMEWORKS = ("cleanrl", "rl_games", "skrl", "tianshou")
FILES = {
    "split into 2 files": "split",
    "split into 3 files": "split",
    "add_hparams beside it": "linked",
    "a link to it": "linked",
    **{f"tags of {name}": "renamed" for name in FRAMEWORKS},
}


def through_files() -> dict[str, Callable[[Run, Path], Any]]:
    """Return by title what writes a run as files and reads it again."""
    # Late: another checkout, of which --other asks the rest, has no such module.
    from benchmarks import relogged

    changes: list[Callable[[Run, Path], Any]] = [
        lambda run, folder: relogged.split(run, folder, 2),
        lambda run, folder: relogged.split(run, folder, 3),
        relogged.with_hparams,
        relogged.linked,
        *(relogged.renamed(name) for name in FRAMEWORKS),
    ]
    return dict(zip(FILES, changes, strict=True))


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


def ask_through_files() -> dict[str, list[dict[str, str]]]:
    """Return the same for changes that go through files, of some runs of Stable-Baselines3 that are one run each."""
    answers: dict[str, list[dict[str, str]]] = defaultdict(list)
    changes = through_files()
    mine = [(name, run) for name, run in runs() if run.framework == "sb3" and not run.findings and run.curves]
    for name, run in mine[::EVERY]:
        for title, change in changes.items():
            with tempfile.TemporaryDirectory() as folder:
                other = change(run, Path(folder))
            if other is not None:
                before, after = other if FILES[title] == "renamed" else (run, other)
                answers[title].append({"run": name, **as_row(said(before, True), said(after, True))})
    return answers


def shares(rows: list[dict[str, str]]) -> tuple[float, float]:
    """Return the fraction of the runs with the same verdict and cause, and with the same verdict."""
    same = sum(row["before"] == row["after"] for row in rows)
    verdicts = sum(row["before"].split("/")[0] == row["after"].split("/")[0] for row in rows)
    return same / len(rows), verdicts / len(rows)


def share_in_tie(rows: list[dict[str, str]]) -> str:
    """Return the fraction of the runs with the same verdict whose causes are the same or shown as one tie."""
    verdicts = [row for row in rows if row["before"].split("/")[0] == row["after"].split("/")[0]]
    same = sum(row["before"] == row["after"] or bool(row["tied"]) for row in verdicts)
    return f"{same / len(rows):.1%}"


def table(here: dict[str, list[dict[str, str]]], there: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the table of the document."""
    lines = [
        "| change | runs | same verdict and cause | or shown as one tie | same verdict | target | other checkout |",
        "|---|---|---|---|---|---|---|",
    ]
    kinds = {title: kind for title, (kind, _, _) in CHANGES.items()} | FILES
    for title, kind in kinds.items():
        if title not in here:
            continue
        both, verdict = shares(here[title])
        target = f"{TARGETS[kind]} %" if kind in TARGETS else "-"
        other = f"{shares(there[title])[0]:.1%}" if title in there else "-"
        lines.append(
            f"| {title} | {len(here[title])} | {both:.1%} | {share_in_tie(here[title])} | {verdict:.1%} | {target} | {other} |"
        )
    return lines


def by_rows(here: dict[str, list[dict[str, str]]]) -> list[str]:
    """Return the table of thinned runs by how many rows they have left."""
    every = [
        row
        for title, (kind, _, _) in CHANGES.items()
        if kind == "thinned"
        for row in here.get(title, ())
        if "rows" in row
    ]
    lines = [
        "",
        "What thinned runs lose, by the rows that they have left; with so few rows a sick run's causes are close to each other.",
        "",
        "| rows left | runs | same verdict and cause | same verdict |",
        "|---|---|---|---|",
    ]
    for low, high in zip(ROWS_LEFT, (*ROWS_LEFT[1:], 10**9), strict=True):
        some = [row for row in every if low <= int(row["rows"]) < high]
        if some:
            both, verdict = shares(some)
            words = f"{low} to {high - 1}" if high < 10**9 else f"{low} and more"
            lines.append(f"| {words} | {len(some)} | {both:.1%} | {verdict:.1%} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the answers instead of writing the document")
    parser.add_argument("--other", type=Path, help="another checkout of rldoctor, or what --json printed there")
    parser.add_argument("--show", default="", help="list the runs whose diagnosis differs after this change")
    chosen = parser.parse_args()
    answers = ask()
    if chosen.json:
        print(json.dumps(answers))
        return
    answers |= ask_through_files()
    there: dict[str, list[dict[str, str]]] = {}
    if chosen.other and chosen.other.is_file():
        there = json.loads(chosen.other.read_text())
    elif chosen.other:
        environment = {**os.environ, "PYTHONPATH": str(chosen.other)}
        command = [sys.executable, __file__, "--json"]
        there = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout)
    lines = [*table(answers, there), *by_rows(answers)]
    (HERE / "docs" / "invariance.md").write_text("\n".join([HEAD, *lines, ""]), encoding="utf-8")
    print("\n".join(lines))
    for title, rows in answers.items():
        if chosen.show and chosen.show in title:
            print(
                title,
                *(f"{r['run']}: {r['before']} -> {r['after']}" for r in rows if r["before"] != r["after"]),
                sep="\n  ",
            )


if __name__ == "__main__":
    main()
