"""The curve that best shows the leading cause, drawn in the terminal over the band of healthy runs."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.text import Text

from rldoctor.model import Band, Curve, Details, RunDiagnosis
from rldoctor.render.terminal.marks import has_unicode
from rldoctor.render.wording import number

_WIDEST, _NARROWEST, _HEIGHT = 76, 50, 11
_POINTS, _FEWEST_POINTS = 120, 3
# Curves of settings show nothing that the recipe does not say.
_SETTINGS = ("learning_rate", "clip_range")
# Of a curve that spans more than this the smaller part would be a flat line.
_DECADES = 100.0


def draw(console: Console, run: RunDiagnosis, details: Details) -> Text | None:
    """Return the chart, ``None`` where there is nothing to draw or the terminal cannot show it."""
    width = min(console.width - 4, _WIDEST)
    metric = _metric(run)
    if metric is None or width < _NARROWEST or not has_unicode(console):
        return None
    curve = details.curves(run, _POINTS).get(metric)
    if curve is None or len(curve.finite()) < _FEWEST_POINTS:
        return None
    title = f"{details.metric(metric)[0]}, by step"
    return _plot(title, curve.finite(), details.bands(run).get(metric), width)


def _metric(run: RunDiagnosis) -> str | None:
    """Return the metric of the strongest evidence for the leading diagnosis, settings aside."""
    codes = run.diagnoses[0].evidence_for if run.diagnoses else ()
    by_code = {finding.code: finding for finding in run.findings}
    for code in codes:
        metric = by_code[code].evidence.get("metric") if code in by_code else None
        if isinstance(metric, str) and metric not in _SETTINGS:
            return metric
    return None


def _decades(low: float, high: float) -> list[float]:
    """Return at most six powers of ten from below ``low`` to above ``high``."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    return [10.0**power for power in range(first, last + 1, -(-(last - first + 1) // 6))]


def _plot(title: str, curve: Curve, band: Band | None, width: int) -> Text:
    # Late: most reports are of healthy runs.
    import plotext

    steps, values = curve.steps, curve.values
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, _HEIGHT)
    shown = [values]
    lines = [(steps, values, "red", "braille")]
    if band is not None:
        within = (band.steps >= steps[0]) & (band.steps <= steps[-1]) & np.isfinite(band.low) & np.isfinite(band.high)
        if within.sum() > 1:
            # Dots and Braille differ without colour too.
            edges = [edge[within] for edge in (band.low, band.high)]
            lines = [(band.steps[within], edge, "green", "dot") for edge in edges] + lines
            shown += edges
            title += " (dotted: the band of healthy runs)"
    everything = np.concatenate(shown)
    if everything.min() > 0 and everything.max() > _DECADES * everything.min():
        plotext.yscale("log")
        ticks = _decades(everything.min(), everything.max())
    else:
        ticks = np.linspace(everything.min(), everything.max(), 5).tolist()
    plotext.yticks(ticks, [number(tick) for tick in ticks])
    plotext.xticks(places := np.linspace(steps[0], steps[-1], 5).tolist(), [f"{place:,.0f}" for place in places])
    for x, y, colour, marker in lines:
        plotext.plot(x.tolist(), y.tolist(), marker=marker, color=colour)
    chart = Text.from_ansi(plotext.build().rstrip("\n"), no_wrap=True)
    return Text.assemble((f"{title}\n", "dim"), chart)
