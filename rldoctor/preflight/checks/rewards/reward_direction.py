"""The reward rises as the distance to the goal falls.

What it does: correlates the reward with minus the distance to the goal, over random episodes.

Why it matters: if the sign is wrong, PPO learns to move away from the goal, and the curves look healthy. If the reward
is unrelated to the distance, it teaches something else.

What to do: negate the reward, or find which term of it outweighs the distance.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext

# Ours: FetchReachDense-v4 has 1.00 by definition; below 0.2 another term outweighs the distance.
_FLIPPED = -0.5
_RELATED = 0.2


@check(
    "ENV404",
    "reward-direction",
    requires=("ENV201", "ENV202", "ENV206"),
    faults=("reward-sign-flipped", "reward-unrelated-to-distance"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Correlate reward and distance."""
    if not context.has_goals:
        raise Skipped("no goals")
    rewards, distances = context.batch.rewards, context.batch.distances
    if not np.isfinite(rewards).all():
        raise Skipped("rewards are not finite (see ENV401)")
    if len(np.unique(rewards)) <= 2 or np.ptp(distances) == 0:
        raise Skipped("the reward is sparse or the distance does not change")
    correlation = float(np.corrcoef(rewards, -distances)[0, 1])
    if correlation < _FLIPPED:
        yield error(
            "reward-sign-flipped",
            f"The reward falls as the goal comes nearer (correlation {correlation:.2f} with minus the distance).",
            "Negate the reward: it should be minus the distance.",
            observed=correlation,
            expected=1.0,
        )
    elif correlation < _RELATED:
        yield warning(
            "reward-unrelated-to-distance",
            f"The reward hardly follows the distance to the goal (correlation {correlation:.2f}).",
            "Find which term of the reward outweighs the distance, or whether it is computed for another goal.",
            observed=correlation,
            expected=1.0,
        )
    return f"correlation {correlation:.2f} with minus the distance"
