"""How rewards follow what moves beside what stays in each episode, as a target does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import Batch
from rldoctor.preflight.probes.info_names import is_last

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rldoctor.preflight.context import PreflightContext

# Numbers of an observation that are looked at, and steps and episodes that say enough. Ours.
_MOST_NUMBERS, _FEWEST, _EPISODES = 32, 20, 3
# Ours: a reward of the distance alone, and one that follows a number with some cost of the action beside it.
_CERTAIN, _FOLLOWS = 0.98, 0.9
# Successes that are no chance; the fraction of the steps that is nearer to where they are told, and of those on each
# side that a reward has to be seen on.
_SUCCESSES, _NARROW, _SIDE = 3, 0.5, 0.1


class Places(NamedTuple):
    """The numbers of the observation.

    Attributes:
        before: At the start of each step, ``(n, d)``.
        after: At its end, ``(n, d)``.
        movers: Places of those that change within episodes.
        targets: Places of those that change between episodes alone.
    """

    before: FloatArray
    after: FloatArray
    movers: list[int]
    targets: list[int]


class Flipped(NamedTuple):
    """A distance with which the reward rises: of which numbers, how, and with which correlation."""

    mover: int
    target: int
    words: str
    correlation: float


class Beyond(NamedTuple):
    """A number with which the reward rises or falls beyond where successes are told, from ``low`` to ``high``."""

    name: str
    low: float
    high: float
    correlation: float


def correlation(first: FloatArray, second: FloatArray) -> float:
    """Return the correlation of two rows of numbers, 0 where one of them does not vary."""
    return float(np.corrcoef(first, second)[0, 1]) if first.std() > 1e-12 and second.std() > 1e-12 else 0.0


def places_of(context: PreflightContext) -> Places | None:
    """Return the numbers of the observation, ``None`` where there are too many, or too few steps."""
    from gymnasium.spaces import Box, MultiDiscrete

    from rldoctor.preflight.measurements import spaces_of

    batch = context.batch
    numeric = [k for k, s in spaces_of(context.env.observation_space).items() if isinstance(s, (Box, MultiDiscrete))]
    count = len(batch.rewards)
    rows = [
        np.concatenate([part[key].reshape(count, -1).astype(float) for key in numeric], axis=1)
        for part in (batch.before, batch.observations)
        if numeric
    ]
    if not rows or not 1 <= rows[1].shape[1] <= _MOST_NUMBERS or count < _FEWEST or len(batch.starts) < _EPISODES:
        return None
    before, after = rows
    moving = [
        any(np.ptp(after[batch.episode == number, i]) > 0 for number in range(len(batch.starts)))
        for i in range(after.shape[1])
    ]
    targets = [i for i, moves in enumerate(moving) if not moves and np.ptp(after[:, i]) > 0]
    return Places(before, after, [i for i, moves in enumerate(moving) if moves], targets)


def _distances(places: Places) -> Iterator[tuple[int, int, FloatArray, FloatArray]]:
    """Yield mover, target, and their distance before and after each step."""
    for i in places.movers:
        for j in places.targets:
            before, after = (np.abs(rows[:, i] - rows[:, j]) for rows in (places.before, places.after))
            yield i, j, before, after
    count = len(places.targets)
    if 1 < count <= len(places.movers):
        first = places.movers[:count]
        for order in (1, 2):
            gaps = (rows[:, first] - rows[:, places.targets] for rows in (places.before, places.after))
            before, after = (np.linalg.norm(gap, ord=order, axis=1) for gap in gaps)
            yield first[0], places.targets[0], before, after


def rises_with_distance(batch: Batch, places: Places) -> Flipped | None:
    """Return the distance that the reward is, or whose growth it is; ``None`` where there is none."""
    # What the last step of an episode pays may be a bonus.
    within = ~is_last(batch)
    if within.sum() < _FEWEST:
        return None
    found = [
        Flipped(i, j, words, correlation(batch.rewards[chosen], values[chosen]))
        for i, j, before, after in _distances(places)
        for words, values, chosen in (
            ("rises with", after, np.ones_like(within)),
            ("rises with each growth of", after - before, within),
        )
    ]
    best = max(found, key=lambda one: one.correlation, default=None)
    return best if best is not None and best.correlation > _CERTAIN else None


def best_beyond_success(batch: Batch, places: Places, flags: NDArray[np.bool_]) -> Beyond | None:
    """Return a number with which the reward rises or falls on both sides of where successes are told.

    Only where episodes go on after a success, and come to either side of it.
    """
    if flags.sum() < _SUCCESSES or not (flags & ~is_last(batch)).sum() > 0.5 * flags.sum():
        return None
    numbers = [(f"observation {i}", places.after[:, i]) for i in places.movers]
    numbers += [
        (f"observation {i} less observation {j}", places.after[:, i] - places.after[:, j])
        for i in places.movers
        for j in places.targets
    ]
    found = []
    for name, values in numbers:
        low, high = float(values[flags].min()), float(values[flags].max())
        within = (values >= low) & (values <= high)
        sides = ((values < low).mean(), (values > high).mean())
        # Where the number is there, success is told, and nowhere else.
        if min(sides) < _SIDE or within.mean() > _NARROW or flags[within].mean() < 1 - _SIDE:
            continue
        # On each side by itself, as a reward that is best between falls on one of them.
        follows = [correlation(batch.rewards[side], values[side]) for side in (values < low, values > high)]
        if np.sign(follows[0]) == np.sign(follows[1]) and min(map(abs, follows)) > _FOLLOWS:
            found.append(Beyond(name, low, high, min(follows, key=abs)))
    return max(found, key=lambda one: abs(one.correlation), default=None)
