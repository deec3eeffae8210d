"""Actions have an effect.

What it does: from the same state, holds each dimension of the action at its bounds for five steps (each choice of a
discrete space, some choices of each head of a MultiDiscrete), and measures how far the observation and the reward move
away from those of the zero action (of the first choice). What shows no effect there is tried again: a choice after some
random steps, a dimension held at either end through random episodes, of which two are the same where it does nothing.
Actions that all show late are a queue where they are as late in other states, not where a start holds them back.

Why it matters: a policy whose actions do nothing cannot learn. A single dead dimension only wastes exploration; the
gripper's in FetchReach is dead by design.

What to do: follow the action through the wrappers and ``step`` to where it should reach the simulation.
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.expectations import load_expectations
from rldoctor.preflight.measurements import draw, play_actions
from rldoctor.preflight.probes.alternatives import alternatives, heads_at, probe_actions
from rldoctor.preflight.probes.plays import same
from rldoctor.preflight.probes.views.onset import parts_at, shows_sooner

# A dead dimension moves nothing at all, to the last bit, where the environment is deterministic. 1e-4 of the
# strongest dimension's effect leaves room for rounding; FetchReach's weakest living one has 0.9 of the strongest.
_DEAD = 1e-4
_NOTHING = 1e-9
# Ours: 0.4 in Pendulum, whose weak motor is the task, 0.7 and more in the other environments of Gymnasium.
_WEAK = 0.05
# Actions that are weak over five steps may work slowly: held for so many, they move Pendulum by 2.6 standard
# deviations, MountainCarContinuous by 5.8, and those of an engine 75 times too weak for its hill by 0.18.
_LONG_HELD, _STILL_WEAK = 200, 0.5
# One of several is a gripper; half of them is a wire.
_HALF = 0.5
# Where an action has no effect at the start, such as into a wall, it is tried after so many random steps.
_PREFIX = 4
_STARTS = 3
# Where none has an effect, so many starts are tried: of actions that count in three steps of ten, five steps show
# nothing in 17 % of the starts.
_OTHERS = 8
# What seems dead is held at either end through whole random episodes: an action that counts in one state of a hundred,
# or in three episodes of ten, is found (0.7 ** 16 < 0.4 %). Held for some steps, other actions lead farther away.
_EPISODES, _LONGEST, _HELD = 16, 100, 4
_LATEST = 40
# An arm that pays 0.7 of the time instead of 0.5 is paid like the other in so many episodes of the same chance once in
# 10^6 times (0.8 ** 60).
_MANY_EPISODES = 60


def _late_effect(context: PreflightContext) -> int:
    """Return after how many steps two quite different actions lead to different observations; 0 where they never do."""
    plans = alternatives(context.env.action_space, 2, seed=31)
    steps = context.budget.steps(_LATEST, plays=3)
    if len(plans) < 2:
        return 0
    one, other, again = (play_actions(context.env, 0, [action] * steps)[0] for action in (*plans, plans[0]))
    # What differs between two plays of the same actions was drawn.
    late, drawn = parts_at(one, other), parts_at(one, again)
    return late if not drawn or late < drawn else 0


def _state_moved(context: PreflightContext, late: int) -> bool:
    """Return whether a first action changes a later reward before it changes the observation, ``late`` steps on."""
    plans = alternatives(context.env.action_space, 2, seed=31)
    random = np.random.default_rng(32)
    rest = [draw(context.env.action_space, random) for _ in range(late - 1)]
    (seen, one), (others, other) = (play_actions(context.env, 0, [action, *rest]) for action in plans)
    shared = min(len(seen), len(others), late)
    # The first reward may hold the cost of the action itself.
    return not np.array_equal(one[2:shared], other[2:shared], equal_nan=True)


def _dead_as_known(context: PreflightContext) -> tuple[tuple[int, ...], str]:
    """Return the dimensions that are known to do nothing, and in which environment: also where that one is wrapped."""
    from gymnasium import registry

    known, name = load_expectations(context.rules), context.env_id.rpartition(":")[2]
    kind = type(context.env.unwrapped)
    for other in known:
        entry = registry[other].entry_point if other in registry else None
        module, _, wanted = entry.partition(":") if isinstance(entry, str) else ("", "", "")
        if name not in known and wanted == kind.__name__ and kind.__module__.startswith(module):
            name = other
    expected = known.get(name)
    if expected is None or expected.action.shape != getattr(context.env.action_space, "shape", None):
        return (), name
    return expected.action.dead, name


def _pays_by_chance(context: PreflightContext) -> bool:
    """Return whether two actions are paid differently in any of many short episodes, as the arms of a bandit are."""
    plans = alternatives(context.env.action_space, 2, seed=33)
    if len(plans) < 2:
        return False
    for seed in range(context.budget.steps(_MANY_EPISODES, plays=4)):
        (seen, one), (others, other) = (play_actions(context.env, seed, [action] * 2) for action in plans)
        if one.shape != other.shape or not np.array_equal(one, other, equal_nan=True):
            return True
        if seen.shape != others.shape or not np.array_equal(seen, others, equal_nan=True):
            return False
    return False


def _choice_works_elsewhere(context: PreflightContext, index: int) -> bool:
    """Return whether a choice of a Discrete makes a difference after some random steps."""
    env, start = context.env, int(getattr(context.env.action_space, "start", 0))
    for seed in range(_STARTS):
        steps = context.budget.steps(_PREFIX + 3, plays=2)
        random = np.random.default_rng(seed)
        # The longer, the farther from the start.
        prefix = [draw(env.action_space, random) for _ in range(min(_PREFIX * (1 + seed), 4 * steps))]
        one, other = (play_actions(env, seed, [*prefix, *[action] * 3])[0] for action in (start, start + index))
        if one.shape != other.shape or not np.array_equal(one, other, equal_nan=True):
            return True
    return False


def _works_elsewhere(context: PreflightContext, index: int) -> bool:
    """Return whether a dimension makes a difference anywhere in random episodes, beside random other actions.

    Two plays that differ in it alone are the same up to the first state in which it counts.
    """
    from gymnasium.spaces import Box

    env, space = context.env, context.env.action_space
    ends = (space.low, space.high) if isinstance(space, Box) else (heads_at(space, 0.0), heads_at(space, 1.0))
    for seed in range(_EPISODES):
        steps = context.budget.steps(_LONGEST, plays=2)
        random, held = np.random.default_rng(seed), _HELD if seed % 2 else 1
        others = [draw(space, random) for _ in range(-(-steps // held)) for _ in range(held)]
        plays = []
        for bound in ends:
            actions = np.array(others)
            actions.reshape(len(actions), -1)[:, index] = bound.ravel()[index]
            plays.append(play_actions(env, seed, actions)[0])
        if not same(*plays):
            return True
    return False


@check(
    "ENV302",
    "action-effects",
    requires=("ENV111", "ENV124", "ENV201", "ENV202", "ENV205", "ENV301"),
    faults=(
        "actions-without-effect",
        "actions-change-reward-alone",
        "action-effect-delayed",
        "action-dimension-dead",
        "action-choice-without-effect",
        "action-dimension-dead-as-known",
        "actions-weak",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Hold each action and measure what moves."""
    from gymnasium.spaces import Discrete

    effects = context.effects
    if effects is None:
        raise Skipped("this action space cannot be tried one action at a time")
    if effects.sizes.max() <= _NOTHING:
        # Random numbers may have taken the place of every action after one start, and not after another.
        others = (probe_actions(context.env, context.batch, context.budget, seed=seed) for seed in range(1, _OTHERS))
        effects = next((other for other in others if other and other.sizes.max() > _NOTHING), effects)
    strongest = float(effects.sizes.max())
    late = _late_effect(context) if strongest <= _NOTHING else 0
    pays = bool(effects.rewards.max() > _NOTHING) or (strongest <= _NOTHING and not late and _pays_by_chance(context))
    if strongest <= _NOTHING and pays and not late:
        # A bandit is such an environment; where there are goals to move to, an action must move something.
        found = error if context.has_goals or context.expectation.envs else note
        yield found(
            "actions-change-reward-alone",
            f"None of the {len(effects.labels)} actions changes the observation; they change the reward alone.",
            "If actions should move something, follow them through the wrappers and step to the simulation.",
            aspect="at-once" if found is note and not _state_moved(context, _LATEST) else "",
            observed=strongest,
        )
        return ""
    if strongest <= _NOTHING:
        if late:
            if shows_sooner(context.env, context.budget, alternatives(context.env.action_space, 2, seed=31), late):
                return f"an effect after {late} steps from the start, and sooner elsewhere: no queue"
            yield error(
                "action-effect-delayed",
                f"No action changes the observation within five steps; the first effect comes after {late}.",
                "Look for a queue of actions, or for observations that are returned some steps late.",
                aspect="seen" if _state_moved(context, late) else "",
                observed=late,
            )
            return ""
        # Without any reward there is nothing to learn anyway, which ENV401 reports.
        found = error if np.ptp(context.batch.rewards) > 0 or context.has_goals else warning
        yield found(
            "actions-without-effect",
            f"None of the {len(effects.labels)} actions, held for five steps, changes the observation or the reward.",
            "Follow the action through the wrappers and step to where it should reach the simulation.",
            observed=strongest,
        )
        return ""
    if strongest < _WEAK:
        longer = probe_actions(context.env, context.batch, context.budget, _LONG_HELD)
        far = strongest if longer is None else float(longer.sizes.max())
        message = (
            f"Full actions, held for five steps, move the observation by {strongest:.2g} standard deviations; held for "
            f"up to {_LONG_HELD}, by {far:.2g}."
        )
        remedy = "Compare the action's bounds with what the simulation expects."
        found = warning if far < _STILL_WEAK else note
        yield found("actions-weak", message, remedy, observed=far, expected=_STILL_WEAK)
    dead = np.flatnonzero(effects.sizes < _DEAD * strongest).tolist()
    known, where = _dead_as_known(context)
    expected = [i for i in dead if i in known]
    works = _choice_works_elsewhere if isinstance(context.env.action_space, Discrete) else _works_elsewhere
    unexpected = [i for i in dead if i not in expected and not works(context, i)]
    dead = [*expected, *unexpected]
    if expected:
        labels = ", ".join(effects.labels[i] for i in expected)
        message = f"{labels} does nothing (expected for {where})."
        yield note("action-dimension-dead-as-known", message, dimensions=expected)
    if unexpected:
        labels = ", ".join(effects.labels[i] for i in unexpected)
        remedy = "Connect it to the simulation, or leave it out of the action space."
        if isinstance(context.env.action_space, Discrete):
            first = effects.labels[0]
            message = f"{labels} did what {first} does wherever it was tried; it may need a state that was not reached."
            yield note("action-choice-without-effect", message, remedy, dimensions=unexpected)
        else:
            message = (
                f"{labels} changed nothing in the observation in {_EPISODES} random episodes, whatever the other "
                "actions were."
            )
            aspect = "half" if len(unexpected) >= _HALF * len(effects.labels) else ""
            yield warning("action-dimension-dead", message, remedy, aspect=aspect, dimensions=unexpected)
    return f"{len(effects.labels) - len(dead)} of {len(effects.labels)} actions have an effect"
