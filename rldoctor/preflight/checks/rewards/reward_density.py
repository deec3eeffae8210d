"""The reward is dense where a dense one is expected.

What it does: looks at how many different values the reward takes, under the random policy and from the environment's
own ``compute_reward``.

Why it matters: with a reward that only says whether the goal is reached, PPO sees nothing but failures at first and
often for good. Dense Reach is easy for PPO, sparse Reach is not; their ids differ by one word.

What to do: take the dense variant, or an algorithm with hindsight replay (HER) for the sparse one.
"""

from __future__ import annotations

import gymnasium
import numpy as np

from rldoctor.preflight.check import CheckFindings, Group, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext


def only_two_values(patient: PreflightContext) -> bool:
    """Tell whether the reward of a goal environment only says if the goal is reached."""
    if not patient.has_goals:
        return False
    values = set(np.unique(patient.batch.rewards).tolist())
    if len(values) > 2:
        return False
    if patient.compute_reward is None:
        # A reward that never changed may be sparse or broken: only compute_reward could tell.
        return len(values) == 2
    batch = patient.batch
    # Every achieved goal with every tenth desired one, and with itself: near and far.
    for achieved in batch.observations["achieved_goal"][::5]:
        for desired in (*batch.observations["desired_goal"][::10], achieved):
            values.add(float(patient.compute_reward(achieved, desired, {})))
            if len(values) > 2:
                return False
    return len(values) == 2


@check("ENV402", "reward-density", Group.ENVIRONMENT, after=("ENV102", "ENV206"), faults=("reward-sparse",))
def examine(patient: PreflightContext) -> CheckFindings:
    """Count the values that the reward takes."""
    if not patient.has_goals:
        raise Skipped("no goals")
    if not only_two_values(patient):
        return f"dense: {len(np.unique(patient.batch.rewards))} different rewards in {len(patient.batch.rewards)} steps"
    dense = patient.env_id.replace("-v", "Dense-v")
    remedy = "Use an algorithm with hindsight replay (HER), or a reward that falls with the distance."
    if dense in gymnasium.registry:
        remedy = f"Train on {dense}, or use an algorithm with hindsight replay (HER)."
    message = f"The reward of {patient.env_id} only says whether the goal is reached"
    wanted = patient.dense_expected_by
    if wanted:
        yield error(
            "reward-sparse",
            f"{message}; the dense one of {wanted} is expected.",
            remedy,
            observed="sparse",
            expected="dense",
        )
    else:
        message = f"{message}; PPO may never see a success to learn from."
        yield warning("reward-sparse", message, remedy, observed="sparse", expected="dense")
    return "sparse"
