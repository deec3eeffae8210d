"""The reward says more than whether the goal is reached.

What it does: counts the different values that the reward takes, under the random policy and from the environment's own
``compute_reward``. Where it only says whether the goal is reached, goals are moved aside bit by bit, to see how near is
near enough.

Why it matters: with a reward that only says whether the goal is reached, PPO sees nothing but failures at first, and
often for the whole training. Dense Reach is easy for PPO, sparse Reach is not; their ids differ by one word. That is a
note: a sparse task is as sound as a dense one. It is an error where this very environment is known for a dense reward.
Numbers that vary continuously never equal a goal: one that has to be met exactly is never reached.

What to do: use the dense variant, or an algorithm with hindsight replay (HER) for the sparse one. Compare the distance
with a threshold, not achieved and desired goal for equality.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note, warning
from rldoctor.preflight.context import PreflightContext


def only_two_values(context: PreflightContext) -> bool:
    """Return whether the reward of a goal environment only says if the goal is reached."""
    if not context.has_goals:
        return False
    batch = context.batch
    values = set(np.unique(batch.rewards).tolist())
    if len(values) > 2:
        return False
    if context.compute_reward is None:
        # A reward that never changed may be sparse or broken: only compute_reward could show which.
        return len(values) == 2
    # Every fifth achieved goal with every tenth desired one, and with itself: near and far.
    for achieved in batch.observations["achieved_goal"][::5]:
        for desired in (*batch.observations["desired_goal"][::10], achieved):
            # One goal may give an array of one reward, as SB3's BitFlippingEnv does.
            values.add(float(np.ravel(context.compute_reward(achieved, desired, {}))[0]))
            if len(values) > 2:
                return False
    return len(values) == 2


# Ours: achieved goals of which a step moves nearly all, each time to another place, are no cells of a grid. A goal that
# must be met within a thousandth of such a step is met by one step in a thousand that comes straight at it.
_DIFFERENT, _OF_A_STEP, _TRIED = 0.9, 1e-3, 8


def _too_exact(context: PreflightContext) -> float | None:
    """Return how far the achieved goal moves in a step, where a thousandth of that beside the goal is not near enough.

    ``None`` where it is, where moves are not continuous, or where the goal itself is not rewarded.
    """
    batch, compute = context.batch, context.compute_reward
    achieved = batch.observations["achieved_goal"].reshape(len(batch.rewards), -1)
    if compute is None or achieved.dtype.kind != "f":
        return None
    moves = np.linalg.norm(np.diff(achieved.astype(float), axis=0)[np.diff(batch.episode) == 0], axis=1)
    if not len(moves) or len(np.unique(moves)) < _DIFFERENT * len(moves):
        return None
    step = float(np.median(moves))
    random = np.random.default_rng(43)
    for desired in batch.observations["desired_goal"][:: max(1, len(batch.rewards) // _TRIED)]:
        aside = random.normal(size=desired.shape)
        beside = (desired + _OF_A_STEP * step * aside / np.linalg.norm(aside)).astype(desired.dtype)
        at, near, away = (
            float(np.ravel(compute(place, desired, {}))[0]) for place in (desired, beside, desired + 1e3 * step * aside)
        )
        if not at > near or near != away or np.array_equal(beside, desired):
            return None
    return step


@check(
    "ENV402",
    "reward-density",
    requires=("ENV102", "ENV206"),
    faults=("reward-not-dense", "reward-sparse", "goal-must-be-met-exactly"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Count the values that the reward takes."""
    import gymnasium

    if not context.has_goals:
        raise Skipped("no goals")
    if not only_two_values(context):
        rewards = context.batch.rewards
        return f"dense: {len(np.unique(rewards))} different rewards in {len(rewards)} steps"
    dense = context.env_id.rpartition(":")[2].replace("-v", "Dense-v")
    remedy = "Use an algorithm with hindsight replay (HER), or a reward that falls with the distance."
    if dense in gymnasium.registry:
        remedy = f"Train on {dense}, or use an algorithm with hindsight replay (HER)."
    message = f"The reward of {context.env_id} only says whether the goal is reached"
    if context.expectation.reward.dense:
        message = f"{message}; {context.env_id} is known for a dense reward."
        yield error(
            "reward-not-dense", message, "Look for a wrapper of the reward.", observed="sparse", expected="dense"
        )
    elif (step := _too_exact(context)) is not None:
        yield warning(
            "goal-must-be-met-exactly",
            f"{message}, and it counts as reached only where achieved and desired goal are equal: not when "
            f"{_OF_A_STEP * step:.2g} beside it, a thousandth of what a step moves.",
            "Compare the distance with a threshold: np.linalg.norm(achieved - desired, axis=-1) < 0.05.",
            observed=_OF_A_STEP * step,
        )
    else:
        if context.recipe is not None and context.recipe.setting("her"):
            return "sparse, with hindsight replay"
        yield note(
            "reward-sparse", f"{message}; training may never see a success to learn from.", remedy, observed="sparse"
        )
    return "sparse"
