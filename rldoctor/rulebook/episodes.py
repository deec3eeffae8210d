"""What a mean over the last 100 episodes says of the policy that played them.

While fewer than 100 episodes have been played the mean holds all of them, those of the untrained policy included, and
in a short run that is so until its end. Steps and mean lengths say how many episodes there have been, so that the mean
can be taken apart again. In parallel environments short episodes end first: the first means are of those alone.
"""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from rldoctor import stats
from rldoctor.model import Aggregation, Curve, FloatArray

# Over how many episodes SB3, RLlib and others take the mean (stats_window_size).
WINDOW = 100
# In a longer run the mean lags by less than half of it, and taking it apart adds more noise than it shows. Ours.
LONG = 2 * WINDOW
# A part of a run has at least this many episodes, and there are at most so many parts. Ours.
_FEWEST_EPISODES, _PARTS = 5, 40
# Windows that people set, what single precision leaves of a whole number of steps, and how many rows have to fit.
_SMALLER, _LARGER, _WHOLE, _FITTING, _ROWS = (1, 5, 10, 20, 25, 50), (200, 500, 1000), 0.02, 0.95, 4
# While a window of 100 fills, its mean has as many parts as episodes have been played. Ours.
_FILLING = (12, 90)
# A mean over few episodes that is taken apart as if it were over 100 goes this much farther than all ways of the mean
# that was logged. Ours: 2.4 and less in nine of ten drawn trainings where it was over 100, mostly more over 10 or 20.
_FARTHER = 2.5
# And it goes to and fro: up and down this many times its range, which a policy that learns late does not. Ours: 1 where
# it only rises, 3 and more in drawn trainings where the mean was over 10.
_TO_AND_FRO = 2.0
SMALL = 10
"""Taken for a window that is seen to be small."""
# A mean over fewer episodes says little. Ours.
_SOME = 20
# Environments that are stepped together.
_MOST_AT_A_TIME = 512
# The part of a run's episodes that the first round may take, and by how much their length then rises. Ours.
_FIRST_ROUND, _LONGER = 0.25, 1.15
# A first row further out than this many intervals continues an earlier training. Ours.
_CONTINUED = 3.0


def window_of(returns: Curve, lengths: Curve) -> int:
    """Return over how many episodes the logger takes means, as far as the curves tell; else 100.

    Episodes have whole numbers of steps, so that a mean length over 100 of them has at most two decimals, and over as
    many as have been played any number of them. Where all are of one length, a mean over few of them moves too much.

    Args:
        returns: Mean return, finite.
        lengths: Mean length, finite.
    """
    if returns.aggregation is not Aggregation.WINDOW or len(lengths) < 2 * _ROWS:
        return WINDOW
    counts = lengths.steps / np.maximum(lengths.values, 1.0)
    full, filling = counts > LONG, (counts > _FILLING[0]) & (counts < _FILLING[1])
    if _varies(lengths.values[full]) and _whole(lengths.values[full], WINDOW) < 0.5:
        return next((window for window in _LARGER if _fits(lengths.values[counts > 1.2 * window], window)), WINDOW)
    if _varies(lengths.values[filling]):
        known = (w for w in _SMALLER if _fits(lengths.values[filling & (counts > 1.2 * w + _ROWS)], w))
        return next(known, WINDOW)
    return SMALL if _goes_too_far(returns, taken_apart(returns, lengths)[0]) else WINDOW


def _varies(means: FloatArray) -> bool:
    return len(means) >= _ROWS and bool(np.count_nonzero(means != means[0]))


def _fits(means: FloatArray, window: int) -> bool:
    return _varies(means) and _whole(means, window) >= _FITTING


def _whole(means: FloatArray, window: int) -> float:
    """Return for which fraction of mean lengths a window has a whole number of steps."""
    steps = means * window
    return np.count_nonzero(np.abs(steps - np.round(steps)) < _WHOLE * max(1.0, window / WINDOW)) / len(steps)


def _goes_too_far(logged: Curve, apart: Curve) -> bool:
    """Return whether a mean, taken apart as if it were over 100 episodes, goes where it cannot have been."""
    if len(apart) < 2 * _ROWS or apart is logged:
        return False
    means = np.interp(apart.steps, logged.steps, logged.values)
    span, ways = float(np.ptp(apart.values)), float(np.abs(np.diff(apart.values)).sum())
    return span > _FARTHER * float(np.abs(np.diff(means)).sum()) > 0 and ways > _TO_AND_FRO * span


def taken_apart(returns: Curve, lengths: Curve, most: int = LONG, window: int = WINDOW) -> tuple[Curve, Curve]:
    """Return the mean return and length of the episodes that ended between rows, without the first round of episodes.

    Both curves are returned as they are where they are no means over recent episodes.

    Args:
        returns: Mean return of the last 100 episodes, finite.
        lengths: Their mean length, finite.
        most: Episodes of a run from which on the means are left as they are; more than :data:`LONG` of an off-policy
            method, which logs a row every few episodes.
        window: Episodes of a mean.
    """
    by_episodes = most > LONG
    most = most * window // WINDOW
    if returns.aggregation is not Aggregation.WINDOW or len(returns) < 2 or not len(lengths):
        return returns, lengths
    size = np.maximum(np.interp(returns.steps, lengths.steps, lengths.values), 1.0)
    new = np.ones(len(returns), dtype=bool)
    together = 0
    if size.max() > size.min():
        # A row like the one before shows that no episode has ended; at the start, that the first round is not over.
        new[1:] = (returns.values[1:] != returns.values[:-1]) | (size[1:] != size[:-1])
        new[0] = bool(new[1])
    else:
        new[1:] = returns.values[1:] != returns.values[:-1]
        together = _at_a_time(returns.steps, new, float(size[0]))
        if not together:
            new[:] = True
    returns, size = _part(returns, new), size[new]
    steps = returns.steps.astype(np.float64)
    if together:
        # What has been played since the last of them ended is in no mean yet.
        steps -= steps % (together * size[0])
    apart = steps[1:] - steps[:-1]
    # Rows at one and the same step do not say how far they are apart.
    if len(steps) < 2 or steps[0] <= 0 or stats.median(apart) <= 0:
        return returns, lengths
    further = steps[0] / stats.median(apart)
    if by_episodes:
        # Its first episodes may take far more steps than later ones, and are as many.
        further = min(further, steps[0] / size[0] / stats.median(apart / size[1:]))
    # The first episodes of environments that are stepped together may be longer than many intervals.
    if further > _CONTINUED and steps[0] > _SOME * size[0]:
        return returns, lengths
    if float(np.sum(np.concatenate([steps[:1], apart]) / size)) > most:
        counts = steps / size
        few = min(int(np.searchsorted(counts, _SOME)), len(counts) - 1)
        kept = np.arange(len(steps)) >= max(few, _after_first_round(counts, size, window))
        return _part(returns, kept), _part(lengths, lengths.steps >= returns.steps[kept][0])
    counts = counts_of(steps, size, window)
    sums = _sums(counts, returns.values, window)
    # Which episodes of a round the window has dropped is not known: a round would show what became of others.
    ends = _ends(counts, window if together and window % together else None)
    if len(ends) < 2:
        return returns, lengths
    before = np.append(-1, ends[:-1])
    played = counts[ends] - np.where(before < 0, 0.0, counts[before])
    means = (sums[ends] - np.where(before < 0, 0.0, sums[before])) / played
    took = (steps[ends] - np.where(before < 0, 0.0, steps[before])) / played
    kept = np.arange(len(ends)) >= _after_first_round(counts[ends], size[ends], min(window, _FIRST_ROUND * counts[-1]))
    return (
        Curve(returns.metric, returns.steps[ends][kept], means[kept], returns.tag),
        Curve(lengths.metric, returns.steps[ends][kept], took[kept], lengths.tag),
    )


def counts_of(steps: FloatArray, lengths: FloatArray, window: int) -> FloatArray:
    """Return how many episodes have ended by each row: as many as make up its steps."""
    filling = steps < window * lengths
    # A row cannot have seen more episodes than a later one; where it seems so, long ones were still being played.
    most = np.minimum.accumulate(np.where(filling, steps / lengths, np.inf)[::-1])[::-1]
    counts = np.zeros(len(steps))
    known_steps, known = [0.0], [0.0]
    for row, (step, length) in enumerate(zip(steps, lengths, strict=True)):
        count = step / length if filling[row] else window + _at(known_steps, known, step - window * length)
        counts[row] = max(known[-1], min(count, float(most[row])))
        known_steps.append(float(step))
        known.append(float(counts[row]))
    return counts


def _sums(counts: FloatArray, means: FloatArray, window: int) -> FloatArray:
    """Return the sum over all episodes by each row, from the means over the last of them."""
    sums = np.zeros(len(counts))
    known_counts, known = [0.0], [0.0]
    for row, (count, mean) in enumerate(zip(counts, means, strict=True)):
        full = count > window
        sums[row] = window * mean + _at(known_counts, known, count - window) if full else count * mean
        known_counts.append(float(count))
        known.append(float(sums[row]))
    return sums


def _at(x: list[float], y: list[float], at: float) -> float:
    """Interpolate in lists that grow."""
    right = min(max(bisect_left(x, at), 1), len(x) - 1)
    if len(x) < 2 or x[right] <= x[right - 1]:
        return y[right - 1] if len(x) > 1 else 0.0
    share = min(max((at - x[right - 1]) / (x[right] - x[right - 1]), 0.0), 1.0)
    return y[right - 1] + share * (y[right] - y[right - 1])


def _at_a_time(steps: NDArray[np.int64], new: NDArray[np.bool_], length: float) -> int:
    """Return how many environments end their episodes of one length together, where rows between two ends show it.

    0 where each row is new, few are, or no number makes just these rows so.
    """
    if new.all() or np.count_nonzero(new) < _ROWS:
        return 0
    fitting = [n for n in range(1, _MOST_AT_A_TIME + 1) if np.array_equal(np.diff(steps // (n * length)) > 0, new[1:])]
    return fitting[len(fitting) // 2] if fitting else 0


def _ends(counts: FloatArray, full: int | None = None) -> FloatArray:
    """Return the rows that end a part of the run, each with enough episodes; with more above ``full`` of them."""
    least = max(float(_FEWEST_EPISODES), float(counts[-1]) / _PARTS)
    ends, before = [], 0.0
    for row, count in enumerate(counts):
        if count - before >= (least if full is None or count <= full else max(least, _SOME)):
            ends.append(row)
            before = float(count)
    return np.array(ends, dtype=np.int64)


def _after_first_round(counts: FloatArray, lengths: FloatArray, least: float) -> int:
    """Return the first row that is not biased towards short episodes: 0 where their length does not rise.

    One environment has no such bias. Its rows end with an episode, where an off-policy method logs them, so that there
    have been a whole number of them.
    """
    first = counts[counts < WINDOW]
    if len(first) >= _ROWS and float(np.abs(first - np.round(first)).max()) < _WHOLE:
        return 0
    full = min(int(np.searchsorted(counts, least)), len(counts) - 1)
    return full if lengths[full] > _LONGER * lengths[0] else 0


def _part(curve: Curve, kept: NDArray[np.bool_]) -> Curve:
    return Curve(curve.metric, curve.steps[kept], curve.values[kept], curve.tag, curve.aggregation)
