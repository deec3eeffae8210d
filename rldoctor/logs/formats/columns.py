"""Points of all tags in the order in which they were written, and those of a tag that is written out of order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rldoctor.model import FloatArray, IntArray

Points = tuple[IntArray, FloatArray]
"""Steps (non-decreasing, each once) and values of one tag, shape ``(n,)`` each."""

# Numbers of tags that numpy sorts in one pass over their two bytes.
_SORTED_AT_ONCE = 2**16


@dataclass(frozen=True, slots=True)
class Columns:
    """Points of all tags in the order in which they were written."""

    tag_ids: IntArray
    steps: IntArray
    values: FloatArray

    def __getitem__(self, keep: slice | np.ndarray) -> Columns:
        return Columns(self.tag_ids[keep], self.steps[keep], self.values[keep])

    def by_tag(self) -> Columns:
        """Return the points of each tag together, in their order."""
        few = not len(self.tag_ids) or self.tag_ids.max() < _SORTED_AT_ONCE
        return self[np.argsort(self.tag_ids.astype(np.uint16) if few else self.tag_ids, kind="stable")]

    def go_back(self) -> bool:
        """Return whether the steps of a tag do, of points that are sorted by tag."""
        return bool(((self.tag_ids[1:] == self.tag_ids[:-1]) & (self.steps[1:] < self.steps[:-1])).any())

    def last_at_each_step(self) -> dict[int, Points]:
        """Return the points by tag, of those that are sorted by tag; of several at one step the last."""
        tag_ids, steps, values = self.tag_ids, self.steps, self.values
        other = tag_ids[1:] != tag_ids[:-1]
        last = np.append(other | (steps[1:] != steps[:-1]), True)
        if not last.all():
            tag_ids, steps, values = tag_ids[last], steps[last], values[last]
            other = tag_ids[1:] != tag_ids[:-1]
        bounds = [0, *(np.flatnonzero(other) + 1).tolist(), len(tag_ids)]
        return {int(tag_ids[a]): (steps[a:b], values[a:b]) for a, b in pairwise(bounds) if b > a}


def in_order_of_steps(columns: Columns) -> Columns:
    """Return the points of one file, those of a few tags by step where the others show that one run wrote them all.

    Stable-Baselines 2 writes the episodes of a rollout environment by environment, each at its step: the steps of
    that tag go back in each rollout, those of the losses beside it never do. Where a run begins again, all go back.
    """
    places = [np.flatnonzero(columns.tag_ids == tag) for tag in np.unique(columns.tag_ids)]
    back = [at for at in places if (np.diff(columns.steps[at]) < 0).any()]
    forward = [at for at in places if len(at) > 1 and (np.diff(columns.steps[at]) >= 0).all()]
    if not back or len(back) > len(forward):
        return columns
    breaks = np.concatenate([at[1:][np.diff(columns.steps[at]) < 0] for at in back])
    if not any(at[0] < breaks.min() and breaks.max() < at[-1] for at in forward):
        return columns
    steps, values = columns.steps.copy(), columns.values.copy()
    for at in back:
        order = at[np.argsort(columns.steps[at], kind="stable")]
        steps[at], values[at] = columns.steps[order], columns.values[order]
    return Columns(columns.tag_ids, steps, values)
