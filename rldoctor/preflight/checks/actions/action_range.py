"""The whole range of the action counts.

What it does: from the same start holds actions of 25 %, 90 % and 100 % of their bounds, and both bounds, and compares
what they do. Where both bounds do the same, it looks in other states, too.

Why it matters: an action that is rounded to a whole number does nothing below its bound; one that is clipped far inside
its bounds, or whose sign alone is used, does the same for most of its range. In both cases small changes of the policy
change nothing, and there is no gradient to follow. One whose sign is lost, as in an absolute value or a square, moves
in one direction only, and the other is out of reach.

What to do: use the action as it is, scaled to the units of the simulation; declare bounds that the simulation uses.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.plays import same

_STEPS = 3
# Dimensions tried one by one; those of a larger action space are tried together.
_DIMENSIONS = 6
# Random steps before it, in other starts: one state may be the middle of something symmetric.
_ELSEWHERE = (0, 2, 5, 9)


@check(
    "ENV312",
    "action-range",
    requires=("ENV105", "ENV302"),
    faults=("action-only-at-bounds", "action-saturates-early", "action-sign-without-effect"),
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
    unsigned: list[int] = []
    alive = 0

    def part_of(group: list[int], part: float) -> np.ndarray:
        action = middle.copy().ravel()
        action[group] += part * (space.high - middle).ravel()[group]
        return np.asarray(action.reshape(space.shape).astype(space.dtype))

    def hold(group: list[int], part: float) -> np.ndarray:
        return play_actions(context.env, 0, [part_of(group, part)] * steps)[0]

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
        elif same(hold(group, -1.0), full) and _sign_is_lost(context, *(part_of(group, part) for part in (-1, 0, 1))):
            unsigned += group
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
    if unsigned:
        name = where.format(", ".join(map(str, unsigned)))
        yield warning(
            "action-sign-without-effect",
            f"{name} does exactly the same at its lower bound as at its upper one, and less in the middle: its sign is "
            "lost.",
            "Look for an absolute value, a square or a norm of the action; use the action with its sign.",
            dimensions=unsigned,
        )
    return f"{len(groups)} parts of the action tried"


def _sign_is_lost(context: PreflightContext, low: np.ndarray, middle: np.ndarray, high: np.ndarray) -> bool:
    """Return whether both bounds lead to the same, and pay the same, in every state where they do anything."""
    env, did = context.env, 0
    context.budget.steps(max(_ELSEWHERE) + _STEPS, least=_STEPS, plays=3 * len(_ELSEWHERE))
    for seed, before in enumerate(_ELSEWHERE):
        random = np.random.default_rng(seed)
        way = [draw(env.action_space, random) for _ in range(before)]
        one, none, other = (play_actions(env, seed, [*way, *[action] * _STEPS]) for action in (low, middle, high))
        if not (same(one[0], other[0]) and same(one[1], other[1])):
            return False
        did += not same(one[0], none[0])
    return did > 1
