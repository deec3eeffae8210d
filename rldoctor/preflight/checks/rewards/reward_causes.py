"""The reward depends on what the policy does.

What it does: plays the same start with quite different actions, and other starts, and compares the rewards step by
step, for 100 steps where the first 15 are alike; then the same actions in other states.

Why it matters: a reward that follows the clock or the number of steps, or that was drawn in advance, is the same
whatever the policy does. Its curve moves, and nothing can be learned from it.

What to do: compute the reward from the state after the step and from the action.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.alternatives import alternatives

_STEPS = 15
_PLAYS = 4
# Steps of the plays that are compared before it is said that rewards do not depend on actions.
_LATER = 100
# A reward that waits for an event, or for an object that random actions do not touch, shows nothing here.
_VALUES = 3
_MOVES = 0.01
# Ours: a term that is this small beside the one of the clock is not learned.
_SHARE = 0.005
# Steps before the action whose reward is compared.
_PLACES = (0, 2, 4, 7)


@check(
    "ENV412",
    "reward-causes",
    requires=("ENV105", "ENV302", "ENV401"),
    faults=("reward-follows-the-step", "reward-ignores-actions", "reward-of-the-action-alone"),
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
    same_start = [play_actions(env, 0, plans[0])]
    for plan in plans[1:]:
        same_start.append(play_actions(env, 0, plan))
        if not _alike([rewards for _, rewards in same_start], _SHARE):
            if _of_actions_alone(context):
                yield note(
                    "reward-of-the-action-alone",
                    "An action earns the same in each of the states that were tried, and others earn other rewards: "
                    "nothing that the environment did there was paid.",
                    "Where a bonus waits in states that chance does not reach, nothing is wrong. Where a state should "
                    "be reached or held, let the reward depend on it.",
                )
            return "rewards differ with the actions"
    together = np.concatenate([rewards[1:] for _, rewards in same_start])
    if min(len(rewards) for _, rewards in same_start) < 4:
        raise Skipped("episodes are too short to compare")
    if len(np.unique(together)) < _VALUES or np.ptp(together) < _MOVES * np.abs(together).max():
        raise Skipped("the reward hardly changes in these steps")
    if _alike([rows for rows, _ in same_start]):
        raise Skipped("observations do not differ with the actions either")
    exact = _alike([rewards for _, rewards in same_start])
    if _differ_later(context):
        return "rewards differ with the actions later in the episode"
    other_starts = [play_actions(env, seed, plans[seed % len(plans)])[1] for seed in range(1, _PLAYS)]
    if not exact and not _alike([same_start[0][1], *other_starts], _SHARE):
        return "rewards hardly differ with the actions"
    if _alike([same_start[0][1], *other_starts], 0.0 if exact else _SHARE):
        yield error(
            "reward-follows-the-step",
            f"The rewards of {steps} steps are the same for all actions and all starts"
            f"{'' if exact else ', but for half a percent of their range'}: they depend on the number of the step.",
            "Compute the reward from the state after the step and from the action.",
        )
    else:
        yield error(
            "reward-ignores-actions",
            f"From one start the rewards of {steps} steps are the same for all actions, while observations differ.",
            "Compute the reward from the state after the step; look for one that is drawn or computed in advance.",
        )
    return ""


def _differ_later(context: PreflightContext) -> bool:
    """Return whether rewards differ in longer plays: a delivery takes several actions, each held for some steps."""
    env = context.env
    steps = context.budget.steps(_LATER, least=_STEPS, plays=2 * _PLAYS)
    for seed in range(2):
        rewards = []
        for number in range(_PLAYS):
            random = np.random.default_rng(50 + number)
            # Some change at every step, some are held for up to four.
            held = [(draw(env.action_space, random), int(random.integers(1, 2 + number))) for _ in range(steps)]
            rewards.append(play_actions(env, seed, [one for one, count in held for _ in range(count)][:steps])[1])
        if min(map(len, rewards)) > 1 and not _alike(rewards, _SHARE):
            return True
    return False


def _of_actions_alone(context: PreflightContext) -> bool:
    """Return whether each of some actions earns the same in all of some states, and not what the others earn."""
    env = context.env
    if context.effects is None or context.effects.sizes.max() <= 0:
        # A bandit has no state.
        return False
    actions = alternatives(env.action_space, 2, seed=91)
    actions += [draw(env.action_space, np.random.default_rng(91)) for _ in range(2)]
    earned: list[list[float]] = []
    context.budget.steps(max(_PLACES) + 1, least=max(_PLACES) + 1, plays=len(actions) * len(_PLACES))
    for action in actions:
        earned.append([])
        for seed, before in enumerate(_PLACES):
            random = np.random.default_rng(seed)
            way = [draw(env.action_space, random) for _ in range(before)]
            rewards = play_actions(env, seed, [*way, action])[1]
            earned[-1] += [float(rewards[-1])] if len(rewards) == before + 2 else []
    every = [rewards for rewards in earned if len(rewards) > 2]
    steady = all(np.ptp(rewards) <= 1e-9 * max(1.0, abs(rewards[0])) for rewards in every)
    return len(every) == len(earned) and steady and len({rewards[0] for rewards in every}) > 2


def _alike(series: list[np.ndarray], share: float = 0.0) -> bool:
    """Return whether rewards are the same, up to a share of their range."""
    shared = min(map(len, series))
    if share:
        rows = np.stack([one[1:shared] for one in series])
        return shared > 1 and bool(np.ptp(rows, axis=0).max() <= share * np.ptp(rows))
    return all(np.array_equal(series[0][:shared], one[:shared], equal_nan=True) for one in series[1:])
