"""Curves whose statistics can be worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rldoctor.model import Band, Curve, Run
from rldoctor.recipe import Recipe
from rldoctor.references import Reference
from rldoctor.rulebook import Case
from rldoctor.rulebook.detectors.detector import Condition, Measured

STEPS = np.arange(1, 101, dtype=np.int64) * 1000


def curve(metric: str, values: object) -> Curve:
    points = np.broadcast_to(np.asarray(values, dtype=float), (100,)).copy()
    return Curve(metric, STEPS, points)


def case(band: tuple[object, object, object] | None = None, same_recipe: bool = True, **curves: object) -> Case:
    run = Run("x", "sb3", {name: curve(name, values) for name, values in curves.items()})
    if band is None:
        return Case(run)
    low, median, high = (np.broadcast_to(np.asarray(b, dtype=float), (100,)) for b in band)
    metric = next(iter(curves))
    recipe = Recipe("r", "E", 100_000, 1)
    return Case(run, Reference(recipe, {metric: Band(metric, STEPS, low, median, high)}, Path()), same_recipe)


def seen(condition: Condition, where: Case) -> Measured:
    result = condition.measure(where)
    assert isinstance(result, Measured), result
    return result


RISING = np.linspace(0, 1, 100)
UNIT, SHARES, WIDTHS = (0.0, 1.0), (0.5, 0.9), (1.0, 4.0)
