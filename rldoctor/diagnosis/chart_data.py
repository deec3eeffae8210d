"""The curves, bands and evaluation episodes behind a report, read from the run directories when a renderer asks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from rldoctor import references, run_directory
from rldoctor.errors import CannotJudge, RldoctorError
from rldoctor.logs import read_run
from rldoctor.logs.remote import place_of
from rldoctor.model import Band, Curve, Details, EpisodePath, IntArray, Json, RunDiagnosis
from rldoctor.rulebook import load_rulebook


class StoredDetails(Details):
    """Reads what belongs to a report from the logs and references that it names.

    The logs of a run are read again: reports hold no curves, so that thousands of runs can be reported on. A run that
    has been deleted since has none.
    """

    def curves(self, run: RunDiagnosis, points: int) -> Mapping[str, Curve]:
        """Return a run's curves by metric, each thinned to at most ``points`` points."""
        try:
            curves = read_run(place_of(run.path)).curves
        except RldoctorError:
            return {}
        return {name: thinned(curve, points) for name, curve in curves.items()}

    def bands(self, run: RunDiagnosis) -> Mapping[str, Band]:
        """Return, by metric, the bands of the reference that the run was compared with."""
        # A reference of the user's own is found by its folder.
        name = str(run.facts.get("reference_folder") or run.reference)
        try:
            return references.load(name).bands if name else {}
        except RldoctorError:
            return {}

    def episodes(self, run: RunDiagnosis) -> Mapping[str, Sequence[Json]]:
        """Return ``distance``, ``return`` and ``success`` of each episode in ``evaluation.json``."""
        episodes = _read(run, run_directory.EVALUATION_FILE).get("episodes")
        if not isinstance(episodes, list):
            return {}
        rows = [episode for episode in episodes if isinstance(episode, Mapping)]
        names = {"distance": "final_distance", "return": "episode_return", "success": "success"}
        return {name: [row.get(key) for row in rows] for name, key in names.items()}

    def paths(self, run: RunDiagnosis) -> Sequence[EpisodePath]:
        """Return the episodes of ``paths.json``."""
        try:
            return read_paths(place_of(run.path))
        except RldoctorError:
            return ()

    def record(self, run: RunDiagnosis) -> Mapping[str, Json]:
        """Return the content of ``run.json``."""
        return _read(run, run_directory.RUN_FILE)

    def metric(self, name: str) -> tuple[str, str]:
        """Return a metric's title and unit."""
        known = load_rulebook().metrics.get(name)
        return (known.title, known.unit) if known else (name, "")

    def rule(self, code: str) -> tuple[str, str]:
        """Return what a sign or diagnosis says and why it matters."""
        book = load_rulebook()
        if code in book.signs:
            return book.signs[code].what, book.signs[code].why
        return (book.diagnoses[code].what if code in book.diagnoses else ""), ""


def _read(run: RunDiagnosis, name: str) -> Mapping[str, Json]:
    try:
        return run_directory.read_json(place_of(run.path) / name, name)
    except RldoctorError:
        return {}


def read_paths(directory: Path) -> list[EpisodePath]:
    """Return the episodes of a run's ``paths.json``.

    Raises:
        CannotJudge: There is none, it belongs to an earlier evaluation, or it is damaged.
    """
    content = run_directory.read_json(directory / run_directory.PATHS_FILE, "the paths of an evaluation")
    evaluation = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    rows = content.get("episodes")
    again = f"Run: rldoctor evaluate {directory}"
    if content.get("evaluated") != evaluation.get("evaluated") or not isinstance(rows, list):
        raise CannotJudge(f"{directory}/{run_directory.PATHS_FILE} belongs to another evaluation.", again)
    try:
        return [_episode(row) for row in rows]
    except (KeyError, TypeError, ValueError):
        # The file may be a stranger's.
        raise CannotJudge(f"{directory}/{run_directory.PATHS_FILE} is damaged.", again) from None


def _episode(row: Mapping[str, Any]) -> EpisodePath:
    path, goal = [tuple(map(float, place)) for place in row["path"]], tuple(map(float, row["goal"]))
    steps = [int(step) for step in row["steps"]]
    distances = [math.dist(place, goal) for place in path]
    if len(steps) != len(path):
        raise ValueError("a step without a place")
    return EpisodePath(row.get("success") is not False, steps, distances, path, goal)


def thinned(curve: Curve, points: int) -> Curve:
    """Return at most ``points`` points of a curve: the lowest and highest of each stretch, so that spikes stay."""
    steps, values = curve.steps, curve.values
    if len(steps) <= points:
        return curve
    starts, stretch = _stretches(len(steps), points // 2)
    finite = np.isfinite(values)
    kept: list[int] = []
    for extreme, other in ((np.minimum, np.inf), (np.maximum, -np.inf)):
        # Where nothing is finite its first point stays.
        filled = np.where(finite, values, other)
        at = (filled == extreme.reduceat(filled, starts)[stretch]).nonzero()[0]
        # The first of equal ones.
        kept += at[np.concatenate([[True], stretch[at[1:]] != stretch[at[:-1]]])].tolist()
    chosen = np.array(sorted(set(kept)))
    return Curve(curve.metric, steps[chosen], values[chosen], curve.tag, curve.aggregation)


@lru_cache(64)
def _stretches(count: int, stretches: int) -> tuple[IntArray, IntArray]:
    """Return where equal stretches of ``count`` points begin, and the stretch of each point."""
    edges = np.linspace(0, count, stretches + 1).astype(int)
    return edges[:-1], np.repeat(np.arange(stretches), np.diff(edges))
