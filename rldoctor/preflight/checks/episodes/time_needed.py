"""The time limit leaves time for something to happen.

What it does: where every random episode is cut off within 50 steps and paid the same all along, plays on beyond the
limit with actions that are held for some steps, until the episode ends by itself or another reward comes. Then it
leaves out parts of these actions as long as that still happens, goes the shortest way through the observations that it
has come by, plays more episodes of twice the limit, and compares the fewest steps that were found with the limit.

Why it matters: a policy that is always cut off before anything can happen sees one reward and nothing to learn from,
and the curves look as those of a reward without a signal. A limit in seconds that was taken for steps is such a limit.

What to do: raise the limit (``max_episode_steps`` at registration, or the environment's own counter).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, one_line, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten, number_of

# The shortest limit of an environment of Gymnasium and gymnasium-robotics (Reacher, Pusher, Fetch: 50 and more).
_SHORT = 50
_EPISODES = 3
# Held for 4 steps on average, actions brought Acrobot to its end within 1,000 steps in 18 of 20 plays; drawn anew at
# each step, in 3 of 20.
_HELD, _STEPS, _PLAYS = 4, 1_000, 8
# Parts that are left out: halves first, and down to a 32nd.
_FINEST, _TRIALS = 32, 120
# Ours: what is left of the actions may take twice as long as the best policy needs.
_FACTOR = 2
# Further starts. What one random episode in 20 comes by is missed by all of them once in 20 times (0.95 ** 60).
_STARTS = 60


@check("ENV119", "time-needed", requires=("ENV105", "ENV111", "ENV401"), late=1, faults=("limit-before-any-end",))
def run(context: PreflightContext) -> CheckFindings:
    """Play on beyond a short limit."""
    batch = context.batch
    limits = {length for length, terminated, _ in batch.ends if not terminated}
    if len(limits) != 1 or not len(batch.ends) == len(batch.starts) >= _EPISODES or max(limits) > _SHORT:
        raise Skipped(f"episodes are not all cut off within {_SHORT} steps")
    if len(batch.ends) > sum(not terminated for _, terminated, _ in batch.ends) or np.ptp(batch.rewards) > 0:
        raise Skipped("something happens before the limit")
    if context.has_goals:
        raise Skipped("whether goals can be reached in time is looked at by goal-reachable (ENV406)")
    if not context.repeatable:
        raise NotRun("it does not repeat itself (ENV105)")
    (limit,) = limits
    usual = float(batch.rewards[0])
    try:
        seed, actions = _any_end(context, usual)
        if not actions:
            return f"nothing happened within {_STEPS} steps either"
        first, enough = len(actions), _FACTOR * limit
        actions = _shortened(context, seed, actions, usual, enough)
        if len(actions) > enough and (shorter := _short_cut(context, seed, actions, usual, enough)):
            actions = shorter
        if len(actions) > enough and (shorter := _sooner(context, usual, enough)):
            actions = shorter
    except Exception as problem:
        raise Skipped(f"it cannot be played beyond its limit ({one_line(problem)})") from problem
    if len(actions) > _FACTOR * limit:
        yield warning(
            "limit-before-any-end",
            f"Every random episode is cut off after {limit} steps, all paid {usual:g}. Played on, something happened "
            f"after {first} steps, and the shortest way that was found takes {len(actions)}.",
            "Raise the time limit, if the task takes longer.",
            observed=limit,
            expected=len(actions),
        )
    return f"the limit is {limit} steps, a way to some end takes {len(actions)}"


def _happens(context: PreflightContext, seed: int, actions: Sequence[Any], usual: float) -> int:
    """Return after how many of ``actions`` the episode ends by itself or is paid otherwise; 0 for never."""
    context.env.reset(seed=seed)
    for step, action in enumerate(actions, 1):
        _, reward, terminated, _, _ = context.env.step(action)
        if terminated or number_of(reward) != usual:
            return step
    return 0


def _any_end(context: PreflightContext, usual: float) -> tuple[int, list[Any]]:
    """Return a seed and actions after which something happens; none where nothing does."""
    space = context.env.action_space
    for seed in range(_PLAYS):
        random = np.random.default_rng(seed)
        steps = context.budget.steps(_STEPS, plays=2)
        actions: list[Any] = []
        for _ in range(steps):
            held = actions and random.random() >= 1 / _HELD
            actions.append(actions[-1] if held else draw(space, random))
        if step := _happens(context, seed, actions, usual):
            return seed, actions[:step]
    return 0, []


def _shortened(context: PreflightContext, seed: int, actions: list[Any], usual: float, enough: int) -> list[Any]:
    """Leave out parts of ``actions`` after which it still happens, down to ``enough`` of them."""
    size, trials = len(actions) // 2, 0
    while size >= max(1, len(actions) // _FINEST) and len(actions) > enough:
        start = 0
        while start < len(actions) and len(actions) > enough and trials < _TRIALS:
            trial = [*actions[:start], *actions[start + size :]]
            context.budget.steps(len(trial), least=len(trial))
            step = _happens(context, seed, trial, usual)
            trials += 1
            if step:
                actions = trial[:step]
            else:
                start += size
        size //= 2
    return actions


def _short_cut(context: PreflightContext, seed: int, actions: list[Any], usual: float, enough: int) -> list[Any]:
    """Return the shortest way through observations that random play has come by; none where it is not one.

    Observations that do not come again, as most of numbers that vary continuously, show no shorter way.
    """
    random, space = np.random.default_rng(seed), context.env.action_space
    onwards: dict[bytes, dict[bytes, Any]] = {}
    start, before = b"", b""
    for number in range(_PLAYS):
        way = actions if number == 0 else [draw(space, random) for _ in range(context.budget.steps(_STEPS, plays=2))]
        at = flatten(context.env.reset(seed=seed)[0]).tobytes()
        start = start or at
        for step, action in enumerate(way, 1):
            seen, _, terminated, _, _ = context.env.step(action)
            last, at = at, flatten(seen).tobytes()
            onwards.setdefault(last, {}).setdefault(at, action)
            # What the last of the actions leads to may be an end that looks like any other place.
            before = last if number == 0 and step == len(way) else before
            if terminated:
                break
    ways: dict[bytes, list[Any]] = {start: []}
    queue = deque([start])
    while queue and before not in ways:
        at = queue.popleft()
        for there, action in onwards.get(at, {}).items():
            if there not in ways and len(ways[at]) < enough:
                ways[there] = [*ways[at], action]
                queue.append(there)
    trial = [*ways[before], actions[-1]] if before in ways else []
    step = _happens(context, seed, trial, usual)
    return trial[:step]


def _sooner(context: PreflightContext, usual: float, enough: int) -> list[Any]:
    """Return actions after which something happens within ``enough`` steps of another start; none where none do."""
    space = context.env.action_space
    for seed in range(_PLAYS, _PLAYS + _STARTS):
        random = np.random.default_rng(seed)
        steps = min(enough, context.budget.steps(enough))
        actions: list[Any] = []
        for _ in range(steps):
            held = seed % 2 and actions and random.random() >= 1 / _HELD
            actions.append(actions[-1] if held else draw(space, random))
        if step := _happens(context, seed, actions, usual):
            return actions[:step]
    return []
