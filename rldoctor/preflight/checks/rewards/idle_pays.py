"""What pays most is not to do nothing.

What it does: where the rewards of random episodes have few values, holds each of some actions from several starts.
Where one changes nothing in the observation and earns the largest reward that was seen in every step, at several starts
that look different, what it is paid for is not used up. Where no reward is above zero and one action earns exactly zero
in every state, nothing that was tried is worth doing.

Why it matters: dirt that is paid for and stays dirty, a coin that is taken and lies there still: the policy learns to
stand on it. A sale that costs what it should earn teaches not to sell. The return rises in both.

What to do: change the state that was paid for, not a copy of it; look for the sign of what an action should earn. Where
the task is to stay where it is good, nothing is wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import play_actions
from rldoctor.preflight.probes.alternatives import alternatives

_ACTIONS, _STARTS, _STEPS = 6, 16, 20
# Ours: how often the largest reward must have come for it to be one of few values, at how many starts, all different,
# an action must earn it without an end (a goal to stay at is one place), and which part of it random actions may earn.
_AGAIN, _SOME, _HALF = 3, 0.25, 0.5


@check(
    "ENV420",
    "idle-pays",
    requires=("ENV105", "ENV111", "ENV302", "ENV401"),
    late=1,
    faults=("standing-still-pays-most", "nothing-pays"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Hold actions from several starts and see what they earn."""
    rewards = context.batch.rewards
    most = float(rewards.max())
    often = int((rewards == most).sum())
    if often < _AGAIN or np.ptp(rewards) == 0 or most < 0 or context.has_goals:
        raise Skipped("the largest reward came seldom, or is below zero")
    if not context.effects or context.effects.sizes.max() <= 0:
        raise Skipped("actions change no observation")
    plans = alternatives(context.env.action_space, _ACTIONS, seed=73)
    if (still := _still(context)) is not None:
        plans.append(still)
    steps = context.budget.steps(_STEPS, least=5, plays=_STARTS * len(plans))
    plays = [[play_actions(context.env, seed, [plan] * steps) for seed in range(_STARTS)] for plan in plans]
    if most > 0:
        for plan, of_starts in zip(plans, plays, strict=True):
            unmoved = [(seen[0], paid[1:]) for seen, paid in of_starts if len(seen) > steps and (seen == seen[0]).all()]
            best = [start.tobytes() for start, paid in unmoved if np.ptp(paid) == 0 and paid[0] >= most]
            if len({*best}) >= _SOME * _STARTS and len(best) < _STARTS and float(rewards.mean()) < _HALF * most:
                yield warning(
                    "standing-still-pays-most",
                    f"From {len(best)} of {_STARTS} starts the action {_shown(plan)} changes nothing in the "
                    f"observation and earns {most:.3g} in each of {steps} steps, the most that was seen: what is paid "
                    "for is not used up.",
                    "Change the state that was paid for, not a copy. Where the task is to stay, nothing is wrong.",
                    observed=len(best),
                    expected=0,
                )
                return ""
        return f"{len(plans)} actions held from {_STARTS} starts"
    idle = [plan for plan, of_starts in zip(plans, plays, strict=True) if not any(paid.any() for _, paid in of_starts)]
    others = [paid[1:] for of_starts in plays for _, paid in of_starts if paid.any()]
    ends = any(len(seen) <= steps for of_starts in plays for seen, _ in of_starts)
    ends = ends or any(terminated for _, terminated, _ in context.batch.ends)
    if len(idle) == 1 and others and not ends and np.concatenate(others).max() <= 0:
        yield note(
            "nothing-pays",
            f"Nothing that was tried earns more than the action {_shown(idle[0])}, which earns 0 in every state: "
            "unless something pays that was not reached, to do nothing is best.",
            "Look for the sign of what an action should earn, such as an abs() around it.",
        )
    return f"{len(plans)} actions held from {_STARTS} starts"


def _still(context: PreflightContext) -> Any:
    """Return the action in the middle of a bounded Box, which mostly is to do nothing; ``None`` for other spaces."""
    from gymnasium.spaces import Box

    space = context.env.action_space
    if not isinstance(space, Box) or not space.is_bounded():
        return None
    return np.asarray((space.low.astype(float) + space.high) / 2).astype(space.dtype)


def _shown(action: Any) -> str:
    return str(np.round(action, 2).tolist() if isinstance(action, np.ndarray) else action)
