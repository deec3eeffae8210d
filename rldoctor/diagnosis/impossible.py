"""Values that a metric cannot have: the metric is set aside, and the reader is told why."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from msgspec import structs

from rldoctor.model import Curve, Finding, Run, Severity
from rldoctor.rulebook import Metric, Rulebook

CODE = "LOG203"
# Rounding in single precision, as TensorBoard stores scalars.
_ROUNDING = 1e-4
_PER_CENT = 100.0
# Below this, a fraction that is too large is as well a sum or a wrong divisor. Ours.
_LEAST_PER_CENT = 5.0
# What is often logged in per cent. A clip fraction above 1 may as well be a sum over minibatches.
_IN_PER_CENT = frozenset({"success_rate", "evaluation_success_rate", "exploration_rate", "clip_range"})
# What Stable-Baselines3 logs at each update of PPO, whatever the actions are; beside it std, where they are continuous.
_EVERY_UPDATE = frozenset({"approx_kl", "clip_fraction", "explained_variance", "learning_rate", "value_loss"})


def set_aside(run: Run, book: Rulebook) -> Run:
    """Return the run without the metrics that have impossible values, with a finding for each.

    A single odd point is a glitch of the logger and not a wrong unit: one point in twenty, and at least two, must be
    beyond what the metric can be (``lowest`` and ``highest`` in ``checks/metrics.toml``).
    """
    findings = []
    for name, curve in run.curves.items():
        metric = _of_this_run(book.metrics.get(name), name, run)
        if metric is None or (metric.lowest == -math.inf and metric.highest == math.inf):
            continue
        if _is_possible(curve, metric):
            continue
        if (beyond := _beyond(curve, metric)).sum() >= max(2, len(curve) / 20):
            findings.append(_finding(curve, metric, beyond))
    if not findings:
        return run
    bad = {str(finding.evidence["metric"]) for finding in findings}
    curves = {name: curve for name, curve in run.curves.items() if name not in bad}
    return replace(run, curves=curves, findings=(*run.findings, *findings))


def _of_this_run(metric: Metric | None, name: str, run: Run) -> Metric | None:
    """Return the metric with what it can be in this run: the entropy of numbered actions is never negative."""
    numbered = run.framework == "sb3" and "std" not in run.curves and run.curves.keys() >= _EVERY_UPDATE
    if metric is not None and name == "entropy" and numbered:
        return structs.replace(metric, title=f"{metric.title} of numbered actions", lowest=0.0)
    return metric


def _is_possible(curve: Curve, metric: Metric) -> bool:
    """Return whether all values are ones that the metric can have, as those of nearly all runs are; NaN is not."""
    values = curve.values
    if not len(values):
        return True
    # Most metrics have a limit on one side alone.
    if metric.lowest > -math.inf and not np.minimum.reduce(values) >= metric.lowest:
        return False
    return metric.highest == math.inf or bool(np.maximum.reduce(values) <= metric.highest)


def _beyond(curve: Curve, metric: Metric) -> np.ndarray:
    low, high = (edge - sign * _ROUNDING for edge, sign in ((metric.lowest, 1), (metric.highest, -1)))
    with np.errstate(invalid="ignore"):
        outside = (curve.values < low) | (curve.values > high)
    return outside & np.isfinite(curve.values) if outside.any() else outside


def _finding(curve: Curve, metric: Metric, beyond: np.ndarray) -> Finding:
    values, steps = curve.values[beyond], curve.steps[beyond]
    worst = float(values[np.argmax(np.abs(values))])
    above = worst > metric.highest
    limit = metric.highest if above else metric.lowest
    per_cent = (
        curve.metric in _IN_PER_CENT and _LEAST_PER_CENT <= worst <= _PER_CENT and bool((curve.values >= 0).all())
    )
    unit = " It looks like per cent." if per_cent else ""
    allowed = f"at {'most' if above else 'least'} {limit:g}"
    return Finding(
        code=CODE,
        name="impossible-values",
        severity=Severity.WARNING,
        message=f"{curve.tag or curve.metric}: the {metric.title} reaches {worst:.3g}, but can only be {allowed}. "
        f"It is miscounted, and nothing is judged by it.{unit}",
        remedy="Log a fraction from 0 to 1."
        if unit
        else "Check how it is computed: what it is divided by, and its sign.",
        evidence={
            "metric": curve.metric,
            "observed": worst,
            "expected": allowed,
            "first_step": int(steps[0]),
            "last_step": int(steps[-1]),
        },
    )
