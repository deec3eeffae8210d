"""A run written as event files in other ways: in several files, beside what add_hparams leaves, with other tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from rldoctor.logs import discover, read_run
from rldoctor.logs.frameworks import find_tag_mapping, shipped_tag_mappings
from rldoctor.logs.tag_mapping import TagMapping
from rldoctor.model import Curve, Run

Points = Iterable[tuple[int, str, float]]


def write(path: Path, points: Points, begun: float) -> None:
    """Write one event file that was begun at second ``begun``; ``points`` are step, tag and value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=begun, file_version="brain.Event:2").SerializeToString())
        for i, (step, tag, value) in enumerate(points):
            summary = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
            if tag.startswith("_hparams_/"):
                summary.value[0].metadata.plugin_data.plugin_name = "hparams"
            writer.write(Event(wall_time=begun + i / 1000, step=step, summary=summary).SerializeToString())


def _name(begun: int) -> str:
    return f"events.out.tfevents.{begun}.host.1.0"


def _points(run: Run, tags: Mapping[str, tuple[str, float]]) -> list[tuple[int, str, float]]:
    """Return the points of the metrics among ``tags`` in the order of their steps, as their tags hold them."""
    found = [
        (int(step), tag, float(value / factor))
        for metric, (tag, factor) in tags.items()
        if metric in run.curves
        for step, value in zip(run.curves[metric].steps, run.curves[metric].values, strict=True)
    ]
    return sorted(found)


def own_tags(run: Run) -> dict[str, tuple[str, float]]:
    """Return metric to the tag that holds it in the run, and its factor."""
    mappings = (find_tag_mapping(run.framework), *(m for m in shipped_tag_mappings() if m.supplement))
    found = {}
    for name, curve in run.curves.items():
        meaning = next((m for mapping in mappings if (m := mapping.meaning(curve.tag)) is not None), None)
        if meaning is not None:
            found[name] = (curve.tag, meaning.factor)
    return found


def tags_of(mapping: TagMapping) -> dict[str, tuple[str, float]]:
    """Return metric to the first tag of a framework that holds it, and its factor; without patterns."""
    found: dict[str, tuple[str, float]] = {}
    for tag, meaning in mapping.tags.items():
        if "*" not in tag:
            found.setdefault(meaning.metric, (tag, meaning.factor))
    return found


def again(run: Run, folder: Path) -> Run:
    """Return the one run in a folder, with the settings of the run that was written there."""
    [found] = discover([folder])
    return replace(read_run(found), record=run.record, baseline_return=run.baseline_return, settings=run.settings)


def split(run: Run, folder: Path, parts: int) -> Run:
    """Write the run as so many files, one after the other, as a training that was resumed."""
    points = _points(run, own_tags(run))
    steps = np.unique([step for step, _, _ in points])
    for part, mine in enumerate(np.array_split(steps, parts)):
        begun = 1_700_000_000 + part * 3600
        write(folder / "run" / _name(begun), (p for p in points if mine[0] <= p[0] <= mine[-1]), begun)
    return again(run, folder)


def with_hparams(run: Run, folder: Path) -> Run:
    """Write the run beside the folder of one point that SummaryWriter.add_hparams makes."""
    split(run, folder, 1)
    points = [(0, "_hparams_/experiment", 0.0), (0, "hparam/score", 1.0)]
    write(folder / "run/1700003600.5" / _name(1_700_003_600), points, 1_700_003_600)
    return again(run, folder)


def linked(run: Run, folder: Path) -> Run:
    """Write the run, and a link to its folder."""
    split(run, folder, 1)
    (folder / "latest").symlink_to(folder / "run", target_is_directory=True)
    return again(run, folder)


def renamed(framework: str) -> Callable[[Run, Path], tuple[Run, Run] | None]:
    """Return what logs a run under the tags of a framework.

    Its result is the run with only what that framework logs, and the same as it is read from its tags; ``None`` where
    the framework would not be recognised.
    """
    mapping = find_tag_mapping(framework)
    theirs = tags_of(mapping)

    def change(run: Run, folder: Path) -> tuple[Run, Run] | None:
        tags = {metric: tag for metric, tag in theirs.items() if metric in run.curves}
        if not {tag for tag, _ in tags.values()} & set(mapping.identified_by):
            return None
        write(folder / "run" / _name(1_700_000_000), _points(run, tags), 1_700_000_000)
        read = again(run, folder)
        kept = {name: _like(run.curves[name], curve) for name, curve in read.curves.items() if name in run.curves}
        same = replace(run, curves=kept, framework=read.framework, algorithm=read.algorithm, record={}, settings=None)
        return same, replace(read, record={}, settings=None)

    return change


def _like(curve: Curve, other: Curve) -> Curve:
    return replace(curve, aggregation=other.aggregation)
