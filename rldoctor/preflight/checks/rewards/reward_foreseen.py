"""The observation does not show the number that the next action will be paid by.

What it does: where a part of the observation is a window of what came last, such as returns or prices, holds some
actions and compares the newest number, and its difference from the one before, with the reward of the step that
follows. Where that number does not follow from the ones before it, and the reward of one action is exactly proportional
to it and that of another is not so, the observation looks ahead.

Why it matters: a market whose next move is known before the trade is won by anything. The policy learns to read the
answer, the return is splendid, and none of it holds outside of the simulation.

What to do: pay the action by what comes after the observation: look for an index that is one too high in the window, or
one too low in the reward.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import flatten, play_actions
from rldoctor.preflight.probes.alternatives import alternatives

_NUMBERS, _WINDOW, _ROWS = 256, 3, 60
_ACTIONS, _STEPS, _FEWEST = 4, 60, 30
# Of a number that is drawn anew: the correlation with the one before, and its mean in standard deviations. Ours.
_DRAWN, _CENTRED, _VALUES = 0.4, 0.5, 0.8
# Single precision.
_EXACT = 1e-5


@check(
    "ENV419",
    "reward-foreseen",
    requires=("ENV105", "ENV111", "ENV205", "ENV401"),
    late=1,
    faults=("observation-looks-ahead",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare the newest number of a window with the next reward."""
    batch = context.batch
    if not _WINDOW < len(flatten(batch.raw[0])) <= _NUMBERS or len(batch.rewards) < _ROWS:
        raise Skipped("no observation of some numbers")
    newest = _newest(context)
    if not newest:
        raise Skipped("no window of what came last in the observation")
    steps = context.budget.steps(_STEPS, least=_FEWEST, plays=_ACTIONS)
    plays = [
        play_actions(context.env, 0, [a] * steps) for a in alternatives(context.env.action_space, _ACTIONS, seed=67)
    ]
    shared = min(len(seen) for seen, _ in plays)
    if len(plays) < 2 or shared < _FEWEST:
        raise Skipped("episodes are too short, or there is one action")
    for number, before in newest:
        for what in ("number", "difference"):
            shown = plays[0][0][:shared, number] - (plays[0][0][:shared, before] if what == "difference" else 0.0)
            # What actions move is the state.
            moved = any(not np.array_equal(seen[:shared, number], plays[0][0][:shared, number]) for seen, _ in plays)
            if moved or not _is_drawn(shown):
                continue
            # A cost of the first step is that of the change.
            slopes = [_slope(shown[1:-1], rewards[2:shared]) for _, rewards in plays]
            told = [slope for slope in slopes if slope is not None]
            if any(told) and len({round(slope, 3) for slope in told}) > 1:
                shows = f"number {number}" if what == "number" else f"the difference of numbers {number} and {before}"
                yield warning(
                    "observation-looks-ahead",
                    f"The observation looks ahead: {shows} is drawn anew at each step, and the reward of the next "
                    f"action is exactly proportional to it ({max(told, key=abs):.3g} times under one action, "
                    f"{min(told, key=abs):.3g} times under another).",
                    "Is it known before the action? Look for an index that is one too high in the window, or one too "
                    "low in the reward.",
                    dimensions=[number],
                    observed=max(told, key=abs),
                )
                return ""
    return f"{len(newest)} windows"


def _newest(context: PreflightContext) -> list[tuple[int, int]]:
    """Return the newest number of each window in the observation, and the one before it."""
    batch = context.batch
    rows = np.stack([flatten(one) for one in batch.raw])
    same = np.diff(batch.episode) == 0
    was, now = rows[:-1][same], rows[1:][same]
    moving = (np.diff(rows, axis=0) != 0).mean(axis=0) > _VALUES
    # Places that hold what the next, or the last, place held a step before.
    from_next = [i for i in range(rows.shape[1] - 1) if moving[i] and np.array_equal(now[:, i], was[:, i + 1])]
    from_last = [i for i in range(1, rows.shape[1]) if moving[i] and np.array_equal(now[:, i], was[:, i - 1])]
    ends = [(i + 1, i) for i in from_next if i + 1 not in from_next and {i - 1, i - 2} <= {*from_next}]
    return ends + [(i - 1, i) for i in from_last if i - 1 not in from_last and {i + 1, i + 2} <= {*from_last}]


def _is_drawn(shown: FloatArray) -> bool:
    """Return whether a number takes many values of both signs that do not follow from those before."""
    if shown.std() <= 0 or len(np.unique(shown)) < _VALUES * len(shown):
        return False
    return bool(abs(np.corrcoef(shown[:-1], shown[1:])[0, 1]) < _DRAWN and abs(shown.mean()) < _CENTRED * shown.std())


def _slope(shown: FloatArray, rewards: FloatArray) -> float | None:
    """Return by how much rewards follow a number, 0 where they do not vary; ``None`` where not exactly."""
    if np.ptp(rewards) == 0:
        return 0.0
    exact = abs(np.corrcoef(shown, rewards)[0, 1]) > 1 - _EXACT
    return float(np.polyfit(shown, rewards, 1)[0]) if exact else None
