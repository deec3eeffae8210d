"""The time limit does not cut off what pays.

What it does: where every random episode is cut off by the time limit and no reward was above zero, plays on beyond the
limit with random actions and with others that are held. Where a first reward above zero comes at the same step in all
of these plays, it is paid at a time that the limit leaves out.

Why it matters: what is paid at the end of a season, a shift or a match is never seen by a policy that is cut off
before. It learns to avoid what costs, and the return rises all the while.

What to do: raise the limit (``max_episode_steps`` at registration) beyond the step that pays.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, one_line, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, number_of
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.inspection import time_limit

# How far beyond the limit is looked, in limits and in steps. Ours.
_FARTHER, _MOST = 1.0, 300
_PLAYS = 4


@check(
    "ENV125",
    "pay-beyond-limit",
    requires=("ENV105", "ENV111", "ENV401"),
    late=1,
    faults=("limit-before-the-pay",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play on beyond the limit."""
    batch, limit = context.batch, time_limit(context.env)
    if limit is None or any(terminated for _, terminated, _ in batch.ends) or batch.rewards.max() > 0:
        raise Skipped("no time limit, or something ends or pays before it")
    if context.has_goals:
        raise Skipped("rewards of goals are looked at by reward-density (ENV402)")
    if not context.repeatable:
        raise NotRun("it does not repeat itself (ENV105)")
    most = limit + int(min(_FARTHER * limit, _MOST))
    steps = context.budget.steps(most, plays=_PLAYS)
    paid: list[tuple[int, float]] = []
    try:
        for seed, actions in enumerate(_plans(context, steps)):
            paid.append(_first_pay(context, seed, actions))
            if len({step for step, _ in paid}) > 1 or paid[0][0] <= limit:
                return f"nothing is paid at one step between {limit} and {steps}"
    except Exception as problem:
        raise Skipped(f"it cannot be played beyond its limit ({one_line(problem)})") from problem
    step, most_paid = paid[0][0], max(reward for _, reward in paid)
    yield warning(
        "limit-before-the-pay",
        f"The time limit cuts every episode off after {limit} steps, none of which pays. Played on, step {step} paid "
        f"in each of {len(paid)} plays, up to {most_paid:.3g}: the first reward above zero.",
        f"Raise the time limit to {step} steps or more.",
        observed=limit,
        expected=step,
    )
    return ""


def _plans(context: PreflightContext, steps: int) -> Iterator[list[Any]]:
    space = context.env.action_space
    for seed in range(_PLAYS // 2):
        random = np.random.default_rng(seed)
        yield [draw(space, random) for _ in range(steps)]
    for action in alternatives(space, _PLAYS // 2, seed=71):
        yield [action] * steps


def _first_pay(context: PreflightContext, seed: int, actions: list[Any]) -> tuple[int, float]:
    """Return after how many steps the first reward above zero came, and that reward; 0 for never."""
    context.env.reset(seed=seed)
    for step, action in enumerate(actions, 1):
        _, reward, terminated, _, _ = context.env.step(action)
        if number_of(reward) > 0:
            return step, number_of(reward)
        if terminated:
            break
    return 0, 0.0
