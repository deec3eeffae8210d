"""Values that a metric cannot have: the metric is set aside, and the reader is told why."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rldoctor.model import Curve, Finding, Run, Severity
from rldoctor.rulebook import Metric, Rulebook

CODE = "LOG203"
# Rounding in single precision, as TensorBoard stores scalars.
_ROUNDING = 1e-4
_PER_CENT = 100.0


def set_aside(run: Run, book: Rulebook) -> Run:
    """Return the run without the metrics that have impossible values, with a finding for each.

    A single odd point is a glitch of the logger and not a wrong unit: one point in twenty, and at least two, must be
    beyond what the metric can be (``lowest`` and ``highest`` in ``checks/metrics.toml``).
    """
    findings = []
    for name, curve in run.curves.items():
        metric = book.metrics.get(name)
        if metric is None or (metric.lowest == -math.inf and metric.highest == math.inf):
            continue
        if (beyond := _beyond(curve, metric)).sum() >= max(2, len(curve) / 20):
            findings.append(_finding(curve, metric, beyond))
    if not findings:
        return run
    bad = {str(finding.evidence["metric"]) for finding in findings}
    curves = {name: curve for name, curve in run.curves.items() if name not in bad}
    return replace(run, curves=curves, findings=(*run.findings, *findings))


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
    unit = ""
    if metric.highest == 1 and metric.lowest == 0 and 1 < worst <= _PER_CENT and (curve.values >= 0).all():
        unit = " It looks like per cent." if "success" in curve.metric else ""
    allowed = f"at {'most' if above else 'least'} {limit:g}"
    return Finding(
        code=CODE,
        name="impossible-values",
        severity=Severity.WARNING,
        message=f"{curve.tag or curve.metric} reaches {worst:.3g}, but a {metric.title} is {allowed}: the metric is "
        f"miscounted, and nothing is judged by it.{unit}",
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
