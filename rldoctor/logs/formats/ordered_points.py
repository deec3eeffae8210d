"""The points of a large file sorted by tag while it is read: in a third of the memory that columns of them take."""

from __future__ import annotations

from array import array
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rldoctor.model import FloatArray, IntArray

# Numbers of tags that numpy sorts in one pass over their two bytes.
_SORTED_AT_ONCE = 2**16


class OrderedPoints:
    """Points by tag, as long as no tag's steps go back.

    Single precision, which most logs have, is kept as it is, and tags that are logged at the same steps share these.
    """

    def __init__(self) -> None:
        self._steps: dict[int, list[IntArray]] = {}
        # Each in one piece, which grows: what many small pieces leave behind is not given back to the system.
        self._values: dict[int, array[float]] = {}

    def add(self, tag_ids: IntArray, steps: IntArray, values: FloatArray) -> bool:
        """Add points in the order in which they were written, at least one; shape ``(n,)`` each.

        Returns:
            Whether all steps of each tag are still in order; if not, what was added is of no use.
        """
        few = tag_ids.max() < _SORTED_AT_ONCE
        order = np.argsort(tag_ids.astype(np.uint16) if few else tag_ids, kind="stable")
        tag_ids, steps, sorted_values = tag_ids[order], steps[order], _in_single_precision(values[order])
        begins = np.flatnonzero(tag_ids[1:] != tag_ids[:-1]) + 1
        goes_back = steps[1:] < steps[:-1]
        goes_back[begins - 1] = False
        if goes_back.any():
            return False
        before = np.empty(0, np.int64)
        for start, stop in pairwise([0, *begins.tolist(), len(tag_ids)]):
            tag, own = int(tag_ids[start]), steps[start:stop]
            earlier = self._steps.setdefault(tag, [])
            if earlier and own[0] < earlier[-1][-1]:
                return False
            # A copy, so that the other tags' part of the array does not stay in memory.
            before = before if np.array_equal(before, own) else own.copy()
            earlier.append(before)
            self._values[tag] = _extended(self._values.get(tag, array("f")), sorted_values[start:stop])
        return True

    def take(self, tags: tuple[str, ...]) -> dict[str, tuple[IntArray, FloatArray]]:
        """Return steps and values of each tag, by its place in ``tags``; nothing is left here."""
        shared: dict[tuple[int, int], IntArray] = {}
        found = {}
        for tag in sorted(self._steps):
            steps, values = np.concatenate(self._steps.pop(tag)), self._values.pop(tag)
            alike = shared.setdefault((len(steps), int(steps[-1])), steps)
            steps = alike if np.array_equal(alike, steps) else steps
            found[tags[tag]] = steps, np.frombuffer(values, values.typecode).astype(np.float64)
        return found


def _extended(values: array[float], more: NDArray[np.floating]) -> array[float]:
    """Return numbers with more behind them, in double precision where one of them needs it."""
    if more.dtype == np.float64 and values.typecode == "f":
        values = array("d", values)
    values.frombytes(more.astype(values.typecode).tobytes())
    return values


def _in_single_precision(values: FloatArray) -> NDArray[np.floating]:
    """Return values in half of their memory where that changes none of them."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values
