"""Which trainings learned, and which were harmed: measured below the fault, against healthy trainings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.laboratory.kept import SHARES
from rldoctor.model import FloatArray

# A mean over the last hundred episodes (SB3's number), none older than a fifth of the training so far, unless those
# would be fewer than eight.
EPISODES, FRESH, FEWEST = 100, 0.2, 8
# A healthy recipe learned if it gained half of what good ones gain; the others are left out of everything.
LEARNED = 0.5
# Harmed is what is worse than nearly every healthy training that learned, by a tenth of what healthy ones gain. The
# quantile is low because recipes differ, the tenth is that of benchmarks/corpus.py.
QUANTILE, MARGIN = 0.02, 0.1
# Where fewer healthy recipes than two of three learn, a training that did not learn is no evidence of its fault's harm.
RELIABLE = 0.65
# Trainings of at least this share of the longest had the time to learn; lengths are drawn from two that are at most twice
# as long (recipes.py).
WHOLE = 0.5
# Success is what counts where healthy trainings mostly reach it.
MOSTLY = 0.5
# Trainings of one length are compared with each other where so many healthy ones learned.
ENOUGH = 30


def outcome(steps: FloatArray, results: FloatArray, now: float) -> float:
    """Return the mean result of the last episodes that ended by step ``now``; NaN where none did."""
    count = int(np.searchsorted(steps, now, side="right"))
    if not count:
        return float("nan")
    fresh = int(np.searchsorted(steps, (1 - FRESH) * now, side="right"))
    begin = max(count - EPISODES, min(fresh, count - FEWEST), 0)
    return float(results[begin:count].mean())


@dataclass(frozen=True)
class Training:
    """What is needed of a training to judge it; ``returns`` and ``successes`` are outcomes at ``SHARES``."""

    environment: str
    steps: int
    healthy: bool
    returns: Sequence[float]
    successes: Sequence[float]
    failed: bool = False
    always_harms: bool = False


@dataclass(frozen=True)
class Line:
    """Where harm begins on an environment.

    Attributes:
        by_success: Whether the success rate is what counts; the return otherwise.
        start: Lowest median of healthy trainings at any of ``SHARES``: where they begin. The very first episodes that
            end are often the ones that end soonest, and tell another story.
        best: What nine of ten healthy trainings stay below at their end.
        share_learned: Of the healthy recipes that were trained for long enough.
        learned: Outcome from which a training counts as one that learned.
        harmed: Outcome below which it counts as harmed, by length of the training; 0 for any other length.
    """

    by_success: bool
    start: float
    best: float
    share_learned: float
    learned: float
    harmed: dict[int, float]


def lines(trainings: Sequence[Training]) -> dict[str, Line]:
    """Return where harm begins on each environment that has healthy trainings."""
    found = {}
    for name in sorted({one.environment for one in trainings}):
        healthy = [one for one in trainings if one.environment == name and one.healthy and not one.failed]
        if healthy:
            found[name] = _line(healthy)
    return found


def _line(healthy: Sequence[Training]) -> Line:
    reached = np.array([one.successes for one in healthy], dtype=np.float64)
    by_success = bool(np.isfinite(reached[:, -1]).any() and np.nanmedian(reached[:, -1]) >= MOSTLY)
    table = reached if by_success else np.array([one.returns for one in healthy], dtype=np.float64)
    known = [table[np.isfinite(table[:, i]), i] for i in range(len(SHARES))]
    start = min((float(np.median(values)) for values in known if len(values)), default=0.0)
    end = np.where(np.isfinite(table[:, -1]), table[:, -1], -np.inf)
    best = float(np.quantile(end, 0.9))
    learned = start + LEARNED * (best - start)
    good = end >= learned
    lengths = np.array([one.steps for one in healthy])
    # Episodes that end by success end first: early on, their rate may be 1 although nothing is learned.
    gain = max(abs(best - start), MOSTLY) if by_success else abs(best - start)
    groups = {0: good, **{int(n): good & (lengths == n) for n in np.unique(lengths)}}
    harmed = {
        length: float(np.quantile(end[chosen], QUANTILE)) - MARGIN * gain
        for length, chosen in groups.items()
        if length == 0 or chosen.sum() >= ENOUGH
    }
    # A costly batch is cut short, and that its healthy recipes had no time to learn says nothing of the recipes.
    whole = lengths >= WHOLE * lengths.max()
    return Line(by_success, start, best, float(good[whole].mean()), learned, harmed)


def judged(one: Training, line: Line) -> tuple[bool, bool | None]:
    """Return whether a training learned, and whether it was harmed; ``None`` where the environment cannot tell."""
    end = (one.successes if line.by_success else one.returns)[-1]
    known = end is not None and np.isfinite(end)
    learned = bool(known and not one.failed and end >= line.learned)
    below = line.harmed.get(one.steps, line.harmed[0])
    if one.always_harms or one.failed:
        return learned, True
    if line.share_learned < RELIABLE:
        return learned, None
    return learned, bool(not known or end < below)
