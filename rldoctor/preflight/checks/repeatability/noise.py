"""What is drawn in a step does not drown what the step does.

What it does: where steps draw random numbers, plays single steps from the same state with several draws and several
actions, and some more steps in which all draw alike. What the draws change in the observation and not in what follows
is noise of a sensor; what they change for good is noise of the motion, and is compared with what actions change. Where
actions change nothing at all, as a bid does not move the market, rewards have to tell which one is right where. Where
every episode is one step, plays some thousand, and looks whether observation and action tell anything of the reward.

Why it matters: a little noise is part of many tasks. An observation, a reward or an effect of actions that is mostly
noise carries nothing that could be learned.

What to do: look at where random numbers are drawn in ``step``, and at their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.noise import Drawn, draws, steps_draw
from rldoctor.preflight.probes.views.one_step import nothing_tells_the_reward

_FEW = 5
_ACTIONS = 4
_DRAWS, _MORE_DRAWS = 8, 24
# Steps before the one that is looked at: near the start and farther from it.
_BEFORE = (2, 5, 9, 14)
# Ours: a sensor that is half noise can still be averaged over steps; below, a tenth of the effects is left to actions.
_DROWNED = 0.5
_OF_ACTIONS = 0.1
_NOTHING = 1e-12
# Of the rewards' size, what rounding leaves.
_ALIKE = 1e-6
# Mean length of random episodes up to which steps after the first are hard to reach.
_SHORT = 5
# The step that is looked at and those after it.
_AND_ON = 5


@check(
    "ENV118",
    "noise",
    requires=("ENV102", "ENV202"),
    late=1,
    faults=(
        "observation-mostly-noise",
        "reward-mostly-noise",
        "reward-is-chance",
        "actions-lost-in-noise",
        "ends-by-chance",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Draw anew from the same state."""
    env, random = context.env, np.random.default_rng(3)
    actions = [
        *alternatives(env.action_space, 2, seed=51),
        *(draw(env.action_space, random) for _ in range(_ACTIONS - 2)),
    ]
    if not steps_draw(env, [draw(env.action_space, random) for _ in range(_FEW)]):
        return "steps draw nothing"
    at_once = len(context.batch.rewards) == len(context.batch.starts)
    short = len(context.batch.rewards) <= _SHORT * len(context.batch.starts)
    befores = [[draw(env.action_space, random) for _ in range(0 if short else steps)] for steps in _BEFORE]
    plays = _plays(context, befores, actions, _DRAWS)
    if not plays:
        raise Skipped("episodes are too short to compare")
    if short and sum(map(_ends_by_chance, plays)) >= len(plays) / 2:
        yield warning(
            "ends-by-chance",
            "Random numbers decide in a first step whether the episode ends, whatever the action is.",
            "Look for what sets terminated or truncated; it should follow from the state.",
        )
        return "draws end episodes"
    lasting = any(_spread(play.after) for play in plays)
    if not lasting and any(_spread(play.rewards_after) for play in plays):
        return "draws change what comes next"
    if lasting:
        share = _of_actions(plays)
        if share is not None and share < _OF_ACTIONS:
            # Eight draws may all be the rare ones that take the place of an action.
            share = _of_actions(_plays(context, befores, actions, _MORE_DRAWS) or plays)
        if share is not None and share < _OF_ACTIONS and not any(_touched(play) for play in plays):
            if not _best_elsewhere(plays):
                yield warning(
                    "actions-lost-in-noise",
                    "With the same random numbers, what is seen is the same after every action, and an action earns as "
                    "much more than another one wherever it was tried: the same action is the best everywhere.",
                    "Follow the action through step to the state that it should change: a result that is not assigned, "
                    "a copy that is changed, or a random number in its place.",
                    observed=share,
                    expected=_OF_ACTIONS,
                )
        elif share is not None and share < _OF_ACTIONS:
            yield warning(
                "actions-lost-in-noise",
                f"From the same state, actions decide {max(share, 0.0):.0%} of what changes in a step; random numbers "
                "that the step draws decide the rest.",
                "Look for random numbers that are added to the action, or drawn in its place.",
                observed=share,
                expected=_OF_ACTIONS,
            )
    else:
        yield from _of_sensors(context, plays)
    reward = _within(plays, rewards=True) / max(float(context.batch.rewards.var()), _NOTHING)
    # Of four rewards, one an episode, the variance says little.
    if at_once and not lasting and reward[0] > 0 and (count := nothing_tells_the_reward(env, context.budget)):
        yield warning(
            "reward-is-chance",
            f"In {count:,} episodes of one step, neither what is seen nor what is done tells the reward.",
            "Compute the reward from what was shown before the action, not from what is drawn after it.",
            observed=count,
        )
        return "rewards are chance"
    if not lasting and reward[0] > _DROWNED:
        # What is won by chance is the nature of a bandit.
        yield (note if at_once else warning)(
            "reward-mostly-noise",
            f"From the same state with the same action, rewards differ as much as those of a whole episode do "
            f"({min(reward[0], 1.0):.0%} of their variance).",
            "Compute the reward from the state and the action; remove the random number from it.",
            observed=float(reward[0]),
            expected=_DROWNED,
        )
    return "draws change what follows" if lasting else "draws change what is seen or paid alone"


def _plays(context: PreflightContext, befores: Sequence[Sequence[Any]], actions: list[Any], count: int) -> list[Drawn]:
    """Play from several states, with the same draws in all; each state has its own where there are more of them."""
    plays = []
    for start, before in enumerate(befores):
        steps = len(before) + _AND_ON
        context.budget.steps(steps, least=steps, plays=len(actions) * count)
        played = draws(context.env, start, before, actions, count, 1000 + count * start * (count > _DRAWS))
        if played is not None:
            plays.append(played)
    return plays


def _of_sensors(context: PreflightContext, plays: Sequence[Drawn]) -> CheckFindings:
    """Compare what draws change in the observation alone with how it changes in whole episodes."""
    batch = context.batch
    rows = np.concatenate(
        [v.reshape(len(batch.rewards), -1).astype(float) for v in batch.observations.values()], axis=1
    )
    noise = _within(plays)
    if rows.shape[1] != len(noise):
        return ""
    moving = np.flatnonzero(rows.var(axis=0) > _NOTHING)
    inside = [i for i in moving if any(np.ptp(rows[batch.episode == e, i]) > 0 for e in range(len(batch.starts)))]
    drowned = [i for i in inside if noise[i] > _DROWNED * rows[:, i].var()]
    if drowned:
        most = len(drowned) >= 0.5 * len(inside)
        yield (warning if most else note)(
            "observation-mostly-noise",
            f"{len(drowned)} of {len(inside)} numbers of the observation that change are mostly noise: from the same "
            "state with the same action they differ as much as in a whole episode.",
            "Return the state as it is; look for random numbers that are added to it, or for a shuffled order.",
            dimensions=[int(i) for i in drowned[:16]],
        )
    return ""


def _touched(play: Drawn) -> bool:
    """Return whether another action changes anything that is seen, with the same draws."""
    return any(bool((np.ptp(values, axis=0) > _NOTHING).any()) for values in (play.seen, play.after, play.ended))


def _best_elsewhere(plays: Sequence[Drawn]) -> bool:
    """Return whether what an action earns beyond another one differs from state to state, or from draw to draw.

    Then the action answers what is seen, as a bid that follows the market, though it moves nothing.
    """
    paid = [np.concatenate([play.rewards[..., None], play.rewards_after], axis=2) for play in plays]
    beyond = np.concatenate([one - one[:1] for one in paid], axis=1)
    size = max(float(np.abs(one).max()) for one in paid)
    return bool(np.ptp(beyond, axis=1).max() > _ALIKE * max(size, _NOTHING))


def _ends_by_chance(play: Drawn) -> bool:
    """Return whether some draws end the episode and others do not, the same ones for all actions."""
    return bool((np.ptp(play.ended, axis=0) == 0).all() and np.ptp(play.ended) > 0)


def _spread(values: FloatArray) -> bool:
    """Return whether draws change anything, ``(actions, draws, d)``."""
    return bool((np.ptp(values, axis=1) > _NOTHING).any())


def _within(plays: Sequence[Drawn], rewards: bool = False) -> FloatArray:
    """Return the variance over draws of each number, ``(d,)``."""
    values = [play.rewards[..., None] if rewards else play.seen for play in plays]
    return np.asarray(np.mean([value.var(axis=1, ddof=1).mean(axis=0) for value in values], axis=0))


def _of_actions(plays: Sequence[Drawn]) -> float | None:
    """Return which fraction of the variance of a number actions decide, of that where they decide most."""
    noise = _within(plays)
    means = [play.seen.mean(axis=1) for play in plays]
    # The mean over draws still holds some of the noise.
    moved = np.mean([mean.var(axis=0, ddof=1) for mean in means], axis=0) - noise / plays[0].seen.shape[1]
    total = moved + noise
    some = total > _NOTHING
    return float((moved[some] / total[some]).max()) if some.any() else None
