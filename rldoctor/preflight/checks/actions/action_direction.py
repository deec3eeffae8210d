"""Actions can push both ways.

What it does: where every random episode ends before its time, holds the bounds of the action, and some mixtures of
them, from several starts. Where all of them speed something up in the same direction, though by quite different
amounts, and every episode ends early on that side, no action holds against it.

Why it matters: an action that is scaled twice, or whose declared bounds are a part of those of the simulation, may
leave a thrust between 75 and 100 %. A drone that can only rise loses every episode, whatever the policy does.

What to do: follow the lowest and the highest action through the wrappers to the simulation, and compare them with what
holds the state where it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import flatten, play_actions
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.info_names import flags_of, is_last

# Steps that show whether something speeds up, mixtures of the bounds, and starts.
_STEPS, _MIXED, _STARTS = 6, 4, 6
_FEWEST_STARTS = 4
# Ours: actions that change a speeding up by less than a fifth hardly reach it (the fall of a walker); more of them than
# a third leaves no doubt that they do.
_REACHES = 0.2
_ROUNDING = 1e-5
_LONGEST = 250


@check("ENV315", "action-direction", requires=("ENV105", "ENV202", "ENV302"), late=1, faults=("actions-push-one-way",))
def run(context: PreflightContext) -> CheckFindings:
    """Hold the bounds and look where they lead."""
    batch, env = context.batch, context.env
    lengths = [length for length, terminated, _ in batch.ends if terminated]
    if len(lengths) < len(batch.starts) or max(lengths) >= (context.horizon or _LONGEST) or min(lengths) <= _STEPS:
        raise Skipped("random episodes do not all end before their time")
    if _ends_well(context):
        raise Skipped("what ends episodes is what the task asks for")
    plans = _plans(env.action_space)
    if len(plans) < 2:
        raise Skipped("there is no other action to compare with")
    context.budget.steps(_STEPS, least=_STEPS, plays=len(plans) * _STARTS)
    pushed, tried = np.zeros(0), 0
    for seed in range(_STARTS):
        rows = [play_actions(env, seed, [plan] * _STEPS)[0] for plan in plans]
        if min(map(len, rows)) <= _STEPS:
            continue
        side = _side(np.stack(rows))
        pushed, tried = np.where(side == pushed, side, 0.0) if tried else side, tried + 1
        if not pushed.any():
            return "actions push both ways, or none"
    if tried < _FEWEST_STARTS:
        raise Skipped("episodes are too short to compare")
    lost = [int(i) for i in np.flatnonzero(pushed) if _all_end_there(context, plans, int(i), float(pushed[i]))]
    if lost:
        way = "up" if pushed[lost[0]] > 0 else "down"
        yield warning(
            "actions-push-one-way",
            f"Every action that was held, from the lowest to the highest, speeds observation {lost[0]} {way}, from "
            f"each of {tried} starts, and every episode ends early on that side.",
            "Compare the lowest and the highest action with what holds the state where it is; look for an action that "
            "is scaled twice.",
            dimensions=lost,
        )
    return f"{len(plans)} actions held from {tried} starts"


def _plans(space: Any) -> list[Any]:
    from gymnasium.spaces import Box

    ends = [space.low, space.high] if isinstance(space, Box) and space.is_bounded() else []
    return [*ends, *alternatives(space, _MIXED, seed=91)]


def _ends_well(context: PreflightContext) -> bool:
    """Return whether random episodes end with a success, or with the best that they are paid."""
    batch = context.batch
    last = is_last(batch)
    flags = flags_of(batch)
    return bool((flags is not None and flags[last].any()) or batch.rewards[last].mean() > batch.rewards[~last].max())


def _side(rows: FloatArray) -> FloatArray:
    """Return for each number of the observation 1 where all plays speed it up, -1 where all do so downwards, else 0.

    Args:
        rows: Observations of each play, ``(plays, steps + 1, d)``.
    """
    middle = rows.shape[1] // 2
    first, second = rows[:, middle] - rows[:, 0], rows[:, 2 * middle] - rows[:, middle]
    gain = second - first
    size = np.abs(rows).max(axis=(0, 1)) * _ROUNDING + 1e-12
    # It goes on as it began: a wheel that is stopped and turned speeds up once.
    up = ((gain > size) & (first > -size)).all(axis=0)
    down = ((gain < -size) & (first < size)).all(axis=0)
    reaches = np.ptp(gain, axis=0) >= _REACHES * np.abs(gain).max(axis=0)
    return np.where(reaches, up.astype(float) - down.astype(float), 0.0)


def _all_end_there(context: PreflightContext, plans: list[Any], index: int, side: float) -> bool:
    """Return whether every held action, and every random one, ends an episode early and on that side of its start."""
    batch = context.batch
    longest = 2 * max(length for length, *_ in batch.ends)
    for plan in plans:
        context.budget.steps(longest, least=longest)
        rows, _ = play_actions(context.env, 0, [plan] * longest)
        if len(rows) > longest or side * (rows[-1, index] - rows[0, index]) <= 0:
            return False
    last = np.flatnonzero(is_last(batch))
    starts = [np.flatnonzero(batch.episode == number)[0] for number in range(len(batch.starts))]
    firsts = [flatten(batch.raw[start])[index] for start in starts]
    return all(side * (flatten(batch.raw[end])[index] - first) > 0 for end, first in zip(last, firsts, strict=True))
