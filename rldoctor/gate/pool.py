"""Which runs a gate judges: each once, and no trials of a treatment, whose settings were changed on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rldoctor import run_directory
from rldoctor.errors import CannotJudge
from rldoctor.gate.evaluation import is_model, read_evaluation
from rldoctor.run_record import RunRecord, read_run_record


@dataclass(frozen=True)
class LeftOut:
    """A run that is not judged, and why, in a few words."""

    path: Path
    why: str


def find_runs(paths: Iterable[Path]) -> tuple[list[Path], list[LeftOut]]:
    """Return the run directories at or below ``paths`` and the models among them, and what is left out.

    A folder that holds no run stands for itself. A trial of a treatment is judged where it is named itself.

    Raises:
        UsageError: A directory does not exist.
    """
    found: dict[Path, Path] = {}
    left_out = []
    for path in paths:
        if is_model(path):
            found.setdefault(path.resolve(), path)
            continue
        for run in run_directory.below(run_directory.require(path)) or [path]:
            if run_directory.TREATMENTS in run.relative_to(path).parts:
                left_out.append(LeftOut(run, "a trial of a treatment"))
            else:
                found.setdefault(run.resolve(), run)
    return list(found.values()), left_out


def pools(directories: Sequence[Path]) -> list[tuple[list[Path], list[LeftOut]]]:
    """Return runs grouped by what was trained: the recipe, changes included; a model by its environment.

    Of several runs with the same seed the last one counts: the others were trained again. One without a recipe, or
    without a readable evaluation, stands alone.
    """
    groups: dict[str, list[tuple[Path, RunRecord | None]]] = {}
    for path in directories:
        key, record = _what_was_trained(path)
        groups.setdefault(key, []).append((path, record))
    return [_once_a_seed(group) for group in groups.values()]


def _what_was_trained(path: Path) -> tuple[str, RunRecord | None]:
    try:
        if is_model(path):
            return f"model of {read_evaluation(path).env}", None
        record = read_run_record(path)
        return repr(record.recipe_table or path), record
    except CannotJudge:
        return str(path), None


def _once_a_seed(group: Sequence[tuple[Path, RunRecord | None]]) -> tuple[list[Path], list[LeftOut]]:
    newest: dict[object, tuple[Path, RunRecord | None]] = {}
    for path, record in group:
        key: object = path if record is None or record.seed is None else record.seed
        if key not in newest or _started(record) >= _started(newest[key][1]):
            newest[key] = (path, record)
    kept = {path for path, _ in newest.values()}
    left_out = [
        LeftOut(path, f"seed {record.seed} was trained again later")
        for path, record in group
        if path not in kept and record is not None
    ]
    return [path for path, _ in group if path in kept], left_out


def _started(record: RunRecord | None) -> str:
    """Return when a training began, in ISO 8601, which sorts by time; empty where it is not stated."""
    started = record.content.get("started") if record else None
    return started if isinstance(started, str) else ""
