"""The curve that speaks for the leading cause, drawn in the terminal over the band of healthy runs."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.text import Text

from rldoctor import references
from rldoctor.diagnosis.chart_data import place_of_reference, thinned
from rldoctor.errors import RldoctorError
from rldoctor.logs import read_run
from rldoctor.logs.remote import place_of
from rldoctor.model import FloatArray, IntArray, RunDiagnosis
from rldoctor.render.wording import number
from rldoctor.rulebook import load_rulebook

_WIDEST, _NARROWEST, _HEIGHT = 76, 50, 11
_POINTS = 120
# A line that the recipe tells as well.
_SETTINGS = ("learning_rate", "clip_range")
# Of a curve that spans more than this the smaller part would be a flat line.
_DECADES = 100.0


def draw(console: Console, subject: RunDiagnosis) -> Text | None:
    """Return the chart, ``None`` where there is nothing to draw or the terminal cannot show it."""
    width = min(console.width - 4, _WIDEST)
    metric = _metric(subject)
    if metric is None or width < _NARROWEST or not console.encoding.startswith("utf"):
        return None
    try:
        curve = read_run(place_of(subject.path)).curves.get(metric)
    except RldoctorError:
        return None
    if curve is None:
        return None
    steps, values = thinned(curve.steps, curve.values, _POINTS)
    seen = np.isfinite(values)
    if seen.sum() < 3:
        return None
    return _plot(metric, steps[seen], values[seen], _band(place_of_reference(subject), metric), width)


def _metric(subject: RunDiagnosis) -> str | None:
    """Return the metric of the strongest evidence for the leading diagnosis that is no setting."""
    codes = subject.diagnoses[0].evidence_for if subject.diagnoses else ()
    by_code = {finding.code: finding for finding in subject.findings}
    for code in codes:
        metric = by_code[code].evidence.get("metric") if code in by_code else None
        if isinstance(metric, str) and metric not in _SETTINGS:
            return metric
    return None


def _band(reference: str, metric: str) -> tuple[IntArray, FloatArray, FloatArray] | None:
    try:
        band = references.load(reference).bands.get(metric) if reference else None
    except RldoctorError:
        return None
    return None if band is None else (band.steps, band.low, band.high)


def _decades(low: float, high: float) -> list[float]:
    """Return at most six powers of ten from below ``low`` to above ``high``."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    return [10.0**power for power in range(first, last + 1, -(-(last - first + 1) // 6))]


def _plot(
    metric: str,
    steps: IntArray,
    values: FloatArray,
    band: tuple[IntArray, FloatArray, FloatArray] | None,
    width: int,
) -> Text:
    # Late: most reports are of healthy runs.
    import plotext

    known = load_rulebook().metrics
    title = known[metric].title if metric in known else metric
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(width, _HEIGHT)
    shown = [values]
    lines = [(steps, values, "red", "braille")]
    if band is not None:
        within = (band[0] >= steps[0]) & (band[0] <= steps[-1]) & np.isfinite(band[1]) & np.isfinite(band[2])
        if within.sum() > 1:
            # Told apart without colour too.
            lines = [(band[0][within], edge[within], "green", "dot") for edge in band[1:]] + lines
            shown += [edge[within] for edge in band[1:]]
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
    drawn = plotext.build()
    chart = Text.from_ansi(drawn.rstrip("\n"), no_wrap=True)
    return Text.assemble((f"{title}, by step\n", "dim"), chart)
