"""A used environment behaves like a new one.

What it does: plays seed 0 with the same actions in a new environment and in one that has played some episodes, and
compares observations, rewards, lengths and successes. Where they differ it looks for attributes that the reset left as
they were, arrays and deques among them, and gives them back their first values one by one to see which one it is.

Why it matters: what outlives the episode makes training see another task from its second episode on: a step counter
that is not reset ends every later episode at once, an inventory that is kept pays for what was earned before.

What to do: set in ``reset`` whatever ``step`` changes; the finding names the attributes where they can be seen.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, NotRun, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import arrays, draw, play_actions, trajectory
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.info_names import SUCCESS
from rldoctor.preflight.probes.inspection import (
    copy_generators,
    has_running_statistics,
    layers,
    memory_of,
    numbers,
    shown,
    sizes_of,
)
from rldoctor.preflight.probes.plays import difference, played_again, same
from rldoctor.preflight.probes.transcript import is_number

# Long enough for an episode to differ by more than its first step, short against the preflight.
_STEPS = 30
_SHORT = 5
_SHOW_THE_GOAL = "Put the goal of the current episode into desired_goal, in reset and in step."
# Longer than most episodes, where steps are quick: 0.05 s in CartPole.
_USED_STEPS, _USED_SECONDS, _USED_SHARE = 1_200, 0.3, 0.03
_MORE = 3
# New environments that must play alike, where a used one does not. Ours.
_OTHERS = 3
# Attributes that are given back their first value; each is a play.
_TRIED = 8


@check(
    "ENV111",
    "fresh-and-used",
    requires=("ENV102",),
    faults=("state-outlives-episode", "environments-differ"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play one seed in a new and in a used environment."""
    if has_running_statistics(context.env):
        raise Skipped("it normalises by running statistics, which outlive episodes on purpose")
    if context.spec and context.spec.nondeterministic:
        raise Skipped("it is registered as nondeterministic")
    _use(context)
    steps = context.budget.steps(_STEPS, plays=2)
    fresh = context.make() if "spare" in vars(context) else context.spare
    of_new: list[Mapping[str, Any]] = []
    of_used: list[Mapping[str, Any]] = []
    new, used = trajectory(fresh, 0, steps, of_new), trajectory(context.env, 0, steps, of_used)
    if same(new, used) and len(context.batch.rewards) < _SHORT * len(context.batch.starts):
        # Episodes of a step or two have hardly used it: what is kept may be where it was by chance.
        for action in alternatives(context.env.action_space, 3, seed=41):
            for seed in range(_MORE):
                play_actions(context.env, seed, [action] * _SHORT)
            used = trajectory(context.env, 0, steps)
            if not same(new, used):
                break
    if same(new, used):
        yield from _successes(context, of_new, of_used)
        return f"the same {len(new) - 1} steps in a new and in a used environment"
    steps = context.budget.steps(steps, plays=3)
    # Among few places, two environments draw the same one by chance.
    if any(not same(new, trajectory(context.make(), 0, steps)) for _ in range(_OTHERS)):
        if not same(used, played_again(context.env, used, steps)):
            raise NotRun("seed 0 differs from one play to the next (ENV105)")
        if same(new, trajectory(context.make(), 0, steps)):
            raise NotRun("one of three new environments differed; a simulator may do so now and then (ENV105)")
        yield error(
            "environments-differ",
            "Two new environments differ although both were reset to seed 0 and took the same actions.",
            "Draw nothing at random in the constructor; draw it in reset, from self.np_random.",
        )
        return ""
    kept = _kept(context)
    if copy_generators(context.make(), context.env) and same(new, trajectory(context.env, 0, steps)):
        raise NotRun("a random generator of its own goes on from episode to episode (ENV105)")
    again = played_again(context.env, used, steps)
    culprit = next((name for name in list(kept)[:_TRIED] if _is_it(context, name, new, steps)), None)
    if culprit is not None:
        kept = {culprit: kept[culprit]}
    elif not same(used, again) and same(again, played_again(context.env, again, steps)):
        # What was played last decides, and what is drawn at random does not repeat itself.
        pass
    elif not kept and (same(new, again) or not same(used, again)):
        raise NotRun("it differs from one play to the next, and no attribute shows why (ENV105)")
    named = f": {'; '.join(list(kept.values())[:3])}" if kept else ""
    goals = _goals_alone(context, new, used)
    yield error(
        "state-outlives-episode",
        f"State outlives the episode: with seed 0 and the same actions a used environment {_difference(new, used)} "
        f"a new one{named}.",
        _SHOW_THE_GOAL
        if goals
        else f"Set {', '.join(f'self.{name}' for name in list(kept)[:3]) or 'whatever step changes'} in reset.",
        aspect="goal" if goals else difference(new, used),
        attributes=list(kept)[:16],
        steps=[len(new) - 1, len(used) - 1],
    )
    return ""


def _successes(
    context: PreflightContext, of_new: Sequence[Mapping[str, Any]], of_used: Sequence[Mapping[str, Any]]
) -> CheckFindings:
    """Compare the successes that ``info`` tells in two plays which are otherwise the same."""
    name = next((one for one in ("is_success", *SUCCESS) if any(one in info for info in of_new)), None)
    if name is None:
        return ""
    new, used = ([bool(info[name]) for info in some if is_number(info.get(name))] for some in (of_new, of_used))
    # An info may be told now and then; a new environment plays again as it did, or random numbers decide.
    if len(new) != len(used) or new == used:
        return ""
    again: list[Mapping[str, Any]] = []
    trajectory(context.make(), 0, len(of_new), again)
    if [bool(info[name]) for info in again if is_number(info.get(name))] != new:
        return ""
    # Training sees the same task; what is logged of it is wrong.
    yield warning(
        "state-outlives-episode",
        f"State outlives the episode: with seed 0 and the same actions a used environment tells {sum(used)} successes "
        f"({name}) in {len(used)} steps, and a new one {sum(new)}.",
        f"Set in reset what {name} is computed from.",
        aspect="success",
        observed=sum(used),
        expected=sum(new),
    )
    return ""


def _kept(context: PreflightContext) -> dict[str, str]:
    """Return the attributes that differ after the reset of a used and of a new environment, and how, in words."""
    fresh = context.make()
    fresh.reset(seed=0)
    context.env.reset(seed=0)
    after, before = memory_of(context.env), memory_of(fresh)
    # What only step sets in self may have its first value in the class, of the environment or of a wrapper.
    holders = [{**vars(type(layer)), **getattr(layer, "__dict__", {})} for layer in layers(fresh)]
    found = {}
    for name, value in after.items():
        first = before.get(name)
        if first is None:
            holder = next((one for one in holders if name in one), {})
            first = numbers(holder.get(name))
        if first is None:
            found[name] = f"{name} is {shown(value)} after reset and not set in a new one"
        elif not np.array_equal(first, value, equal_nan=True):
            found[name] = f"{name} is {shown(value)} after reset and {shown(first)} in a new one"
    counts = sizes_of(fresh)
    for name, count in sizes_of(context.env).items():
        if counts.get(name, count) != count:
            found[name] = f"{name} holds {count} entries after reset and {counts[name]} in a new one"
    return found


def _is_it(context: PreflightContext, name: str, new: FloatArray, steps: int) -> bool:
    """Return whether a used environment plays as a new one with the first value of an attribute."""
    untouched = context.make()
    for used, first in zip(layers(context.env), layers(untouched), strict=False):
        if name not in getattr(used, "__dict__", {}):
            continue
        value = used.__dict__[name]
        try:
            if name in first.__dict__:
                used.__dict__[name] = deepcopy(first.__dict__[name])
            else:
                del used.__dict__[name]
            return same(new, trajectory(context.env, 0, steps))
        except Exception:
            # It may need what only a reset or a step sets.
            used.__dict__[name] = value
            return False
    return False


def _use(context: PreflightContext) -> None:
    """Play the environment of the other checks for a while: a counter that nobody resets needs time to show."""
    count, random = len(context.batch.rewards), np.random.default_rng(2)
    # Of the processor's time: on a busy machine the environment is to be used as much.
    until, latest = time.process_time() + _USED_SECONDS, time.monotonic() + _USED_SHARE * context.budget.seconds

    def has_time() -> bool:
        return count < _USED_STEPS and time.process_time() < until and time.monotonic() < latest

    while has_time():
        context.env.reset(seed=count)
        over = False
        while not over and has_time():
            _, _, terminated, truncated, _ = context.env.step(draw(context.env.action_space, random))
            count, over = count + 1, bool(terminated or truncated)


def _goals_alone(context: PreflightContext, new: FloatArray, used: FloatArray) -> bool:
    """Return whether nothing but the goal that is shown differs."""
    if not context.has_goals or new.shape != used.shape:
        return False
    places, at = [], 0
    for key, value in arrays(context.batch.raw[0]).items():
        if value.dtype.kind in "biuf":
            places += [key == "desired_goal"] * value.size
            at += value.size
    # Rewards are last; they may follow the goal that is shown.
    shared = [place for place, goal in enumerate(places) if not goal]
    return at + 1 == new.shape[1] and np.array_equal(new[:, shared], used[:, shared], equal_nan=True)


def _difference(new: FloatArray, used: FloatArray) -> str:
    if len(new) != len(used):
        lengths = ("ends" if len(used) < len(new) else "goes on", len(used) - 1, len(new) - 1)
        return (
            f"{lengths[0]} after {lengths[1]} instead of {lengths[2]} steps, unlike"
            if lengths[0] == "ends"
            else (f"plays {lengths[1]} instead of {lengths[2]} steps, unlike")
        )
    if np.array_equal(new[:, :-1], used[:, :-1], equal_nan=True):
        return "gives other rewards than"
    return "shows other observations than"
