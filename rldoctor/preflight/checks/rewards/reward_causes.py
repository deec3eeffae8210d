"""The reward depends on what the policy does.

What it does: plays the same start with quite different actions, and other starts, and compares the rewards step by
step.

Why it matters: a reward that follows the clock or the number of steps, or that was drawn in advance, is the same
whatever the policy does. Its curve moves, and nothing can be learned from it.

What to do: compute the reward from the state after the step and from the action.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.alternatives import alternatives

_STEPS = 15
_PLAYS = 4
# A reward that waits for an event, or for an object that random actions do not touch, shows nothing here.
_VALUES = 3
_MOVES = 0.01


@check(
    "ENV412",
    "reward-causes",
    requires=("ENV105", "ENV302", "ENV401"),
    faults=("reward-follows-the-step", "reward-ignores-actions"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare rewards under different actions."""
    if context.has_goals and context.compute_reward:
        raise Skipped("compute_reward shows what the reward depends on (ENV403)")
    env = context.env
    steps = context.budget.steps(_STEPS, least=4, plays=2 * _PLAYS - 1)
    held = [[action] * steps for action in alternatives(env.action_space, 2, seed=21)]
    random = [np.random.default_rng(seed) for seed in range(_PLAYS - len(held))]
    plans = [*held, *[[draw(env.action_space, one) for _ in range(steps)] for one in random]]
    same_start = []
    for plan in plans:
        same_start.append(play_actions(env, 0, plan))
        if not _alike([rewards for _, rewards in same_start]):
            return "rewards differ with the actions"
    together = np.concatenate([rewards[1:] for _, rewards in same_start])
    if min(len(rewards) for _, rewards in same_start) < 4:
        raise Skipped("episodes are too short to compare")
    if len(np.unique(together)) < _VALUES or np.ptp(together) < _MOVES * np.abs(together).max():
        raise Skipped("the reward hardly changes in these steps")
    if _alike([rows for rows, _ in same_start]):
        raise Skipped("observations do not differ with the actions either")
    other_starts = [play_actions(env, seed, plans[seed % len(plans)])[1] for seed in range(1, _PLAYS)]
    if _alike([same_start[0][1], *other_starts]):
        yield error(
            "reward-follows-the-step",
            f"The rewards of {steps} steps are the same for all actions and all starts: they depend on the number of "
            "the step alone.",
            "Compute the reward from the state after the step and from the action.",
        )
    else:
        yield error(
            "reward-ignores-actions",
            f"From one start the rewards of {steps} steps are the same for all actions, while observations differ.",
            "Compute the reward from the state after the step; look for one that is drawn or computed in advance.",
        )
    return ""


def _alike(series: list[np.ndarray]) -> bool:
    shared = min(map(len, series))
    return all(np.array_equal(series[0][:shared], one[:shared], equal_nan=True) for one in series[1:])
