"""The same seed gives the same trajectory.

What it does: plays 20 steps twice, from the same seed with the same actions, and compares observations and rewards.
Where they are the same and its time allows, it plays the longest random episode again, up to 250 steps: what is drawn
seldom, such as by a shuffle when the cards run out, shows only there. Gymnasium's and gymnasium-robotics' own are left
out.
Where they differ, it plays them some more times: what rises or falls from episode to episode was not drawn. It also
plays them with a clock that goes evenly, where the environment reads one.

Why it matters: otherwise no run can be repeated, and a comparison of two settings is left to chance.

What to do: draw every random number in the environment from ``self.np_random``, seeded by ``super().reset(seed=seed)``.
Keep what goes on over episodes, such as a curriculum, in an attribute that the training sets.
"""

from __future__ import annotations

import random

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import flatten, play_actions, trajectory
from rldoctor.preflight.probes.inspection import generators_of, has_running_statistics, user_wrappers
from rldoctor.preflight.probes.plays import difference, played_again, same
from rldoctor.preflight.probes.views import wall_clock

_STEPS = 20
# Their authors' own tests compare episodes.
_TESTED = ("gymnasium.", "gymnasium_robotics.")
# Six numbers that were drawn rise or fall in order once in 360 times.
_AGAIN = 6
# Plays that must be alike for the seeds of others to make an environment repeat itself. Ours.
_SEEDED = 3


def _drifts(context: PreflightContext, first: FloatArray, again: FloatArray) -> bool:
    """Return whether what differs at the start of an episode rises or falls from play to play of one seed."""
    starts = [first[0], again[0], *(trajectory(context.env, 0, 1)[0] for _ in range(_AGAIN))]
    changes = np.diff(np.stack(starts), axis=0)
    moving = changes[:, (changes != 0).any(axis=0)]
    one_way = (moving >= 0).all(axis=0) | (moving <= 0).all(axis=0)
    # It may have come to its end meanwhile.
    goes_on = (moving[:3] != 0).any(axis=0) & ((moving != 0).sum(axis=0) > 2) | (moving[-2:] == 0).all(axis=0)
    return bool(moving.shape[1] and one_way.all() and goes_on.all())


def _seeded(context: PreflightContext, steps: int) -> FloatArray:
    """Play seed 0 with the environment's spaces and the global generators seeded, as SB3 does before a training."""
    for role in ("observation", "action"):
        context.space(role).seed(0)
    kept = np.random.get_state(), random.getstate()
    random.seed(0)
    np.random.seed(0)
    try:
        return trajectory(context.env, 0, steps)
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])


def _parts_late(context: PreflightContext) -> int:
    """Return the length of the longest random episode if it plays otherwise when it is played again, else 0.

    Where the budget does not allow for all of it, nothing is played: its beginning was compared already.
    """
    batch, env = context.batch, context.env
    seed = int(np.bincount(batch.episode).argmax())
    of_episode = np.flatnonzero(batch.episode == seed)
    if context.budget.steps(len(of_episode)) < len(of_episode):
        return 0
    seen, rewards = play_actions(env, seed, batch.actions[of_episode])
    before = np.stack([flatten(batch.raw[place]) for place in of_episode])
    alike = np.array_equal(seen[1:], before, equal_nan=True)
    alike = alike and np.array_equal(rewards[1:], batch.rewards[of_episode], equal_nan=True)
    return 0 if alike else len(of_episode)


def _follows_the_last_episode(context: PreflightContext, steps: int) -> bool:
    """Return whether plays are the same wherever the episode before them was: nothing is drawn at random."""
    last = trajectory(context.env, 0, steps)
    return all(same(last, played_again(context.env, last, steps)) for _ in range(2))


@check(
    "ENV105",
    "reproducible",
    requires=("ENV102", "ENV111"),
    faults=("trajectory-not-reproducible", "generator-not-seeded", "declared-nondeterministic"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play one seed twice."""
    if has_running_statistics(context.env):
        raise Skipped("it normalises by running statistics, which outlive episodes on purpose")
    steps = context.budget.steps(_STEPS, plays=2)
    first = trajectory(context.env, 0, steps)
    again = played_again(context.env, first, steps)
    if same(first, again) and (context.entry_point.startswith(_TESTED) and not user_wrappers(context.env)):
        return f"the same {len(first) - 1} steps twice"
    if same(first, again) and (longest := _parts_late(context)):
        steps = context.budget.steps(longest, plays=2)
        first, again = (trajectory(context.env, 0, steps) for _ in range(2))
    if same(first, again):
        return f"the same {len(first) - 1} steps twice"
    shared = min(len(first), len(again))
    gap = np.abs(first[:shared] - again[:shared])
    differs = np.flatnonzero(np.nan_to_num(gap, nan=np.inf).max(axis=1) > 0)
    step = int(differs[0]) if len(differs) else shared
    where = "already at the start" if step == 0 else f"from step {step} on"
    if context.spec and context.spec.nondeterministic:
        yield note("declared-nondeterministic", f"Seed 0 played twice differs {where}, as its registration declares.")
        return ""
    largest = float(np.nanmax(gap)) if np.isfinite(gap).any() else float("inf")
    context.repeatable = False
    aspect = difference(first, again)
    start, restart = first, again
    seeded = _seeded(context, steps)
    # Among few places, two draws are the same by chance.
    if all(same(seeded, _seeded(context, steps)) for _ in range(_SEEDED)) and not _follows_the_last_episode(
        context, steps
    ):
        yield warning(
            "generator-not-seeded",
            f"Seed 0 played twice differs {where}: it draws from numpy.random, random or a space's sample(), "
            "which reset(seed=...) does not seed.",
            "Draw from self.np_random, or seed the space in reset: self.observation_space.seed(seed).",
            aspect=aspect,
            first_step=step,
            observed=largest,
        )
        return ""
    if clock := wall_clock.decides(context.env, steps):
        yield error(
            "trajectory-not-reproducible",
            f"Seed 0 played twice with the same actions differs {where}, by up to {largest:.3g}: it reads the clock of "
            f"the machine, {clock}, and repeats itself with one that goes evenly.",
            "Let each step take the same simulated time, such as self.dt = 0.02.",
            aspect=aspect,
            first_step=step,
            observed=largest,
            expected=0.0,
        )
        return ""
    if step == 0 and _drifts(context, start, restart):
        yield error(
            "trajectory-not-reproducible",
            f"Seed 0 played again and again starts ever farther in one direction, by {largest:.3g} from the first to "
            "the second time: something counts episodes, outside of what reset sets, and nothing is drawn.",
            "Look for a counter of a module or a class that reset raises, such as that of a curriculum; let the "
            "training set the level instead.",
            aspect="counter",
            first_step=step,
            observed=largest,
            expected=0.0,
        )
        return ""
    if _follows_the_last_episode(context, steps):
        yield error(
            "trajectory-not-reproducible",
            f"Seed 0 played twice with the same actions differs {where}, by up to {largest:.3g}: it depends on the "
            "episode that was played before.",
            "Set whatever step changes in reset, also what a wrapper keeps.",
            aspect=aspect,
            first_step=step,
            observed=largest,
            expected=0.0,
        )
        return ""
    generators = generators_of(context.env)
    named = f" (it keeps a generator of its own: {', '.join(generators)})" if generators else ""
    yield error(
        "trajectory-not-reproducible",
        f"Seed 0 played twice with the same actions differs {where}, by up to {largest:.3g}{named}.",
        "Draw every random number from self.np_random and call super().reset(seed=seed) first.",
        aspect=aspect,
        first_step=step,
        observed=largest,
        expected=0.0,
    )
    return ""
