"""Going to and fro earns less than arriving.

What it does: looks for pairs of actions of which the second takes back the first, to the same observation, and earns
more than nothing with it, at several starts. From there it plays the two in turn to the end of the episode; and, as a
second policy, always the action that earns most at once, until that ends the episode with its best reward.

Why it matters: a bonus for getting nearer that is not taken back on the way away can be earned again and again. A good
algorithm finds out that never to arrive pays more, and its return rises while nothing is solved.

What to do: pay the difference of a potential, on the way away as well: ``gamma * potential(after) - potential(before)``
(Ng et al. 1999, Policy invariance under reward transformations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import flatten, number_of

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

_CHOICES, _STARTS = 8, 6
# Starts at which a pair has to pay, and at which it has to earn more than arriving, by how much. Ours.
_FEWEST, _MORE = 3, 1.5
_LONGEST, _WAY = 250, 60
# What is earned later counts less: at the usual discount, too, it has to be more.
_GAMMA = 0.99


@check(
    "ENV422",
    "loop-pays",
    requires=("ENV105", "ENV111", "ENV205", "ENV401", "ENV412"),
    late=2,
    faults=("going-to-and-fro-pays-most",),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare a loop with arriving."""
    from gymnasium.spaces import Discrete

    space = context.env.action_space
    if not isinstance(space, Discrete) or not 2 <= space.n <= _CHOICES:
        raise Skipped("no Discrete of a few choices")
    if context.batch.rewards.max() <= 0:
        raise Skipped("no reward above zero")
    env, choices = context.env, [int(space.start) + one for one in range(int(space.n))]
    context.budget.steps(2, least=2, plays=len(choices) ** 2)
    pairs = [(one, two) for one in choices for two in choices if _pays(env, 0, one, two) is not None]
    if not pairs:
        return "no action takes another one back"
    loops = {seed: _best(env, seed, pairs) for seed in range(_STARTS)}
    paying = [seed for seed, (_, net) in loops.items() if net > 0]
    if len(paying) < _FEWEST:
        return "no loop of two actions pays"
    better: list[tuple[float, int, float, int]] = []
    for seed in paying:
        context.budget.require(_WAY * _WAY * len(choices) * context.budget.step_seconds / 2)
        there = _arrive(env, seed, choices)
        if there is None:
            continue
        pair = loops[seed][0]
        fro = _play(env, seed, [pair[step % 2] for step in range(min(context.horizon or _LONGEST, _LONGEST))])
        if fro.sum() > _MORE * there.sum() and _discounted(fro) > _discounted(there):
            better.append((float(fro.sum()), len(fro), float(there.sum()), len(there)))
    if len(better) >= _FEWEST:
        earned, steps, straight, way = max(better)
        yield warning(
            "going-to-and-fro-pays-most",
            f"To and fro between two states earns {earned:.3g} in {steps} steps; going where each step pays most ends "
            f"the episode after {way} steps with its best reward, {straight:.3g} in all. It was so at {len(better)} of "
            f"{_STARTS} starts.",
            "Take back on the way away what is paid on the way there: gamma * potential(after) - potential(before).",
            observed=earned,
            expected=straight,
        )
        return ""
    return f"loops that pay at {len(paying)} of {_STARTS} starts"


def _discounted(rewards: FloatArray) -> float:
    return float(rewards @ _GAMMA ** np.arange(len(rewards)))


def _play(env: Env, seed: int, actions: list[Any]) -> FloatArray:
    env.reset(seed=seed)
    rewards = []
    for action in actions:
        _, reward, terminated, truncated, _ = env.step(action)
        rewards.append(number_of(reward))
        if terminated or truncated:
            break
    return np.array(rewards)


def _pays(env: Env, seed: int, one: int, two: int) -> float | None:
    """Return what two actions earn that lead away and back to the same observation; ``None`` where they do not."""
    first = flatten(env.reset(seed=seed)[0])
    away, paid, *ended, _ = env.step(one)
    away = flatten(away)
    if any(ended) or np.array_equal(first, away):
        return None
    back, again, *ended, _ = env.step(two)
    return (
        None
        if any(ended) or not np.allclose(first, flatten(back), rtol=1e-6, atol=1e-6)
        else float(paid) + float(again)
    )


def _best(env: Env, seed: int, pairs: list[tuple[int, int]]) -> tuple[tuple[int, int], float]:
    """Return the pair that earns most from a start, and what it does."""
    paid = [(net, pair) for pair in pairs if (net := _pays(env, seed, *pair)) is not None]
    net, pair = max(paid, default=(0.0, pairs[0]))
    return pair, net


def _arrive(env: Env, seed: int, choices: list[int]) -> FloatArray | None:
    """Return the rewards of always doing what earns most at once, where that ends the episode with the best of them."""
    way: list[int] = []
    for _ in range(_WAY):
        found = []
        for choice in choices:
            env.reset(seed=seed)
            ended = False
            for action in way:
                env.step(action)
            _, reward, ended, truncated, _ = env.step(choice)
            if truncated and not ended:
                return None
            found.append((number_of(reward), -choice, bool(ended)))
        best = max(found)
        way.append(-best[1])
        if best[2]:
            rewards = _play(env, seed, way)
            # An end that pays no more than the steps before it, as a fall where each step pays, is none to arrive at.
            is_best = len(rewards) > 1 and rewards[-1] > _MORE * max(0.0, float(rewards[:-1].max()))
            return rewards if is_best else None
        if best[0] <= 0:
            return None
    return None
