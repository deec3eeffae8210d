"""What is kept of trainings: the raw curves of a batch in one file, and cuts and views of them."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.corpus import without_doctor
from benchmarks.fit_weights.rows import UPDATE_METRICS
from rldoctor.model import Aggregation, Curve, Run

# Shares of the budget at which outcomes, and the signs of the first views, are measured.
SHARES = (0.05, 0.1, 0.15, 0.25, 0.5, 1.0)
EARLY_VIEWS = ("callback", "plain")


@dataclass(frozen=True)
class Kept:
    """One training as it is kept.

    Attributes:
        run: What was logged, faults of the logs included, with what DoctorCallback logs.
        label: What is known of it: environment, recipe, faults, outcomes; JSON.
    """

    run: Run
    label: dict[str, Any]


def views(run: Run) -> dict[str, Run]:
    """Return the run as libraries log it: with DoctorCallback, without, without success, without updates."""
    plain = without_doctor(run)
    found = {"callback": run, "plain": plain}
    if "success_rate" in plain.curves:
        found["no-success"] = _without(plain, {"success_rate"})
    found["no-updates"] = _without(plain, UPDATE_METRICS)
    return found


def _without(run: Run, metrics: set[str]) -> Run:
    return replace(run, curves={name: curve for name, curve in run.curves.items() if name not in metrics})


def until(run: Run, share: float, planned: int) -> Run:
    """Return the run as it stood after a share of its planned steps."""
    last = share * planned
    if share >= 1 or run.last_step <= last:
        return run
    curves = {name: _part(curve, curve.steps <= last) for name, curve in run.curves.items()}
    return replace(
        run,
        curves={name: curve for name, curve in curves.items() if len(curve)},
        record={**run.record, "status": "running"},
    )


def _part(curve: Curve, keep: Any) -> Curve:
    return replace(curve, steps=curve.steps[keep], values=curve.values[keep])


def spoiled(run: Run, other: Run, done: dict[str, float]) -> Run:
    """Return the run after a fault of the logs (``LOGS``); ``other`` is another training."""
    if "log_killed" in done:
        last = done["log_killed"] * run.last_step
        curves = {name: _part(curve, curve.steps <= last) for name, curve in run.curves.items()}
        return replace(run, curves={name: curve for name, curve in curves.items() if len(curve)})
    if "log_reset" in done:
        # Readers put points in order: those after the reset lie among those before it.
        again = done["log_reset"] * run.last_step
        return replace(run, curves={name: _sorted(c, np.where(c.steps > again, c.steps - int(again), c.steps)) for name, c in run.curves.items()})  # fmt: skip
    if "log_mixed" in done:
        return replace(run, curves={name: _joined(c, other.curves.get(name, c)) for name, c in run.curves.items()})
    return run


def _sorted(curve: Curve, steps: Any) -> Curve:
    order = np.argsort(steps, kind="stable")
    return replace(curve, steps=steps[order], values=curve.values[order])


def _joined(curve: Curve, other: Curve) -> Curve:
    steps = np.concatenate((curve.steps, other.steps))
    return _sorted(replace(curve, values=np.concatenate((curve.values, other.values))), steps)


def write(path: Path, trainings: Sequence[Kept]) -> None:
    """Write trainings into one compressed file: steps and values end to end, everything else as JSON."""
    heads, steps, values = [], [], []
    for kept in trainings:
        curves = kept.run.curves.values()
        heads.append(
            {
                "label": kept.label,
                "path": kept.run.path,
                "framework": kept.run.framework,
                "algorithm": kept.run.algorithm,
                "record": dict(kept.run.record),
                "tags_known": list(kept.run.tags_known),
                "curves": [[c.metric, len(c), c.tag, c.aggregation.value] for c in curves],
            }
        )
        steps += [curve.steps for curve in curves]
        values += [curve.values for curve in curves]
    empty = [np.zeros(0)]
    content = io.BytesIO()
    np.savez_compressed(
        content,
        heads=np.frombuffer(json.dumps(heads).encode(), np.uint8),
        steps=np.concatenate(steps or empty).astype(np.int32),
        values=np.concatenate(values or empty).astype(np.float32),
    )
    write_whole(path, content.getvalue())


def read(path: Path) -> list[Kept]:
    """Return the trainings of one file."""
    with np.load(path) as content:
        heads = json.loads(content["heads"].tobytes())
        steps, values = content["steps"].astype(np.int64), content["values"].astype(np.float64)
    found, at = [], 0
    for head in heads:
        curves = {}
        for metric, length, tag, aggregation in head["curves"]:
            part = slice(at, at + length)
            curves[metric] = Curve(metric, steps[part], values[part], tag, Aggregation(aggregation))
            at += length
        run = Run(
            head["path"],
            head["framework"],
            curves,
            record=head["record"],
            algorithm=head["algorithm"],
            tags_known=tuple(head["tags_known"]),
        )
        found.append(Kept(run, head["label"]))
    return found


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)
