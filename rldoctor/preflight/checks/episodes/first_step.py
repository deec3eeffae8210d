"""Episodes start where they can go on.

What it does: where some random episodes end before their limit, resets many times and takes one step, and for the
starts that end at once every other action, too.

Why it matters: a start outside the bounds within which an episode goes on ends it with the first step, whatever the
policy does. Such episodes teach nothing, and pull the mean return down.

What to do: draw starts well inside the bounds, in the same units, and place the goal away from the start.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.alternatives import alternatives

# Resets, and those that say enough; the first of their seeds; and what they may take of the budget.
_RESETS, _FEW, _FIRST, _PART = 50, 20, 1000, 0.05
_PLANS = 4
# Ours: one start in seven; of goals drawn on a small board some are next to the start.
_OFTEN = 0.15
# Other episodes are long: of a game of few steps, some are over at once.
_LONG = 5
_FEWEST = 3


@check("ENV123", "first-step", requires=("ENV108", "ENV111"), late=1, faults=("starts-at-the-end",))
def run(context: PreflightContext) -> CheckFindings:
    """Reset many times and take one step."""
    batch, env = context.batch, context.env
    limit = context.horizon or 0
    lengths = [length for length, *_ in batch.ends]
    if not any(terminated or length < limit for length, terminated, _ in batch.ends):
        raise Skipped("no random episode ended before its limit")
    if max(lengths) == 1 and len(lengths) == len(batch.starts) >= _FEWEST:
        raise Skipped("every random episode is one step long (ENV108)")
    random = np.random.default_rng(12)
    plans = alternatives(env.action_space, _PLANS, seed=93)
    affordable = _PART * context.budget.seconds / max(context.budget.reset_seconds + context.budget.step_seconds, 1e-6)
    if affordable < _FEW:
        raise Skipped("resets are too slow to look at many")
    resets = int(min(_RESETS, affordable))
    ended = []
    for seed in range(_FIRST, _FIRST + resets):
        if _ends(context, seed, draw(env.action_space, random)) and all(_ends(context, seed, plan) for plan in plans):
            ended.append(seed)
    share = len(ended) / resets
    others = _others(context, plans, ended) if share >= _OFTEN else 0.0
    if others >= _LONG:
        yield warning(
            "starts-at-the-end",
            f"{len(ended)} of {resets} starts end with their first step, whatever the action is; other episodes last "
            f"{others:.0f} steps and more.",
            "Compare the range of starts with the bounds outside which an episode ends; keep goals away from starts.",
            observed=share,
            expected=0.0,
        )
    return f"{len(ended)} of {resets} starts end with their first step"


def _ends(context: PreflightContext, seed: int, action: object) -> bool:
    context.env.reset(seed=seed)
    _, _, terminated, truncated, _ = context.env.step(action)
    return bool(terminated or truncated)


def _others(context: PreflightContext, plans: list[object], ended: list[int]) -> float:
    """Return the median length of held episodes from starts that do not end at once, up to a few steps."""
    lengths = []
    for seed in [seed for seed in range(_FIRST, _FIRST + _FEW) if seed not in ended][:_PLANS]:
        for plan in plans:
            lengths.append(len(play_actions(context.env, seed, [plan] * (2 * _LONG))[1]) - 1)
    return float(np.median(lengths)) if lengths else 0.0
