"""An action shows in the very next observation, and in its reward.

What it does: plays seed 0 several times with the same actions up to the fourth step and different ones from there, and
looks for the first step whose observation, and whose reward, differs. Looks whether first steps show once more what the
reset showed.

Why it matters: an action that is applied a step late, or an observation taken before the simulation moved, shifts cause
and effect: the advantage of an action is measured at another one. PPO gets worse with every step of delay.

What to do: apply the action before the simulation steps and read the observation after it; keep no queue. If the delay
is part of the task, add the last actions to the observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, note, shortened, warning
from rldoctor.preflight.checks.rewards.reward_range import paid_at_the_end
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.views.first_step import repeated_at_first
from rldoctor.preflight.probes.views.onset import shows_sooner
from rldoctor.preflight.probes.views.sources import copies, differs_at_once, follows, somewhere, watch

_PREFIX = 3
_AFTER = 6
_MOST = 4
_LONG = 50
_VALUES = 2
# Steps for which what an action changed has to stay changed, and those that show what observations are made of.
_LASTING, _WATCHED = 4, 25
# Where an effect comes late after the first starts, more are tried: of actions that random numbers replace in seven
# steps of ten, none shows at once in three starts with a chance of 34 %, in twelve of 1 %.
_STARTS, _MOST_STARTS = 3, 12
# Choices that are tried where an own reward is looked for: the right one of ten digits may be needed.
_CHOICES = 10


def _first(rows: list[np.ndarray], prefix: int) -> int | None:
    """Return how many steps after the first different action any two plays differ; ``None`` for never."""
    shared = min(map(len, rows))
    for step in range(prefix + 1, shared):
        if any(not np.array_equal(rows[0][step], other[step], equal_nan=True) for other in rows[1:]):
            return step - prefix - 1
    return None


def _follows_what_moves_late(context: PreflightContext, plans: list[Any], reward_lag: int) -> bool:
    """Return whether a number of the observation moves as late as the reward does, while others move at once.

    A position follows its velocity: a reward of the position after the step is one step later than the action.
    """
    held = [[plans[0]] * _PREFIX + [plan] * (reward_lag + 1) for plan in plans]
    seen = [play_actions(context.env, 0, actions)[0] for actions in held]
    if min(map(len, seen)) < _PREFIX + 2 + reward_lag:
        return False
    moved = [
        np.any([seen[0][_PREFIX + 1 + lag] != other[_PREFIX + 1 + lag] for other in seen[1:]], axis=0)
        for lag in range(reward_lag + 1)
    ]
    first = np.any(moved[:-1], axis=0)
    return bool(first.any() and (moved[-1] & ~first).any())


@check(
    "ENV311",
    "action-lag",
    requires=("ENV105", "ENV205", "ENV302"),
    faults=("action-takes-effect-late", "observation-late", "reward-late"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Change the fourth action and look when it shows."""
    repeated = repeated_at_first(context.env, context.batch, context.budget)
    if repeated:
        several = len(repeated) > 1
        yield warning(
            "observation-late",
            f"The observation is one step late: the first step of every episode shows number{'s' if several else ''} "
            f"{shortened(repeated)} as the reset did, and all later steps show something new.",
            "Move on to the next row or state first, and read the observation afterwards.",
            observed=1,
            expected=0,
            dimensions=repeated[:32],
        )
        return "the first step shows what the reset did"
    plans = alternatives(context.env.action_space, _MOST, seed=11)
    if len(plans) < 2:
        raise Skipped("there is no other action to compare with")
    after = context.budget.steps(_AFTER, plays=3 * len(plans))
    lags: list[int] = []
    reward_lags: list[int] = []
    firsts: set[float] = set()
    laters: set[float] = set()
    for seed in range(_MOST_STARTS):
        if seed >= _STARTS and not (lags and min(lags) > 0):
            break
        # The same first actions in all plays; then each holds its own.
        prefix = [alternatives(context.env.action_space, _PREFIX + 1, seed=seed)[i % 2] for i in range(_PREFIX)]
        plays = [play_actions(context.env, seed, [*prefix, *[plan] * after]) for plan in plans]
        lag, reward_lag = (_first([play[part] for play in plays], _PREFIX) for part in (0, 1))
        lags += [lag] if lag is not None else []
        reward_lags += [reward_lag] if reward_lag is not None else []
        firsts.update(float(play[1][1]) for play in plays if len(play[1]) > 1)
        laters.update(float(value) for play in plays for value in play[1][2:])
        if lag == 0 and (reward_lag == 0 or context.has_goals):
            break
    if not lags and reward_lags and min(reward_lags) > 0:
        # Nothing moves, as with a bandit: its reward is for the action that was just taken, unless several are paid as
        # a whole.
        if not _as_late_elsewhere(context, plans, min(reward_lags)):
            return "a reward for several actions, of which the last one counts at once"
        yield warning(
            "reward-late",
            f"The reward is {min(reward_lags)} steps late: an action changes nothing but a later reward.",
            "Return the reward of an action with the step that takes it.",
            observed=min(reward_lags),
            expected=0,
        )
        return f"reward {min(reward_lags)} steps after the action"
    if not lags:
        raise Skipped("no action made a difference within some steps")
    if not reward_lags and len(np.unique(context.batch.rewards)) > _VALUES and not context.has_goals:
        longer = context.budget.steps(_LONG, plays=4)
        far = [play_actions(context.env, 0, [plan] * longer)[1] for plan in plans[:2]]
        # Held actions may end an episode before a late reward shows; drawn ones seldom do.
        drawn = [np.random.default_rng(seed) for seed in (1, 2)]
        far += [
            play_actions(context.env, 0, [draw(context.env.action_space, one) for _ in range(longer)])[1]
            for one in drawn
        ]
        found = [late for pair in (far[:2], far[2:]) if (late := _first(pair, 0)) is not None]
        reward_lags += [min(found)] if found else []
        firsts.update(float(rewards[1]) for rewards in far)
        laters.update(float(value) for rewards in far for value in rewards[2:])
    # A reward of two values waits for its event; how late it comes says nothing.
    telling = len(firsts | laters) > _VALUES and not paid_at_the_end(context.batch, shortest=2)
    lag, reward_lag = min(lags), min(reward_lags, default=None) if telling else None
    if lag > 0:
        steps = "one step" if lag == 1 else f"{lag} steps"
        if reward_lag == 0:
            yield warning(
                "observation-late",
                f"The observation is {steps} late: an action changes the reward at once, not the observation.",
                "Read the observation after the simulation has moved.",
                observed=lag,
                expected=0,
            )
        elif lag == 1 and _moves_at_once(context, plans):
            return "an action changes the state at once; positions follow one step later"
        elif shows_sooner(context.env, context.budget, plans, lag + 1):
            return "an action is held back at the start alone"
        else:
            yield warning(
                "action-takes-effect-late",
                f"An action takes effect {steps} late: neither observation nor reward of its own step depends on it.",
                "Apply the action before the simulation moves, and read the observation afterwards; keep no queue.",
                observed=lag,
                expected=0,
            )
    elif (
        reward_lag
        and not _follows_what_moves_late(context, plans, reward_lag)
        and (reward_lag := _as_late_elsewhere(context, plans, reward_lag))
    ):
        steps = "one step" if reward_lag == 1 else f"{reward_lag} steps"
        message = f"The reward is {steps} late: an action changes the observation at once and the reward {steps} later."
        remedy = "Compute the reward from the state after the step."
        # A reward of the state before the step is a matter of definition; one that is owed begins with nothing.
        owed = len(firsts) == 1 and len(laters) > 2
        yield (warning if owed or reward_lag > 1 else note)(
            "reward-late", message, remedy, observed=reward_lag, expected=0
        )
    return f"observation {lag}, reward {'never' if reward_lag is None else reward_lag} steps after the action"


def _as_late_elsewhere(context: PreflightContext, plans: list[Any], reward_lag: int) -> int:
    """Return how late the reward is in several states, ever farther from the start: 0 where that is no fixed number.

    It is none where an action changes its own reward in any of them, as where it sells what was gathered, nor where
    the wait is the shorter the later the action, as for what is paid at a fixed step.
    """
    waits: list[int] = []
    if isinstance(getattr(context.env.action_space, "n", None), (int, np.integer)):
        plans = alternatives(context.env.action_space, _CHOICES, seed=11)
    # At every number of steps that may divide the time into rounds; twice as far as there are starts.
    for seed, farther in enumerate([*range(_MOST_STARTS), *range(_MOST_STARTS, 2 * _MOST_STARTS, 2)]):
        random = np.random.default_rng(seed)
        before = [draw(context.env.action_space, random) for _ in range(farther)]
        steps = len(before) + reward_lag + 1
        context.budget.steps(steps, least=steps, plays=len(plans))
        paid = [play_actions(context.env, seed, [*before, *[plan] * (reward_lag + 1)])[1] for plan in plans]
        # Where an episode ends sooner than the others, what it would have paid is not known.
        wait = _first(paid, len(before))
        if wait == 0:
            return 0
        waits += [wait] if wait is not None else []
    shortest = min(waits, default=reward_lag)
    return shortest if shortest == reward_lag or waits.count(shortest) > 1 else 0


def _moves_at_once(context: PreflightContext, plans: Sequence[Any]) -> bool:
    """Return whether the state changes at once and for good, and observations are current but show slower parts of it.

    Such as positions, which follow the velocities of the step before.
    """
    env, random = context.env, np.random.default_rng(35)
    steps = context.budget.steps(_WATCHED, plays=4)
    plays = [watch(env, seed, [draw(env.action_space, random) for _ in range(steps)]) for seed in range(2)]
    # What is kept to be shown a step later says nothing about now.
    sources = ~copies(plays)
    if not (follows(plays, 0) & sources).any() and not (somewhere(plays) & sources).any():
        return False
    before = [alternatives(env.action_space, 1, seed=step)[0] for step in range(_PREFIX)]
    return any(differs_at_once(env, seed, before, plans[:2], after=_LASTING) for seed in range(2))
