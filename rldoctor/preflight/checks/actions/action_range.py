"""The whole range of the action counts.

What it does: from the same start holds actions of 25 %, 90 % and 100 % of their bounds and compares what they do.

Why it matters: an action that is rounded to a whole number does nothing below its bound; one that is clipped far inside
its bounds, or whose sign alone is used, does the same for most of its range. In both cases small changes of the policy
change nothing, and there is no gradient to follow.

What to do: use the action as it is, scaled to the units of the simulation; declare bounds that the simulation uses.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import play_actions
from rldoctor.preflight.probes.plays import same

_STEPS = 3
# Dimensions tried one by one; those of a larger action space are tried together.
_DIMENSIONS = 6


@check(
    "ENV312", "action-range", requires=("ENV105", "ENV302"), faults=("action-only-at-bounds", "action-saturates-early")
)
def run(context: PreflightContext) -> CheckFindings:
    """Hold parts of the bounds."""
    from gymnasium.spaces import Box

    space = context.env.action_space
    if not isinstance(space, Box) or not space.is_bounded() or space.dtype is None or space.dtype.kind != "f":
        raise Skipped("no continuous actions with bounds")
    if not context.repeatable:
        raise NotRun("it does not repeat itself (ENV105)")
    size = int(np.prod(space.shape))
    groups = [[index] for index in range(size)] if size <= _DIMENSIONS else [list(range(size))]
    steps = context.budget.steps(_STEPS, plays=5 * len(groups))
    middle = (space.low + space.high) / 2
    steep: list[int] = []
    flat: list[int] = []
    alive = 0

    def hold(group: list[int], part: float) -> np.ndarray:
        action = middle.copy().ravel()
        action[group] += part * (space.high - middle).ravel()[group]
        return play_actions(context.env, 0, [action.reshape(space.shape).astype(space.dtype)] * steps)[0]

    still = hold([], 0.0)
    for group in groups:
        full = hold(group, 1.0)
        if same(full, still):
            continue
        alive += len(group)
        if same(hold(group, 0.9), still):
            steep += group
        # Where both directions are alike, it is not this state's wall that stops the action.
        elif same(hold(group, 0.25), full) and same(hold(group, -0.25), hold(group, -1.0)):
            flat += group
    where = "Every action" if len(groups) == 1 else "action[{}]"
    if steep:
        name = where.format(", ".join(map(str, steep)))
        message = f"{name} does nothing at 90 % of its bound and something at 100 %: it is rounded to a whole number."
        yield warning(
            "action-only-at-bounds", message, "Use the action as it is; do not convert it to int.", dimensions=steep
        )
    if flat:
        name = where.format(", ".join(map(str, flat)))
        message = f"{name} does exactly the same at 25 % of its bound as at 100 %."
        remedy = "Declare the bounds that the simulation uses, and look for a sign() or a clip of the action."
        # A gripper that is shut by half of its range is no fault; where all actions are like that, it is one.
        found = warning if len(flat) == alive else note
        yield found("action-saturates-early", message, remedy, dimensions=flat)
    return f"{len(groups)} parts of the action tried"
