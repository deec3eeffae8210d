"""A curve with the band of healthy runs and where signs fired, as SVG in the colours of the site."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_WIDTH, _HEIGHT = 340, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 24
# Of a bar that shows where a sign fired.
_ROW = 4
# Values that span more than this are drawn on a logarithmic axis.
_LOGARITHMIC_FROM = 1000.0
_Points = Sequence[tuple[float, float]]


def draw(
    title: str,
    steps: Sequence[float],
    values: Sequence[float | None],
    band: Mapping[str, Any] | None,
    marks: Iterable[Mapping[str, Any]],
) -> str:
    """Return the SVG element.

    Args:
        title: What the curve is, for readers who cannot see it.
        steps: Environment steps.
        values: The curve; ``None`` is a gap.
        band: ``steps``, ``low``, ``median`` and ``high`` of healthy runs.
        marks: ``code``, ``severity``, ``first`` and ``last`` step of each sign that fired on this metric.
    """
    end = float(max(steps))
    known = [(step, value) for step, value in zip(steps, values, strict=True) if value is not None]
    sides = _sides(band, end) if band else {}
    shown = [value for _, value in known] + [value for side in sides.values() for _, value in side]
    if not shown:
        return ""
    axis = _Axis(min(shown), max(shown))
    marks = list(marks)
    bottom = _HEIGHT - _BOTTOM - _ROW * len(marks)

    def x(step: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(step / end if end else 0.0, 0.0), 1.0)

    def y(value: float) -> float:
        return _TOP + (bottom - _TOP) * (1 - axis.place(value))

    def line(points: _Points) -> str:
        return " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)

    parts = [f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">']
    for value in axis.ticks():
        at = y(value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="tick" x="{_LEFT - 5}" y="{at + 3.5:.1f}" text-anchor="end">{value:.3g}</text>')
    parts.append(f'<text class="tick" x="{_LEFT}" y="{_HEIGHT - 8}">0</text>')
    last = f"{end / 1000:.0f}k steps" if end >= 10_000 else f"{end:.0f} steps"
    parts.append(f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">{last}</text>')
    if sides:
        parts.append(f'<polygon class="band" points="{line([*sides["low"], *reversed(sides["high"])])}"/>')
        parts.append(f'<polyline class="median" points="{line(sides["median"])}"/>')
    for piece in _pieces(steps, values):
        parts.append(f'<polyline class="line" points="{line(piece)}"/>')
    for row, mark in enumerate(marks):
        first, until = (mark[key] if mark[key] is not None else other for key, other in (("first", 0), ("last", end)))
        at = bottom + _ROW * (row + 1)
        parts.append(
            f'<line class="mark {mark["severity"]}" x1="{x(first):.1f}" x2="{max(x(until), x(first) + 3):.1f}" '
            f'y1="{at}" y2="{at}"><title>{mark["code"]}</title></line>'
        )
    return "".join([*parts, "</svg>"])


class _Axis:
    """The vertical axis: linear, or logarithmic where positive values span three orders of magnitude."""

    def __init__(self, low: float, high: float) -> None:
        self.log = low > 0 and high / low > _LOGARITHMIC_FROM
        if low == high:
            room = abs(low) * 0.1 or 1.0
            low, high = low - room, high + room
        self.low, self.high = low, high

    def place(self, value: float) -> float:
        """Return where a value lies, from 0 at the bottom to 1 at the top."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return three to six round values."""
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            every = max(1, (last - first) // 4)
            return [10.0**power for power in range(first, last + 1, every)]
        rough = (self.high - self.low) / 4
        size = 10.0 ** math.floor(math.log10(rough))
        step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
        first = math.ceil(self.low / step)
        return [step * place for place in range(first, math.floor(self.high / step) + 1)]


def _sides(band: Mapping[str, Any], end: float) -> dict[str, list[tuple[float, float]]]:
    """Return the sides of a band as points, as far as the run went."""
    rows = zip(*(band[name] for name in ("steps", "low", "median", "high")), strict=True)
    kept = [row for row in rows if None not in row and row[0] <= end]
    if len(kept) < 2:
        return {}
    return {name: [(row[0], row[place]) for row in kept] for place, name in enumerate(("low", "median", "high"), 1)}


def _pieces(steps: Sequence[float], values: Sequence[float | None]) -> list[list[tuple[float, float]]]:
    """Return the parts of a curve between its gaps."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for step, value in zip(steps, values, strict=True):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append((step, value))
    return [piece for piece in pieces if piece]
