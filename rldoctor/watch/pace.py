"""How fast a training goes that is followed from outside."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from rldoctor.watch.tail import Tail
from rldoctor.watch.writer import second_of


class Pace:
    """When one run was seen to grow, and how far it was."""

    def __init__(self) -> None:
        self._clocks: deque[tuple[float, int]] = deque(maxlen=16)

    @property
    def is_known(self) -> bool:
        """Whether the run was seen at all."""
        return bool(self._clocks)

    def note(self, now: float, step: int) -> None:
        """Keep that the run had come to ``step`` by ``now``, in seconds since 1970."""
        if not self._clocks or self._clocks[-1][1] != step:
            self._clocks.append((now, step))

    def gap(self, tails: Sequence[Tail] = ()) -> float:
        """Return the usual seconds between two growths that were seen; before there are two, between two points.

        Args:
            tails: The run's files, whose times say how long the points took that were there at the first look.
        """
        gaps = sorted(b - a for a, b in pairwise(time for time, _ in self._clocks))
        spans = [tail.last_time - begun_at(tail) for tail in tails if tail.points]
        so_far = max((span for span in spans if span > 0), default=0.0) / max(1, *(t.points for t in tails), 0)
        return gaps[len(gaps) // 2] if len(gaps) > 1 else max(so_far, *gaps, 0.0)

    def left(self, planned: int | None, step: int, tails: Sequence[Tail]) -> float | None:
        """Return the seconds to the planned steps at this pace, by the times that the logs state where they do."""
        if not planned or not step:
            return None
        begun = min((tail.first_time for tail in tails if math.isfinite(tail.first_time)), default=None)
        ended = max((tail.last_time for tail in tails if math.isfinite(tail.last_time)), default=None)
        first = (begun, 0) if begun is not None else self._clocks[0] if self._clocks else None
        last = (ended, step) if ended is not None else self._clocks[-1] if self._clocks else None
        if first is None or last is None or last[0] <= first[0] or last[1] <= first[1]:
            return None
        return max(0.0, (planned - step) * (last[0] - first[0]) / (last[1] - first[1]))


def begun_at(tail: Tail) -> float:
    """Return when a file was begun, seconds since 1970, by its name or its first point; NaN where neither says so."""
    second = second_of(tail.path)
    return tail.first_time if second is None else second
