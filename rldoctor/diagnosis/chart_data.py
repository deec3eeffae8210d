"""The curves of a report's runs, thinned, with their bands and the places where signs fired, as data for a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor import references, run_directory
from rldoctor.errors import RldoctorError
from rldoctor.logs import read_run
from rldoctor.logs.remote import place_of
from rldoctor.model import FloatArray, IntArray, Json, Run, RunDiagnosis, Severity, SweepResult
from rldoctor.render.wording import clean
from rldoctor.rulebook import load_rulebook
from rldoctor.training.reach_picture import MOST_PATHS, distances, read_paths

# Points of a curve in a page of one run, and of many: a page must stay light.
MOST_POINTS = 120
FEWER_POINTS = 40
_TREND = ("steps", "middle", "low", "high")
# Drawn first, in this order; the others follow by name.
_FIRST = (
    *("episode_return", "success_rate", "episode_length", "value_loss", "explained_variance", "approx_kl"),
    *("clip_fraction", "entropy", "std", "policy_loss", "loss", "learning_rate", "clip_range", "throughput"),
)


def chart_data(subjects: Sequence[RunDiagnosis]) -> dict[str, Json]:
    """Return what the page's charts show of runs: ``runs`` in the order of ``subjects``, ``bands``, ``metrics``.

    The logs of each run are read again, one after the other: reports hold no curves, so that thousands of runs can be
    reported on. A run that has gone meanwhile has no curves.
    """
    points = MOST_POINTS if len(subjects) == 1 else FEWER_POINTS
    runs = [_run(place, subject, points) for place, subject in enumerate(subjects)]
    used = sorted({metric for run in runs for metric in run["curves"]}, key=_order)
    wanted = {subject.reference: place_of_reference(subject) for subject in subjects if subject.reference}
    known = load_rulebook().metrics
    return {
        "runs": runs,
        "bands": {name: _bands(place, used) for name, place in sorted(wanted.items())},
        "metrics": {
            name: {
                "title": known[name].title if name in known else name,
                "unit": known[name].unit if name in known else "",
                "inside": all(run["curves"][name]["inside"] for run in runs if name in run["curves"]),
            }
            for name in used
        },
    }


def place_of_reference(subject: RunDiagnosis) -> str:
    """Return what :func:`rldoctor.references.load` finds a subject's reference by: its name, or its folder."""
    return str(subject.facts.get("reference_folder") or subject.reference)


def trend_data(sweep: SweepResult) -> list[dict[str, Json]]:
    """Return the curves of a sweep's settings: interquartile mean and its interval, by metric."""
    known = load_rulebook().metrics
    return [
        {
            "metric": metric,
            "title": known[metric].title if metric in known else metric,
            "settings": [
                {"name": clean(setting.name), **{key: list(getattr(trend, key)) for key in _TREND}}
                for setting in sweep.settings
                for trend in setting.trends
                if trend.metric == metric
            ],
        }
        for metric in dict.fromkeys(trend.metric for setting in sweep.settings for trend in setting.trends)
    ]


def _order(metric: str) -> tuple[int, str]:
    return (_FIRST.index(metric) if metric in _FIRST else len(_FIRST), metric)


def _run(place: int, subject: RunDiagnosis, points: int) -> dict[str, Any]:
    run = read_run(place_of(subject.path))
    grids: list[list[int]] = []
    curves = {}
    for metric in sorted(run.curves, key=_order):
        steps, values = thinned(run.curves[metric].steps, run.curves[metric].values, points)
        grid = steps.tolist()
        # Metrics of one framework mostly share their steps, which are then written once.
        if grid not in grids:
            grids.append(grid)
        inside = run.curves[metric].tag.startswith("doctor/")
        numbers = [_number(value) for value in values.tolist()]
        curves[metric] = {"grid": grids.index(grid), "inside": inside, "values": numbers}
    return {
        "id": place,
        "name": clean(subject.path),
        "verdict": subject.verdict,
        "reference": subject.reference,
        "grids": grids,
        "curves": curves,
        "marks": _marks(subject, run),
        "evaluation": _evaluation(place_of(subject.path)),
        # Only in a page of one run: they are 50 kB.
        "paths": _paths(place_of(subject.path)) if points == MOST_POINTS else None,
    }


def thinned(steps: IntArray, values: FloatArray, points: int) -> tuple[IntArray, FloatArray]:
    """Return at most ``points`` points: each stretch's lowest and highest, so that spikes stay."""
    if len(steps) <= points:
        return steps, values
    edges = np.linspace(0, len(steps), points // 2 + 1).astype(int)
    kept: set[int] = set()
    for first, last in pairwise(edges.tolist()):
        part = values[first:last]
        finite = np.flatnonzero(np.isfinite(part))
        if len(finite):
            kept |= {int(first + finite[pick(part[finite])]) for pick in (np.argmin, np.argmax)}
        elif last > first:
            kept.add(int(first))
    chosen = np.array(sorted(kept))
    return steps[chosen], values[chosen]


def _number(value: float) -> float | None:
    """Return a value with four significant digits, ``None`` (a gap) where it is not finite."""
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _paths(directory: Path) -> dict[str, Json] | None:
    """Return how the evaluation's episodes went; ``None`` where no paths were kept."""
    try:
        rows = read_paths(directory)
        return {
            "success": [row.get("success") is not False for row in rows],
            "distance": [[row["steps"], [_number(value) for value in distances(row)]] for row in rows],
            "seen": [[list(axis) for axis in zip(*row["path"], strict=True)] for row in rows[:MOST_PATHS]],  # type: ignore[misc]
            "goals": [row["goal"] for row in rows[:MOST_PATHS]],
        }
    except (RldoctorError, KeyError, TypeError, ValueError):
        # The file may be a stranger's; a page without this chart is better than none.
        return None


def _marks(subject: RunDiagnosis, run: Run) -> dict[str, list[dict[str, Json]]]:
    """Return, by metric, where each finding's sign fired."""
    marks: dict[str, list[dict[str, Json]]] = {}
    for finding in subject.findings:
        metric, first, last = (finding.evidence.get(key) for key in ("metric", "first_step", "last_step"))
        if isinstance(metric, str) and metric in run.curves and finding.severity is not Severity.NOTE:
            mark = {
                "code": finding.code,
                "name": finding.name,
                "severity": finding.severity,
                "first": first,
                "last": last,
            }
            marks.setdefault(metric, []).append(mark)
    return marks


def _bands(name: str, metrics: Sequence[str]) -> dict[str, Json]:
    try:
        bands = references.load(name).bands
    except RldoctorError:
        return {}
    return {
        metric: {
            "steps": bands[metric].steps.tolist(),
            **{key: [_number(v) for v in getattr(bands[metric], key).tolist()] for key in ("low", "median", "high")},
        }
        for metric in metrics
        if metric in bands
    }


def _evaluation(directory: Path) -> dict[str, Json] | None:
    """Return the episodes of ``evaluation.json``; ``None`` without one that can be read."""
    try:
        content = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    except RldoctorError:
        return None
    episodes = content.get("episodes")
    if not isinstance(episodes, Sequence) or isinstance(episodes, str):
        return None
    rows = [episode for episode in episodes if isinstance(episode, Mapping)]

    def column(key: str) -> list[Json]:
        values = (row.get(key) for row in rows)
        return [_number(float(v)) if isinstance(v, (int, float)) else None for v in values]

    return {"distance": column("final_distance"), "return": column("episode_return"), "success": column("success")}
