"""What the reward depends on is in the observation.

What it does: looks for two episodes with the same observations and actions and other rewards. Then it takes attributes
that each reset sets anew, such as a target, gives one episode those of another, and compares: where the rewards change
and no observation does, the reward depends on something that the observation does not show.

Why it matters: a policy that cannot see its target learns to stay where targets are on average, which looks like
learning that stalls half-way. No setting helps.

What to do: add what the finding names to the observation, or its difference from what is there.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.hidden import Interference, candidates, play_with, visible
from rldoctor.preflight.probes.inspection import shown
from rldoctor.preflight.probes.plays import same

_STEPS = 8
_SEEDS = 6
# Of fewer, two numbers of a board follow each other by chance.
_RESETS = 25
# Single precision.
_NEAR = 1e-6
# A target is the same all along, so its effect on the reward is of one kind; noise is not.
_STEADY = 0.5


def _alike(first: FloatArray, second: FloatArray) -> bool:
    return first.shape == second.shape and np.allclose(first, second, rtol=_NEAR, atol=_NEAR, equal_nan=True)


@check(
    "ENV411",
    "hidden-goal",
    requires=("ENV105", "ENV202", "ENV205", "ENV401"),
    faults=("reward-needs-what-is-hidden", "reward-noisy"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Compare rewards where the observations are the same."""
    if context.has_goals:
        raise Skipped("the goals of the observation have a check of their own (ENV206)")
    steps = context.budget.steps(_STEPS, least=3, plays=_SEEDS)
    env, random = context.env, np.random.default_rng(5)
    actions = [draw(env.action_space, random) for _ in range(steps)]
    plays = [play_with(env, seed, actions) for seed in range(_SEEDS)]
    first = plays[0]
    other = next((p for p in plays[1:] if same(p.seen, first.seen) and not _alike(p.rewards, first.rewards)), None)
    names = _unseen(context, plays) if other is not None else []
    if other is not None and not _is_shown_coarsely(context, names, plays, actions):
        gap = other.rewards - first.rewards
        if _is_noise(gap):
            yield error(
                "reward-noisy",
                "Two episodes with the same observations and actions give rewards that differ at random, by up to "
                f"{np.abs(gap).max():.3g}.",
                "Compute the reward from the state and the action; remove the random number from it.",
                observed=float(np.abs(gap).max()),
            )
            return ""
        named = (
            f" (self.{names[0]} differs: {shown(first.state[names[0]])} and {shown(other.state[names[0]])})"
            if names
            else ""
        )
        yield error(
            "reward-needs-what-is-hidden",
            "Two episodes with the same observations and actions give other rewards, by up to "
            f"{np.abs(gap).max():.3g}: the reward depends on something that the observation does not show{named}.",
            "Add the goal, or whatever reset draws and the reward needs, to the observation.",
            observed=float(np.abs(gap).max()),
            attributes=names[:8],
        )
        return ""
    for name in _unseen(context, plays):
        found = _interfere(context, name, plays, actions)
        if found is not None:
            yield error(
                "reward-needs-what-is-hidden",
                f"The reward depends on self.{name}, which every reset sets anew and no observation shows: with "
                f"{shown(found.value)} in place of {shown(plays[0].state[name])} the observations stay the same and "
                f"the rewards change by up to {found.gap:.3g}.",
                f"Add self.{name} to the observation, or its difference from what is there.",
                attributes=[name],
                observed=found.gap,
            )
            return ""
    return f"{_SEEDS} episodes with the same actions"


def _unseen(context: PreflightContext, plays: list[Interference]) -> list[str]:
    """Return the attributes that resets set anew, steps leave alone, and first observations do not show."""
    names = candidates(plays)
    if not names:
        return []
    context.budget.require(_RESETS * context.budget.reset_seconds)
    starts = [play_with(context.env, 100 + number, []) for number in range(_RESETS)]
    return [name for name in names if not visible(name, starts)]


def _is_shown_coarsely(
    context: PreflightContext, names: list[str], plays: list[Interference], actions: list[object]
) -> bool:
    """Return whether episodes that look alike do so by chance: others do not, nor does any target among ``names``."""
    if all(same(play.seen, plays[0].seen) for play in plays):
        return False
    return bool(names) and all(_interfere(context, name, plays, actions) is None for name in names)


def _is_noise(gap: FloatArray) -> bool:
    """Return whether differences jump from step to step instead of keeping their sign or changing slowly."""
    moved = gap[1:]
    if len(moved) < 3 or moved.std() < 1e-9:
        return False
    return bool(np.abs(np.diff(moved)).mean() > _STEADY * np.abs(moved).mean() * 2)


def _interfere(
    context: PreflightContext, name: str, plays: list[Interference], actions: list[object]
) -> Interference | None:
    """Play seed 0 with the values that other seeds have; return a play if only rewards ever differ.

    A board of few cells shows a target coarsely: two values may look the same, and others do not.
    """
    base, found = plays[0], None
    for other in plays[1:]:
        value = other.state[name]
        context.budget.steps(len(actions), plays=1)
        played = play_with(context.env, 0, actions, (name, value))
        if not played.set:
            continue
        # An episode that ends where its target lies says as much as its steps do.
        shared = min(len(played.seen), len(base.seen))
        if not same(played.seen[1:shared], base.seen[1:shared]):
            return None
        if found is None and not _alike(played.rewards[:shared], base.rewards[:shared]):
            found = played.against(base, value)
    return found
