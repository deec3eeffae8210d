"""What the charts of a page show, as data for its script."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rldoctor.model import Band, Details, EpisodePath, RunDiagnosis, Severity, SweepResult
from rldoctor.render.wording import clean

# Points of a curve in a page of one run, and of many: a page must stay light.
_POINTS, _FEWER_POINTS = 120, 40
# More paths hide each other.
_MOST_PATHS = 25
# Drawn first, in this order; the others follow by name.
_FIRST = (
    *("episode_return", "success_rate", "episode_length", "value_loss", "explained_variance", "approx_kl"),
    *("clip_fraction", "entropy", "std", "policy_loss", "loss", "learning_rate", "clip_range", "throughput"),
)


def chart_data(runs: Sequence[RunDiagnosis], details: Details) -> dict[str, Any]:
    """Return what the page's charts show: ``runs`` in the order given, ``bands`` by reference, ``metrics``."""
    single = len(runs) == 1
    drawn = [_run(place, run, details, single) for place, run in enumerate(runs)]
    used = sorted({metric for run in drawn for metric in run["curves"]}, key=_order)
    compared = {run.reference: run for run in runs if run.reference}
    bands = {name: details.bands(run) for name, run in sorted(compared.items())}
    return {
        "runs": drawn,
        "bands": {name: {m: _band(known[m]) for m in used if m in known} for name, known in bands.items()},
        "metrics": {name: {**_titled(details, name), "inside": _is_inside(drawn, name)} for name in used},
    }


def trend_data(sweep: SweepResult, details: Details) -> list[dict[str, Any]]:
    """Return the curves of a sweep's settings by metric: interquartile mean and its interval."""
    found: dict[str, list[dict[str, Any]]] = {}
    for setting in sweep.settings:
        for trend in setting.trends:
            shown = {
                "steps": trend.steps,
                **{name: _numbers(getattr(trend, name)) for name in ("middle", "low", "high")},
            }
            found.setdefault(trend.metric, []).append({"name": clean(setting.name), **shown})
    return [{"metric": name, **_titled(details, name), "settings": settings} for name, settings in found.items()]


def _titled(details: Details, metric: str) -> dict[str, str]:
    title, unit = details.metric(metric)
    return {"title": title, "unit": unit}


def _is_inside(runs: Sequence[Mapping[str, Any]], metric: str) -> bool:
    """Tell whether only DoctorCallback logs a metric."""
    return all(run["curves"][metric]["inside"] for run in runs if metric in run["curves"])


def _order(metric: str) -> tuple[int, str]:
    return (_FIRST.index(metric) if metric in _FIRST else len(_FIRST), metric)


def _run(place: int, run: RunDiagnosis, details: Details, single: bool) -> dict[str, Any]:
    found = details.curves(run, _POINTS if single else _FEWER_POINTS)
    grids: list[list[int]] = []
    curves = {}
    for metric in sorted(found, key=_order):
        grid = found[metric].steps.tolist()
        # Metrics of one framework mostly share their steps, which are then written once.
        if grid not in grids:
            grids.append(grid)
        curves[metric] = {
            "grid": grids.index(grid),
            "inside": found[metric].tag.startswith("doctor/"),
            "values": _numbers(found[metric].values.tolist()),
        }
    episodes = details.episodes(run)
    return {
        "id": place,
        "name": clean(run.path),
        "verdict": run.verdict,
        "reference": run.reference,
        "grids": grids,
        "curves": curves,
        "marks": _marks(run, curves),
        "evaluation": {name: _numbers(values) for name, values in episodes.items()} or None,
        # Only in a page of one run: they are 50 kB.
        "paths": _paths(details.paths(run)) if single else None,
    }


def _numbers(values: Sequence[Any]) -> list[float | None]:
    """Return numbers with four significant digits, ``None`` (a gap) for what is none."""
    return [
        float(f"{value:.4g}") if isinstance(value, (int, float)) and math.isfinite(value) else None for value in values
    ]


def _paths(episodes: Sequence[EpisodePath]) -> dict[str, Any] | None:
    """Return how the evaluation's episodes went; ``None`` where no paths were kept."""
    if not episodes:
        return None
    shown = episodes[:_MOST_PATHS]
    return {
        "success": [episode.success for episode in episodes],
        "distance": [[episode.steps, _numbers(episode.distances)] for episode in episodes],
        "seen": [[list(axis) for axis in zip(*episode.path, strict=True)] for episode in shown],
        "goals": [episode.goal for episode in shown],
    }


def _marks(run: RunDiagnosis, drawn: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return, by metric, where each finding's sign fired."""
    marks: dict[str, list[dict[str, Any]]] = {}
    for finding in run.findings:
        metric, first, last = (finding.evidence.get(key) for key in ("metric", "first_step", "last_step"))
        if isinstance(metric, str) and metric in drawn and finding.severity is not Severity.NOTE:
            mark = {"code": finding.code, "name": finding.name, "severity": finding.severity}
            marks.setdefault(metric, []).append({**mark, "first": first, "last": last})
    return marks


def _band(band: Band) -> dict[str, Any]:
    sides = {name: _numbers(getattr(band, name).tolist()) for name in ("low", "median", "high")}
    return {"steps": band.steps.tolist(), **sides}
