"""How the episodes of an evaluation went, as a picture that needs no rendering: distances by step, paths in space."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rldoctor import run_directory
from rldoctor.errors import CannotJudge, MissingExtra, UsageError
from rldoctor.model import Json

SUFFIXES = (".png", ".svg", ".pdf")
# Okabe and Ito's colours, which colour-blind readers can tell apart.
_REACHED, _MISSED, _GOAL = "#009E73", "#D55E00", "#000000"
# More paths hide each other.
MOST_PATHS = 25


def read_paths(directory: Path) -> list[Mapping[str, Json]]:
    """Return the episodes of ``paths.json``.

    Raises:
        CannotJudge: There is none, or it is of an earlier evaluation.
    """
    content = run_directory.read_json(directory / run_directory.PATHS_FILE, "the paths of an evaluation")
    evaluation = run_directory.read_json(directory / run_directory.EVALUATION_FILE, "an evaluation")
    rows = content.get("episodes")
    if content.get("evaluated") != evaluation.get("evaluated") or not isinstance(rows, list):
        raise CannotJudge(
            f"{directory}/{run_directory.PATHS_FILE} is not of its evaluation.", f"Run: rldoctor evaluate {directory}"
        )
    return [row for row in rows if isinstance(row, Mapping)]


def distances(row: Mapping[str, Any]) -> list[float]:
    """Return the distance to the goal at each kept step of an episode."""
    return [math.dist(place, row["goal"]) for place in row["path"]]


def require_matplotlib(file: Path) -> None:
    """Make sure that a picture can be written to ``file``.

    Raises:
        UsageError: The suffix is none of ``SUFFIXES``, or the folder is not there.
        MissingExtra: The extra ``[pictures]`` is not installed.
    """
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"A picture cannot be written as {file.suffix or file.name!r}.", f"Use {', '.join(SUFFIXES)}.")
    run_directory.require_folder_of(file)
    if find_spec("matplotlib") is None:
        raise MissingExtra("rldoctor evaluate --picture", "matplotlib", "pictures")


def draw(directory: Path, file: Path) -> None:
    """Draw the evaluation of a run into ``file``: PNG, SVG or PDF by its suffix.

    Raises:
        UsageError: Its suffix is none of these, or it cannot be written.
        MissingExtra: matplotlib is not installed.
        CannotJudge: The evaluation left no paths: its environment has no goals, or it is older than they are.
    """
    require_matplotlib(file)
    from matplotlib.figure import Figure

    rows = read_paths(directory)
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    space = len(rows[0]["goal"]) if rows else 0  # type: ignore[arg-type]
    _draw_distances(figure.add_subplot(1, 2, 1) if space in (2, 3) else figure.add_subplot(), rows)
    if space in (2, 3):
        _draw_paths(figure.add_subplot(1, 2, 2, **({"projection": "3d"} if space == 3 else {})), rows[:MOST_PATHS])
    try:
        with run_directory.replacing(file) as temporary:
            figure.savefig(temporary, format=file.suffix[1:].lower(), dpi=150)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Name another file.") from None


def _colour(row: Mapping[str, Any]) -> str:
    return _MISSED if row.get("success") is False else _REACHED


def _draw_distances(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        axes.plot(row["steps"], distances(row), color=_colour(row), alpha=0.35, linewidth=1)
    axes.set_yscale("log")
    axes.set_xlabel("step of the episode")
    axes.set_ylabel("distance to the goal (environment's unit)")
    reached = sum(row.get("success") is not False for row in rows)
    axes.set_title(f"{len(rows)} episodes, {reached} reached their goal")
    axes.grid(alpha=0.3, which="both")


def _draw_paths(axes: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        axes.plot(*zip(*row["path"], strict=True), color=_colour(row), alpha=0.6, linewidth=1)
        axes.scatter(*([x] for x in row["goal"]), color=_GOAL, s=12, marker="x")
    for axis, name in zip("xyz", ("x", "y", "z"), strict=True):
        if hasattr(axes, f"set_{axis}label"):
            getattr(axes, f"set_{axis}label")(name)
    axes.set_title(f"Paths of {len(rows)} of them to their goals (crosses)")
