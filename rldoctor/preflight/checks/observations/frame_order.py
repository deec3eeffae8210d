"""Stacked frames are of different steps, and in the order of time.

What it does: looks for observations that consist of blocks of one size of which each step changes a single one, the
next one in turn, while what it writes there goes on from the block that was written last; and for blocks that all show
the same in every step.

Why it matters: frames that are returned as they lie in a ring buffer change their places from step to step: the newest
is the first one now and the second one then. No number means the same in two steps, and a policy cannot tell which way
things move. Nor can it where every frame is the newest one, as where a stack holds one array several times.

What to do: put a copy of each frame into the stack, and return the oldest frame first:
``np.roll(ring, -place, axis=0)``, or keep the frames in a ``collections.deque`` with a ``maxlen``
(``gymnasium.wrappers.FrameStackObservation``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext

_MOST_FRAMES, _COLOURS = 16, 3
# Times that each block has to come around.
_ROUNDS = 3
# Ours: of the steps, how many change one block alone, and of these, how many the next one in turn. A ring does in all.
_ALONE, _IN_TURN = 0.9, 0.95
# Times that it has to begin anew within an episode: a board that is filled line by line never does.
_TURNS = 2
# How far what is written is from what was written last, relative to what it replaces: about 1 / k of k frames that move
# steadily; players or sensors that take turns go on from their own last value.
_GOES_ON = 0.8


@check(
    "ENV216", "frame-order", requires=("ENV202", "ENV205"), late=1, faults=("frames-out-of-order", "frames-all-alike")
)
def run(context: PreflightContext) -> CheckFindings:
    """Look for blocks that are written in turn."""
    batch = context.batch
    looked = 0
    for key, space in context.boxes.items():
        after, before = batch.observations[key], batch.before[key]
        if after.shape != before.shape or space.dtype is None:
            continue
        alike = 0
        for count, axis in _splits(space.shape):
            looked += 1
            blocks = [_blocks(values, count, axis) for values in (before, after)]
            if _is_ring(blocks[0], blocks[1], batch.episode):
                yield warning(
                    "frames-out-of-order",
                    f"The {count} frames of {key} are in the order of a ring buffer: each step writes a single one, "
                    "the next in turn, so that the newest is at another place at every step.",
                    "Return the oldest frame first: np.roll(ring, -place, axis=0), or keep the frames in a deque.",
                    observed=count,
                )
                return f"{count} frames"
            alike = max(alike, count if _are_alike(blocks[1], len(space.shape)) else 0)
        if alike:
            yield warning(
                "frames-all-alike",
                f"The {alike} frames of {key} are the same as each other in every step: the newest, {alike} times.",
                "Put a copy of each frame into the stack: frames.append(frame.copy()).",
                observed=alike,
            )
            return f"{alike} frames"
    if not looked:
        raise Skipped("no observation that could be stacked")
    return "no blocks that take turns"


def _splits(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield how many frames there may be, and the axis along which they are."""
    if len(shape) == 1:
        yield from ((count, 0) for count in range(2, min(_MOST_FRAMES, shape[0]) + 1) if shape[0] % count == 0)
    elif shape:
        yield from ((shape[axis], axis) for axis in {0, len(shape) - 1} if 2 <= shape[axis] <= _MOST_FRAMES)
        # Pictures in colour have several channels a frame.
        yield from ((shape[axis] // 3, axis) for axis in {0, len(shape) - 1} if shape[axis] in (6, 9, 12, 15))


def _blocks(values: NDArray[Any], count: int, axis: int) -> NDArray[Any]:
    """Return observations as ``(n, count, size of a block)``."""
    moved = np.moveaxis(values, axis + 1, 1)
    return moved.reshape(len(values), count, -1)


def _are_alike(after: NDArray[Any], axes: int) -> bool:
    """Return whether all blocks are equal in each step, and change from step to step."""
    count, size = after.shape[1:]
    # Three layers of a picture may be its colours, and a few single numbers the same reading.
    if (axes > 2 and count == _COLOURS) or (size == 1 and count <= _COLOURS):
        return False
    changes = (np.diff(after[:, 0], axis=0) != 0).any(axis=1)
    return bool(changes.mean() > 0.5 and (after == after[:, :1]).all()) if len(changes) else False


def _is_ring(before: NDArray[Any], after: NDArray[Any], episode: NDArray[np.int64]) -> bool:
    count = after.shape[1]
    changed = (before != after).any(axis=2)
    alone = changed.sum(axis=1) == 1
    if alone.sum() < _ROUNDS * count or alone.mean() < _ALONE:
        return False
    place = changed.argmax(axis=1)
    pairs = np.flatnonzero(alone[1:] & alone[:-1] & (np.diff(episode) == 0)) + 1
    turned = (place[pairs] - place[pairs - 1]) % count
    if not pairs.size or max(np.mean(turned == 1), np.mean(turned == count - 1)) < _IN_TURN:
        return False
    # From the last place to the first one, or the other way round; of two blocks each step does one of both.
    if np.sum(np.abs(np.diff(np.stack([place[pairs - 1], place[pairs]]), axis=0)) == count - 1) < _TURNS:
        return False
    written = after[pairs, place[pairs]].astype(float)
    last, replaced = (before[pairs, place[at]].astype(float) for at in (pairs - 1, pairs))
    spread = written.std(axis=0)
    moving = spread > 0
    gaps = [(np.abs(written - other)[:, moving] / spread[moving]).mean() for other in (last, replaced)]
    return bool(gaps[0] < _GOES_ON * gaps[1])
