"""What an end pays agrees with what it is.

What it does: where ``info`` tells successes or failures at the ends of random episodes, or where all of them end as
some number leaves a range on either side, compares what they pay with what the steps before pay. Where every step
costs, and failing costs less than the cheapest steps until the limit would, to fail at once is best. Where an end that
is a success pays less than the steps that it forgoes, it goes back to the last step of such an episode and looks
whether one can stand beside the goal instead.

Why it matters: the policy maximises the sum. It learns to jump off the ledge, or to wait one step before the goal, and
the return rises all the while.

What to do: let a failure cost more than the steps that are left, or pay each step that is survived; pay at the goal
what standing beside it would earn until the limit, or pay the change of the distance instead of the distance.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from rldoctor.model import Finding, IntArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import flatten, play_actions
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.info_names import failure_in, flags_of, is_last

# Ends of one kind that are no chance, and steps before an end that are compared with it.
_FEWEST, _BEFORE = 3, 3
# What is far in the future counts less: the usual discount.
_DISCOUNT = 0.99
# Steps of standing beside the goal, what of its pay must be kept there, and actions of which pairs are tried.
_STAND, _KEPT, _PLANS = 12, 0.5, 5
_UNKNOWN_LEFT = 20


@check(
    "ENV414",
    "end-pays",
    requires=("ENV105", "ENV111", "ENV202", "ENV401"),
    late=1,
    faults=("failing-at-once-pays-most", "success-pays-less-than-waiting"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare ends with the steps before them."""
    batch = context.batch
    ends = _terminated(context)
    if not len(ends):
        raise Skipped("no random episode was terminated")
    flags = flags_of(batch)
    failed = np.array([i for i in ends if failure_in(batch.infos[i]) or (flags is not None and not flags[i])], int)
    won = np.array([i for i in ends if flags is not None and flags[i]], int)
    if flags is None and not len(failed) and _is_top(context, ends):
        won = ends
    if flags is None and not len(failed) and not len(won) and _leave_a_range(context, ends):
        failed = ends
    if is_last(batch).all() or not (len(failed) or len(won)):
        raise Skipped("info tells neither successes nor failures")
    found = _failing(context, failed) or _waiting(context, won)
    if found:
        yield found
    return f"{len(failed)} failures and {len(won)} successes at the ends of {len(batch.starts)} episodes"


def _terminated(context: PreflightContext) -> IntArray:
    """Return the places of the last steps of episodes that were terminated."""
    batch, places = context.batch, []
    ends = list(batch.ends)
    for place, length in zip(np.flatnonzero(is_last(batch)), np.bincount(batch.episode), strict=True):
        # An episode that was left before its end is not among the ends.
        if ends and ends[0][0] == length and ends.pop(0)[1]:
            places.append(int(place))
    return np.array(places, dtype=np.int64)


def _leave_a_range(context: PreflightContext, ends: IntArray) -> bool:
    """Return whether episodes end where some number leaves a range on either side, as where something falls over.

    All episodes must do so, those of held actions as well; a goal is a place to come to, not one to leave.
    """
    env, batch = context.env, context.batch
    if len(ends) < len(batch.starts) or batch.rewards.max() >= 0 or context.has_goals:
        return False
    lasts = [flatten(batch.raw[place]) for place in ends]
    rows = np.stack([flatten(batch.raw[place]) for place in np.flatnonzero(~is_last(batch))])
    longest = int(np.bincount(batch.episode).max())
    steps = context.budget.steps(2 * longest, plays=2 * _PLANS)
    for seed in range(2):
        for action in alternatives(env.action_space, _PLANS, seed=93):
            seen, _ = play_actions(env, 500 + seed, [action] * steps)
            if len(seen) > steps:
                return False
            lasts.append(seen[-1])
            rows = np.concatenate([rows, seen[:-1]])
    with np.errstate(invalid="ignore"):
        below, above = np.stack(lasts) < rows.min(axis=0), np.stack(lasts) > rows.max(axis=0)
    return bool(((below | above).all(axis=0) & below.any(axis=0) & above.any(axis=0)).any())


def _is_top(context: PreflightContext, ends: IntArray) -> bool:
    """Return whether all of several ends pay the same, and more than any other step: the goal was reached."""
    rewards, last = context.batch.rewards, is_last(context.batch)
    return len(ends) >= _FEWEST and np.ptp(rewards[ends]) == 0 and bool((rewards[ends[0]] > rewards[~last]).all())


def _left(context: PreflightContext, length: float) -> float:
    """Return how many steps an episode of ``length`` steps leaves until its limit, as far as one is known."""
    cut = [steps for steps, terminated, _ in (*context.batch.ends, *context.long_play.ends) if not terminated]
    limit = context.horizon or max(cut, default=0)
    return max(0.0, limit - length) if limit else float(_UNKNOWN_LEFT)


def _failing(context: PreflightContext, failed: IntArray) -> Finding | None:
    """Compare what failing episodes earn in all with the best step that was seen, taken until the limit."""
    batch, last = context.batch, is_last(context.batch)
    before = batch.rewards[~last]
    best = float(before.max())
    # What pays more than any step is a success that is not told; what pays less is a fine.
    pays = batch.rewards[failed]
    if len(failed) < _FEWEST or best >= 0 or pays.mean() > best or pays.min() < before.min() - 0.5 * np.ptp(before):
        return None
    sums = np.array([batch.rewards[batch.episode == batch.episode[place]].sum() for place in failed])
    lengths = np.array([int((batch.episode == batch.episode[place]).sum()) for place in failed])
    if np.ptp(lengths) == 0:
        # An end of time, whichever flag says so (ENV108).
        return None
    limit = float(lengths.mean()) + _left(context, float(lengths.mean()))
    earned, soon = float(sums.max()), int(lengths[sums.argmax()])
    if earned <= best * limit:
        return None
    return warning(
        "failing-at-once-pays-most",
        f"An episode that failed after {soon} steps earned {earned:.3g}, and to fail pays no less than other steps. As "
        f"every step costs at least {-best:.3g}, one of {limit:.0f} steps earns {best * limit:.3g} or less: unless "
        "success pays far more, the sooner an episode fails, the better.",
        "Let a failure cost more than the steps that are left would, or pay each step that is survived.",
        observed=earned,
        expected=best * limit,
    )


def _waiting(context: PreflightContext, won: IntArray) -> Finding | None:
    """Compare the pay of successes with that of standing beside the goal for the steps that are left."""
    batch = context.batch
    for place in won:
        number = int(batch.episode[place])
        steps = np.flatnonzero(batch.episode == number)
        length, pay = len(steps), float(batch.rewards[place])
        close = batch.rewards[steps[-1 - _BEFORE : -1]]
        worth = _worth(_left(context, length))
        if len(close) and float(close.max()) * worth > max(pay, 0.0):
            stand = _beside(context, number, list(batch.actions[steps[:-1]]), _KEPT * float(close.max()))
            if stand * worth > max(pay, 0.0):
                return warning(
                    "success-pays-less-than-waiting",
                    f"The step that reaches the goal pays {pay:.3g} and ends the episode; standing one step before it "
                    f"pays {stand:.3g} a step, {stand * worth:.3g} over the steps that are left (discounted by "
                    f"{_DISCOUNT}).",
                    "Pay at the goal what the steps left would earn, or pay the change of the distance.",
                    observed=pay,
                    expected=stand * worth,
                )
    return None


def _worth(steps: float) -> float:
    """Return what so many rewards of 1 are worth, discounted."""
    return float((1 - _DISCOUNT**steps) / (1 - _DISCOUNT))


def _beside(context: PreflightContext, seed: int, way: list[Any], least: float) -> float:
    """Return the best mean reward of going to and fro at the end of ``way`` without an end; 0 where none is kept."""
    from gymnasium.spaces import Box

    env, best = context.env, 0.0
    space = env.action_space
    idle = [((space.low + space.high) / 2).astype(space.dtype)] if isinstance(space, Box) and space.is_bounded() else []
    plans = [*idle, *alternatives(space, _PLANS, seed=94)]
    context.budget.steps(len(way) + _STAND, least=len(way) + _STAND, plays=len(plans) ** 2)
    for one, other in product(plans, repeat=2):
        _, rewards = play_actions(env, seed, [*way, *[one, other] * (_STAND // 2)])
        # An episode that ended was shorter than asked, or ended with the last of these.
        if len(rewards) == len(way) + _STAND + 1:
            best = max(best, float(rewards[len(way) + 1 :].mean()))
    return best if best >= least else 0.0
