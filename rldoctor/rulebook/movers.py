"""Post-mortem of a training that ended in NaN, infinity or an explosion: which quantity left its own band first.

Each curve is compared with its own recent past, as logged. It has left its band where from there to the end of the run
every point is outside: what comes back was no beginning of the end.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from rldoctor import stats
from rldoctor.model import Curve, FloatArray, Run

# Points of the past that make up a band: as a part of the run, at least, and at least of a curve that was measured
# now and then, as DoctorCallback does 24 times. Ours.
_PAST, _FEWEST_PAST, _FEWEST_OF_FEW = 0.1, 12, 8
# How far outside, in robust standard deviations of that past; and from where on a steady departure has begun. Ours.
_OUTSIDE, _BEGUN = 6.0, 2.5
# A curve that hardly varies has a band of this width still: 3 % of its size. Ours.
_WIDTH = 0.03
# Only the end of a run is looked at: a departure takes so many points, and such a part of the run, at most. What grows
# before is learned, and does not come back either. Ours.
_LATE_POINTS, _LATE_PART = 60, 0.5
# Without a value that is not finite and without an error, two curves must end this many times their usual size. Ours.
_EXPLODED, _EXPLODED_CURVES = 100.0, 2
# What ends less than so many times its size before has drifted, as whatever is learned does. Ours.
_GROWN = 5.0
# Training that ended with an error: one curve this many times its usual size is what went wrong. Ours.
_FAILED = 10.0
# Settings and speed; how good the critic is, where 0 / 0 is harmless; shares and levels, which follow from others.
_UNASKED = frozenset(
    {"throughput", "clip_range", "clip_range_vf", "explained_variance", "exploration_rate", "termination", "curriculum"}
)


# Shares of values that are not finite.
_COUNTED = "_nonfinite"
_REWARDS = frozenset({"episode_return", "shaped_return", "reward_nonfinite"})


@dataclass(frozen=True, slots=True)
class Mover:
    """A curve that left its own band for good.

    Attributes:
        metric: The curve.
        tag: As the framework calls it.
        step: Where it left its band.
        at_once: It was in its band until it was not finite.
        times: How many times its usual size it reached; infinite where it was not finite.
    """

    metric: str
    tag: str
    step: int
    at_once: bool
    times: float


def movers(run: Run) -> tuple[Mover, ...]:
    """Return the curves that left their bands before the run broke, the first one first; none where it did not."""
    # An entropy crosses 0 as the spread shrinks, and has no size of its own.
    unasked = _UNASKED | ({"entropy"} if "std" in run.curves else set())
    asked = [c for name, c in run.curves.items() if len(c) and not {name, name.partition("/")[0]} & unasked]
    if run.record.get("status") != "failed" and not _looks_broken(asked):
        return ()
    found = [mover for curve in asked if (mover := _mover(curve)) and mover.times >= _GROWN]
    broken = any(math.isinf(mover.times) for mover in found) or (
        run.record.get("status") == "failed" and any(mover.times >= _FAILED for mover in found)
    )
    exploded = [m for m in found if m.times >= _EXPLODED and _rank(m.metric) < len(_ORDER)]
    if not broken and len(exploded) < _EXPLODED_CURVES:
        return ()
    return tuple(sorted(found, key=_order))


def _order(mover: Mover) -> tuple[int, bool, int, str]:
    # A reward that is not a number spoils the update on it at once; an update that is not spoils only later rewards.
    spoils = mover.at_once and mover.metric in _REWARDS
    return mover.step, mover.at_once, -1 if spoils else _rank(mover.metric), mover.metric


def _looks_broken(curves: Collection[Curve]) -> bool:
    """Return whether anything is not finite, or two curves end far above their usual size."""
    if any(curve.finite() is not curve for curve in curves):
        return True
    if any(curve.metric.endswith(_COUNTED) and curve.values.max() > 0 for curve in curves):
        return True
    return sum(_ends_far_out(c.values) for c in curves if _rank(c.metric) < len(_ORDER)) >= _EXPLODED_CURVES


def _ends_far_out(values: FloatArray) -> bool:
    """Return whether finite values end far above the usual size of their first half."""
    before = np.abs(values[: len(values) // 2 + 1])
    last, least = abs(float(values[-1])), _EXPLODED / 2
    # Half of the values are no larger than their median, which takes longer to find; the last bit is left to it.
    small = np.count_nonzero(before <= last / least * (1 + 1e-9))
    return bool(2 * small >= len(before)) and last > least * stats.median(before)


# What moves at the same step is told in the order of cause and effect, as far as that is known. Only these can explode.
_ORDER: tuple[Collection[str], ...] = (
    ("learning_rate",),
    ("term", "reward_min", "reward_max", "observation_abs_max", "observation_nonfinite", "reward_nonfinite"),
    ("value_loss", "critic_loss", "q_value"),
    ("gradient_norm", "approx_kl", "policy_loss", "clip_fraction", "actor_loss", "loss"),
    ("std", "entropy"),
)


@lru_cache(1024)
def _rank(metric: str) -> int:
    name = metric.partition("/")[0] if metric.startswith("term/") else metric
    return next((rank for rank, names in enumerate(_ORDER) if name in names), len(_ORDER))


def _mover(curve: Curve) -> Mover | None:
    """Return where a curve leaves its band for good; ``None`` where it ends in it, or is too short for one."""
    values = np.asarray(curve.values, np.float64)
    finite = np.isfinite(values)
    fewest = min(max(_FEWEST_OF_FEW, len(values) // 3), _FEWEST_PAST)
    past = max(fewest, round(_PAST * len(values)))
    if len(values) <= past + past // 2 or finite[:past].sum() < fewest:
        return None
    usual = float(np.median(np.abs(values[finite]))) or 1.0
    # Sizes on a logarithmic scale, signs kept: growth is a straight line, whatever the unit.
    size = np.where(finite, np.sign(values) * np.log1p(np.abs(np.where(finite, values, 0.0)) / usual), np.nan)
    # All points from one on are outside where the lowest of them is above the band, or the highest below it.
    lowest = np.minimum.accumulate(np.where(finite, size, np.inf)[::-1])[::-1]
    highest = np.maximum.accumulate(np.where(finite, size, -np.inf)[::-1])[::-1]
    left, start = None, max(past + past // 2, len(values) - _late(len(values)))
    for at in range(start, len(values)):
        middle, width = _band(size, at, past)
        if lowest[at] > middle + _OUTSIDE * width or highest[at] < middle - _OUTSIDE * width:
            left = at
            break
    # What is outside from the first of these points on has been on its way for longer: it is learned.
    if left is None or left == start:
        return None
    begun = _begun(size, left, past)
    end = values[-1] if finite[-1] else math.inf
    counted = curve.metric.endswith(_COUNTED)
    times = math.inf if counted or not finite[begun:].all() else abs(float(end)) / _usual_before(values, begun, past)
    return Mover(curve.metric, curve.tag or curve.metric, int(curve.steps[begun]), counted or not finite[begun], times)


def _late(points: int) -> int:
    return min(_LATE_POINTS, round(_LATE_PART * points))


def _usual_before(values: FloatArray, at: int, past: int) -> float:
    before = np.abs(values[max(0, at - past) : at])
    before = before[np.isfinite(before)]
    # A cost that is due now and then has a median of 0.
    return max(float(np.median(before)), 0.1 * float(np.max(before)), 1e-12) if len(before) else 1e-12


def _band(size: FloatArray, at: int, past: int) -> tuple[float, float]:
    """Return the middle and the width of the band before a point."""
    # The points just before are left out: a slow beginning must not widen its own band.
    before = size[max(0, at - past - past // 2) : max(at - past // 2, min(past, _FEWEST_PAST))]
    before = before[np.isfinite(before)]
    if len(before) < min(past, _FEWEST_PAST) // 2:
        return math.nan, math.inf
    middle = float(np.median(before))
    return middle, max(1.4826 * float(np.median(np.abs(before - middle))), _WIDTH)


def _begun(size: FloatArray, left: int, past: int) -> int:
    """Return where the way out began: noise hides the first steps of a steady growth."""
    middle, width = _band(size, max(left - 3, 1), past)
    at = left
    while at > 1 and np.isfinite(size[at]) and np.isfinite(size[at - 1]):
        here, before = abs(size[at] - middle), abs(size[at - 1] - middle)
        if before >= here or before <= _BEGUN * width:
            break
        at -= 1
    return at


def told(found: Collection[Mover], most: int = 4) -> str:
    """Return what moved in words: ``Episode_Reward/action_rate at 812, Loss/value at 815``."""
    first = list(found)[:most]
    words = [f"{mover.tag} {'(not finite) ' if mover.at_once else ''}at {mover.step:,}" for mover in first]
    return ", ".join(words) + (f" and {len(found) - most} more" if len(found) > most else "")
