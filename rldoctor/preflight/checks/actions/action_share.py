"""An action counts wherever it is taken.

What it does: goes to some states by random actions, near the start and farther from it, takes quite different actions
there with the same random numbers, and counts the states in which anything differs in the next few steps.

Why it matters: an action that is held to the end of the episode, that repeats the last one nearly always, or that
listens in few states leaves an environment in which actions have an effect, and a policy that decides next to nothing.

What to do: look for what stores or repeats actions, and for a condition under which ``step`` uses them. If an action
counts in few states by the nature of the task, ignore ENV314.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.plays import same

# Steps before the one that is changed, and starts.
_BEFORE = (0, 1, 2, 3, 5, 8, 13, 21)
_STARTS = 3
# Steps after it, in which all take the same actions: a delay of so many steps is a finding of its own (ENV311).
_AFTER = 4
# Of a discrete space, several do nothing in most states: to open, to pick up.
_ACTIONS, _FEWEST_ACTIONS = 8, 2
_FEWEST = 9
# Of the budget: where steps are slow, it looks at fewer states, those near the start.
_PART = 0.05
# Ours: Atari's sticky actions leave 0.75, walls and dead ends 0.8 and more.
_SELDOM = 0.2


@check("ENV314", "action-share", requires=("ENV105", "ENV302"), late=1, faults=("actions-seldom-count",))
def run(context: PreflightContext) -> CheckFindings:
    """Change one action in many states."""
    if not context.repeatable or (context.spec and context.spec.nondeterministic):
        raise NotRun("it does not repeat itself (ENV105)")
    plans = alternatives(context.env.action_space, _ACTIONS, seed=61)
    if len(plans) < _FEWEST_ACTIONS:
        raise Skipped("there is no other action to compare with")
    random = np.random.default_rng(6)
    count = seen = 0
    at_first = context.budget.remaining
    states = list(product(_BEFORE, range(_STARTS)))
    for before, start in states:
        # Whatever the states to come show, the share cannot fall below what is seldom any more.
        if seen >= _FEWEST and count >= _SELDOM * len(states):
            break
        if at_first - context.budget.remaining > _PART * context.budget.seconds:
            break
        context.budget.steps(before + 1 + _AFTER, least=before + 1 + _AFTER, plays=_FEWEST_ACTIONS)
        prefix, rest = ([draw(context.env.action_space, random) for _ in range(length)] for length in (before, _AFTER))
        differs = _differs(context, start, prefix, plans, rest)
        if differs is None:
            continue
        seen += 1
        count += differs
    if seen < _FEWEST:
        raise Skipped("episodes are too short, or steps too slow, to compare enough states")
    share = count / seen
    if share < _SELDOM:
        yield warning(
            "actions-seldom-count",
            f"In {count} of {seen} states it makes a difference which action is taken.",
            "Look for what stores or repeats actions, or for a condition under which step uses them.",
            observed=share,
            expected=_SELDOM,
        )
    return f"counts in {count} of {seen} states"


def _differs(
    context: PreflightContext, start: int, prefix: Sequence[Any], plans: Sequence[Any], rest: Sequence[Any]
) -> bool | None:
    """Return whether it shows which action follows ``prefix``; ``None`` where the episode ends before."""
    one = play_actions(context.env, start, [*prefix, plans[0], *rest])
    if len(one[0]) <= len(prefix) + 1:
        return None
    others = (play_actions(context.env, start, [*prefix, plan, *rest]) for plan in plans[1:])
    return any(not same(one[0], other[0]) or not same(one[1], other[1]) for other in others)
