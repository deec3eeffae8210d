"""A picture of an evaluation's episodes that needs no rendering: distance by step, and paths in space."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rldoctor import run_directory
from rldoctor.diagnosis.chart_data import read_paths
from rldoctor.errors import MissingExtra, UsageError
from rldoctor.model import EpisodePath

SUFFIXES = (".png", ".svg", ".pdf")
# Okabe and Ito's colours, which colour-blind readers can tell apart.
_REACHED, _MISSED, _GOAL = "#009E73", "#D55E00", "#000000"
# More paths hide each other.
_MOST_PATHS = 25


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
    space = len(rows[0].goal) if rows else 0
    _draw_distances(figure.add_subplot(1, 2, 1) if space in (2, 3) else figure.add_subplot(), rows)
    if space in (2, 3):
        _draw_paths(figure.add_subplot(1, 2, 2, **({"projection": "3d"} if space == 3 else {})), rows[:_MOST_PATHS])
    try:
        with run_directory.replacing(file) as temporary:
            figure.savefig(temporary, format=file.suffix[1:].lower(), dpi=150)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.", "Name another file.") from None


def _colour(row: EpisodePath) -> str:
    return _REACHED if row.success else _MISSED


def _draw_distances(axes: Any, rows: Sequence[EpisodePath]) -> None:
    for row in rows:
        axes.plot(row.steps, row.distances, color=_colour(row), alpha=0.35, linewidth=1)
    axes.set_yscale("log")
    axes.set_xlabel("step of the episode")
    axes.set_ylabel("distance to the goal (environment's unit)")
    reached = sum(row.success for row in rows)
    axes.set_title(f"{len(rows)} episodes, {reached} reached their goal")
    axes.grid(alpha=0.3, which="both")


def _draw_paths(axes: Any, rows: Sequence[EpisodePath]) -> None:
    for row in rows:
        axes.plot(*zip(*row.path, strict=True), color=_colour(row), alpha=0.6, linewidth=1)
        axes.scatter(*([x] for x in row.goal), color=_GOAL, s=12, marker="x")
    for axis, name in zip("xyz", ("x", "y", "z"), strict=True):
        if hasattr(axes, f"set_{axis}label"):
            getattr(axes, f"set_{axis}label")(name)
    axes.set_title(f"Paths of {len(rows)} of them to their goals (crosses)")
