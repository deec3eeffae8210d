"""What wrappers do to the reward leaves something of it.

What it does: where nineteen of twenty random steps and more earn one and the same reward, looks at the rewards of the
innermost environment. Where these vary, plays again with rewards that are a thousand times smaller on their way through
the wrappers: where what comes out varies then, a wrapper clips.

Why it matters: a reward of -300 to 0 that is clipped to [-1, 1] is -1 everywhere but at the goal. The environment's
reward is sound, and nothing can be learned from what is left of it.

What to do: scale the reward to the range first and clip it afterwards, or normalise it (``NormalizeReward``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, number_of
from rldoctor.preflight.probes.inspection import user_wrappers
from rldoctor.preflight.probes.tap import rewards_inside

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

# Of the rewards outside, how many are one and the same; of those inside, and of smaller ones outside, how many
# different ones there are at least. A threshold leaves two.
_ALIKE, _VALUES, _STEPS = 0.95, 10, 120
_SMALLER = 1e-3


@check("ENV421", "reward-clipped", requires=("ENV105", "ENV401"), late=1, faults=("reward-clipped-away",))
def run(context: PreflightContext) -> CheckFindings:
    """Compare rewards inside and outside, and smaller ones."""
    wrappers = [type(one).__name__ for one in user_wrappers(context.env)]
    if not wrappers:
        raise Skipped("no wrappers")
    rewards = context.batch.rewards
    level = float(np.median(rewards))
    if np.mean(np.isclose(rewards, level)) < _ALIKE:
        return "rewards vary"
    pairs = rewards_inside(context.env, context.budget.steps(_STEPS, least=_VALUES))
    inner = np.array([sum(inside) for _, inside in pairs])
    outer = np.array([outside for outside, _ in pairs])
    if len(np.unique(inner)) < _VALUES or np.mean(np.isclose(outer, level)) < _ALIKE:
        return "rewards vary inside as little as outside"
    with _smaller(context.env):
        less = _played(context, len(pairs))
    if len(np.unique(less)) < _VALUES:
        return "smaller rewards vary as little"
    # Where episodes end by failing or arriving, how long they are still says something.
    finding = warning if any(terminated for _, terminated, _ in context.batch.ends) else error
    yield finding(
        "reward-clipped-away",
        f"The reward is {level:.3g} in {np.mean(np.isclose(rewards, level)):.0%} of {len(rewards)} random steps; "
        f"inside the wrappers ({', '.join(wrappers)}) it goes from {inner.min():.3g} to {inner.max():.3g}. A wrapper "
        "clips it: smaller rewards come out all different.",
        "Scale the reward to the range first and clip it afterwards, or use NormalizeReward.",
        observed=level,
        expected=[float(inner.min()), float(inner.max())],
    )
    return ""


@contextlib.contextmanager
def _smaller(env: Env) -> Iterator[None]:
    """Let the innermost environment return rewards that are a thousand times smaller."""
    inner = env.unwrapped
    original = inner.step

    def step(action: object) -> object:
        observation, reward, terminated, truncated, info = original(action)
        return observation, _SMALLER * number_of(reward), terminated, truncated, info

    inner.step = step  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        del inner.step


def _played(context: PreflightContext, steps: int) -> FloatArray:
    random, env, rewards = np.random.default_rng(19), context.env, []
    env.reset(seed=0)
    for number in range(steps):
        _, reward, terminated, truncated, _ = env.step(draw(env.action_space, random))
        rewards.append(number_of(reward))
        if terminated or truncated:
            env.reset(seed=number)
    return np.array(rewards)
