"""The reward is that of the step, not the sum so far.

What it does: where the reward of random episodes begins with the size of a single change and drifts far from there, in
steps that are small beside where it gets to, looks for an attribute that equals the reward and carries a change of it
through all later rewards. Where there is none, it compares how well the observations and actions explain the reward and
its change.

Why it matters: the algorithm adds the rewards up itself. A reward that is the sum so far counts the first action in
every later step, and says of no action what it was worth.

What to do: return what the step earned; keep the sum for ``info``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import Batch, draw
from rldoctor.preflight.probes.hidden import play_with
from rldoctor.preflight.probes.inspection import state_of
from rldoctor.preflight.probes.prediction import explained, with_products

_FEWEST, _SHORTEST = 60, 12
# The first reward is one change; beside how far the sum gets, changes are small.
_AS_A_CHANGE, _SMALL, _FAR = 1.5, 0.5, 0.3
_STEPS, _MOST_TERMS = 8, 16
# Ours: the change is explained well, what is summed is not.
_EXPLAINED, _UNEXPLAINED = 0.8, 0.6
_NEAR = 1e-6
# Of the rows, how many have a number at its smallest or largest value where that is a bound.
_OFTEN, _TWO = 0.02, 2


@check("ENV415", "reward-sums", requires=("ENV105", "ENV111", "ENV202", "ENV401"), late=1, faults=("reward-is-a-sum",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare the reward with its change from step to step."""
    batch = context.batch
    changes = _changes(batch)
    lengths = np.bincount(batch.episode)
    if len(changes) < _FEWEST or lengths.min() < _SHORTEST:
        raise Skipped("episodes are too short to compare")
    first = batch.rewards[np.append(True, np.diff(batch.episode) > 0)]
    if changes.std() > _SMALL * batch.rewards.std() or np.abs(first).max() > _AS_A_CHANGE * np.abs(changes).max():
        return "rewards do not drift from where they begin"
    if np.ptp(batch.rewards) == 0 or np.abs(first).max() > _FAR * np.abs(batch.rewards).max():
        return "rewards do not drift from where they begin"
    name = _carries(context)
    remedy = "Return what the step earned; keep the sum for info."
    if name:
        yield error(
            "reward-is-a-sum",
            f"The reward is self.{name}, which adds up: raised at the start, every later reward is higher by as much, "
            "and no observation differs.",
            remedy,
            attributes=[name],
        )
        return ""
    level, change = _by_what_is_seen(batch, changes)
    if change > _EXPLAINED and level < _UNEXPLAINED:
        yield warning(
            "reward-is-a-sum",
            "The reward grows from nothing in each episode, and what is seen and done explains its change from step to "
            f"step ({change:.0%} of the variance) and not the reward itself ({max(level, 0.0):.0%}): it seems to be "
            "the sum so far.",
            remedy,
            observed=level,
            expected=change,
        )
    return f"observations and actions explain {level:.0%} of the reward, {change:.0%} of its change"


def _changes(batch: Batch) -> FloatArray:
    """Return the change of the reward with each step, the first one of an episode from nothing, ``(n,)``."""
    changes = np.diff(batch.rewards, prepend=0.0)
    starts = np.append(True, np.diff(batch.episode) > 0)
    return np.where(starts, batch.rewards, changes)


def _carries(context: PreflightContext) -> str:
    """Return the attribute that equals each reward and shifts all later ones by what is added to it; empty if none."""
    env, random = context.env, np.random.default_rng(15)
    context.budget.steps(_STEPS, least=_STEPS, plays=3)
    actions = [draw(env.action_space, random) for _ in range(_STEPS)]
    base = play_with(env, 0, actions)
    env.reset(seed=0)
    names = [name for name, value in state_of(env).items() if value.size == 1]
    for action in actions[: len(base.rewards) - 1]:
        _, reward, _, _, _ = env.step(action)
        state = state_of(env)
        names = [name for name in names if name in state and abs(float(state[name].ravel()[0]) - float(reward)) < _NEAR]
    added = 10.0 * float(np.abs(base.rewards).max())
    for name in names:
        played = play_with(env, 0, actions, (name, base.state[name] + added))
        if (
            played.set
            and played.seen.shape == base.seen.shape
            and np.array_equal(played.seen, base.seen, equal_nan=True)
            and np.allclose(played.rewards[1:] - base.rewards[1:], added)
        ):
            return name
    return ""


def _by_what_is_seen(batch: Batch, changes: FloatArray) -> tuple[float, float]:
    """Return which fraction of the reward's variance, and of its change's, observations and actions explain."""
    parts = [
        part.reshape(len(batch.rewards), -1).astype(float)
        for seen in (batch.before, batch.observations)
        for part in seen.values()
        if part.dtype.kind in "biuf"
    ]
    actions = batch.actions.reshape(len(batch.rewards), -1)
    if actions.dtype.kind in "iu" and actions.shape[1] == 1 and np.ptp(actions) < _MOST_TERMS:
        actions = actions == np.unique(actions)
    features = np.concatenate([*parts, actions.astype(float)], axis=1)
    # Where a number lies at a bound, a reward may go on that is no sum.
    free = ~_at_a_bound(features)
    features, rewards, changes = features[free], batch.rewards[free], changes[free]
    if features.shape[1] > len(rewards) // 4 or len(rewards) < _FEWEST:
        return 1.0, 0.0
    features = with_products(features) if features.shape[1] <= _MOST_TERMS else features
    # A cost of being on either side, whose change is just as well explained by the way it moves.
    features = np.column_stack([features, np.abs(features)])
    level, change = explained(features, np.column_stack([rewards, changes]))
    return float(level), float(change)


def _at_a_bound(features: FloatArray) -> NDArray[np.bool_]:
    """Return which rows have a number at its end where it often is, of numbers of more than two values."""
    found = np.zeros(len(features), dtype=bool)
    for column in features.T:
        if len(np.unique(column)) > _TWO:
            for end in (column == column.min(), column == column.max()):
                found |= end if end.mean() > _OFTEN else False
    return found
