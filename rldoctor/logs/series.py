"""Points of one tag that keep coming, in bounded memory."""

from __future__ import annotations

from array import array

import numpy as np

from rldoctor.logs.formats.columns import Points

# Signs look at a hundred stretches of a curve (rldoctor.rulebook.resample.GRID): forty points make up one of them.
MOST_POINTS = 4096


class Series:
    """Steps and values of a tag, as they come; beyond ``MOST_POINTS`` neighbours are joined by their mean.

    Of two joined points the later step stays, so that the last step is always that of the last point.
    """

    __slots__ = ("_parts", "_pending", "_sum", "steps", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")
        # How many points make one, and those of the next that have come so far.
        self._parts, self._pending, self._sum = 1, 0, 0.0

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.steps)

    def add(self, step: int, value: float) -> None:
        """Add a point behind the others; ``step`` is not below the last one."""
        if self._pending and self._pending < self._parts:
            # The last point is not whole yet.
            self._pending += 1
            self._sum += value
            self.steps[-1], self.values[-1] = step, self._sum / self._pending
            return
        self._pending, self._sum = 1, value
        self.steps.append(step)
        self.values.append(value)
        if len(self.steps) > MOST_POINTS:
            self._halve()

    def cut(self, step: int) -> None:
        """Forget the points at ``step`` and after it: a resumed training logs them again."""
        keep = int(np.searchsorted(np.frombuffer(self.steps, np.int64), step)) if len(self.steps) else 0
        if keep < len(self.steps):
            del self.steps[keep:], self.values[keep:]
            self._pending = 0

    def points(self) -> Points:
        """Return a copy of the points."""
        return np.array(self.steps, np.int64), np.array(self.values, np.float64)

    def _halve(self) -> None:
        steps, values = self.points()
        even = len(steps) // 2 * 2
        joined = (values[0:even:2] + values[1:even:2]) / 2
        self.steps = array("q", np.append(steps[1:even:2], steps[even:]).tobytes())
        self.values = array("d", np.append(joined, values[even:]).tobytes())
        self._pending = 1 if even < len(steps) else 0
        self._sum = float(values[-1])
        self._parts *= 2
