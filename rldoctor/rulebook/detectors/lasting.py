"""Detectors of how long something lasts: beyond a limit, at one value, at zero."""

from __future__ import annotations

import numpy as np

from rldoctor import stats
from rldoctor.rulebook.detectors.detector import Found, Graded, during
from rldoctor.rulebook.detectors.stack import Stack
from rldoctor.rulebook.parts import Part, Window


class Share(Graded, frozen=True, kw_only=True):
    """The share of points in a window that are beyond a limit: how persistent something is."""

    above: float | None = None
    below: float | None = None
    window: Window = (0.0, 1.0)

    always = True

    def _quantity(self) -> str:
        limit = f"below {self.below or 0:g}" if self.above is None else f"above {self.above:g}"
        return f"fraction of the points of {self.metric} that are {limit} {during(self.window)}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        part = curve.within(self.window)
        hit = part.values > self.above if self.above is not None else part.values < (self.below or 0.0)
        counts = np.count_nonzero(hit, axis=1).tolist()
        first, last = np.argmax(hit, axis=1), len(part) - 1 - np.argmax(hit[:, ::-1], axis=1)
        rows = zip(counts, part.steps[first].tolist(), part.steps[last].tolist(), strict=True)
        steps = [(begun, ended) if count else part.ends for count, begun, ended in rows]
        return self._found_at([count / len(part) for count in counts], steps)


class Frozen(Graded, frozen=True, kw_only=True):
    """The longest share of the run over which the metric keeps exactly one value."""

    window: Window = (0.0, 1.0)

    as_logged = always = True
    measures = "longest fraction of the points of {metric} with one and the same value {window}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        part = curve.within(self.window)
        same = part.values[:, 1:] == part.values[:, :-1]
        stretches = [
            stats.longest_stretch(row) if some else (0, 0) for row, some in zip(same, same.any(axis=1), strict=True)
        ]
        count = len(part) - 1
        steps = [(int(part.steps[start]), int(part.steps[min(stop, count)])) for start, stop in stretches]
        return self._found_at([(stop - start) / max(1, count) for start, stop in stretches], steps)


class Zeros(Graded, frozen=True, kw_only=True):
    """The share of points at which the metric is effectively zero: below ``tiny``."""

    tiny: float = 1e-5

    always = True
    measures = "fraction of the points of {metric} that are smaller than {tiny:g}"

    def _look(self, stack: Stack, curve: Part) -> list[Found]:
        counts = np.count_nonzero(np.abs(curve.values) < self.tiny, axis=1)
        return self._found((counts / len(curve)).tolist(), curve.ends)
