"""The reward says more than whether the goal is reached.

What it does: counts the different values that the reward takes, under the random policy and from the environment's own
``compute_reward``.

Why it matters: with a reward that only says whether the goal is reached, PPO sees nothing but failures at first, and
often for the whole training. Dense Reach is easy for PPO, sparse Reach is not; their ids differ by one word. That is a
note: a sparse task is as sound as a dense one. It is an error where this very environment is known for a dense reward.

What to do: use the dense variant, or an algorithm with hindsight replay (HER) for the sparse one.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note
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


@check("ENV402", "reward-density", requires=("ENV102", "ENV206"), faults=("reward-not-dense", "reward-sparse"))
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
    else:
        if context.recipe is not None and context.recipe.setting("her"):
            return "sparse, with hindsight replay"
        yield note(
            "reward-sparse", f"{message}; training may never see a success to learn from.", remedy, observed="sparse"
        )
    return "sparse"
