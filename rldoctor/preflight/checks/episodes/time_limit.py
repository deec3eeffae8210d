"""The time limit truncates an episode; it does not terminate it.

What it does: looks at how random episodes ended, and at the registered time limit. Where none ended within 250 steps,
plays on until one does, for up to 5,000 steps.

Why it matters: nothing follows a termination, so the value of the last state is 0. After a truncation the episode was
only cut off and the value continues. Confusing the two teaches the critic that a state is worth more the farther it is
from the end, which the observation does not show. Without any end, nothing is ever reset, and no return is logged.

What to do: return ``terminated=True`` only for a real end, and leave the limit to Gymnasium's ``TimeLimit``
(``max_episode_steps`` at registration).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, error, note, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import Batch, draw, flatten, play_actions
from rldoctor.preflight.probes.alternatives import alternatives
from rldoctor.preflight.probes.inspection import layers
from rldoctor.preflight.probes.plays import same
from rldoctor.preflight.probes.views.clock import shows_the_time

# Three episodes of one length under random actions are a limit, no chance; a shorter one may be a game's fixed rounds.
_EPISODES = 3
_SHORTEST = 5
# Ours: a time limit of so few steps is rarely meant.
_VERY_SHORT = 5
# Twice the longest of the usual limits.
_ENDLESS = 2_000
_TRIED = 2


def _shows_the_time(batch: Batch) -> bool:
    """Return whether some number of the observation counts the steps: then a fixed end is part of the task."""
    rows = np.stack([flatten(observation) for observation in batch.raw])
    first, *others = (rows[batch.episode == number] for number in range(len(batch.starts)))
    if len(first) < _SHORTEST:
        return False
    rises = [index for index in range(first.shape[1]) if all(a < b for a, b in pairwise(first[:, index].tolist()))]
    falls = [index for index in range(first.shape[1]) if all(a > b for a, b in pairwise(first[:, index].tolist()))]
    for index in (*rises, *falls):
        shared = [min(len(first), len(other)) for other in others]
        if all(np.allclose(first[:n, index], other[:n, index]) for n, other in zip(shared, others, strict=True)):
            return True
    return False


def _at_the_limit(context: PreflightContext) -> tuple[bool, bool] | None:
    """Return what is said, terminated and truncated, where Gymnasium's TimeLimit truncates, tried in two steps.

    ``None`` without such a limit, or where a step outside is not one inside.
    """
    from gymnasium.wrappers import TimeLimit

    limit = next((layer for layer in layers(context.env) if isinstance(layer, TimeLimit)), None)
    if limit is None:
        return None
    random, kept = np.random.default_rng(0), limit._max_episode_steps
    limit._max_episode_steps = _TRIED
    try:
        context.env.reset(seed=0)
        context.env.step(draw(context.env.action_space, random))
        _, _, terminated, truncated, _ = context.env.step(draw(context.env.action_space, random))
    finally:
        limit._max_episode_steps = kept
    # A wrapper that steps several times, or resets at once, proves nothing.
    if getattr(limit, "_elapsed_steps", None) != _TRIED:
        return None
    return bool(terminated), bool(truncated)


def _moves(context: PreflightContext) -> bool:
    """Return whether the last observation of an episode of one step depends on its action."""
    plans = alternatives(context.env.action_space, _TRIED + 1, seed=71)
    rows = [play_actions(context.env, 0, [plan])[0] for plan in plans]
    return any(not same(rows[0], other) for other in rows[1:])


@check(
    "ENV108",
    "time-limit",
    requires=("ENV102", "ENV111"),
    late=1,
    faults=(
        "time-limit-terminates",
        "horizon-unexpected",
        "no-time-limit",
        "episodes-of-one-step",
        "episodes-very-short",
        "never-ends",
        "truncation-lost",
        "limit-without-end",
        "flags-swapped",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Look at how episodes ended."""
    batch, horizon, played = context.batch, context.horizon, context.long_play
    ends = (*batch.ends, *played.ends)
    expected = context.expectation.episode.horizon
    # Both flags at once count as a termination: SB3 then takes the last state for worth nothing.
    terminated = [length for length, term, _ in ends if term]
    truncated = [length for length, term, trunc in ends if trunc and not term]
    lengths = {length for length, _, _ in ends}
    if lengths == {1} and len(ends) >= _EPISODES:
        # A decision that moves nothing is one of a bandit; what moves was to go on.
        yield (warning if _moves(context) else note)(
            "episodes-of-one-step",
            f"All {len(ends)} random episodes end with their first step.",
            "Look at what sets terminated. If every episode is one decision, as in a bandit, ignore ENV108.",
            observed=1,
        )
    elif len(terminated) == len(ends) >= _EPISODES and len(lengths) == 1:
        (length,) = lengths
        known = length == (expected or horizon)
        counted = not known and (_shows_the_time(batch) or shows_the_time(context.env, context.budget, length))
        if known or (length >= _SHORTEST and not counted):
            limit = f"at the time limit of {length} steps" if known else f"after exactly {length} steps"
            yield warning(
                "time-limit-terminates",
                f"All {len(ends)} random episodes ended {limit} with terminated=True.",
                "Return terminated=False and truncated=True there, or leave the limit to Gymnasium's TimeLimit.",
                observed=terminated,
            )
    # Where all ended so, it has been said; where some did, the others were over before.
    told = bool(terminated) and lengths == {expected or horizon}
    at_limit = _at_the_limit(context)
    cut_early = [length for length in truncated if length < (horizon or 0)]
    if at_limit == (True, False) and len(set(cut_early)) > 1 and not terminated:
        yield error(
            "flags-swapped",
            f"Episodes that end before their limit of {horizon} steps are told as truncated, the limit as terminated.",
            "Exchange terminated and truncated: what ends for good is terminated, what is cut off is truncated.",
            observed=cut_early[:8],
        )
    elif not told and at_limit is not None and not at_limit[1]:
        yield warning(
            "truncation-lost",
            "Where Gymnasium's TimeLimit truncates an episode, a wrapper around it reports terminated or nothing.",
            "Pass terminated and truncated on as they are.",
        )
    wrong = sorted({length for length in truncated if expected and length != expected})
    if wrong:
        seen = " and ".join(map(str, wrong))
        message = f"Episodes were cut off after {seen} steps; {context.env_id} is known to last {expected}."
        remedy = f"Keep max_episode_steps at {expected}, or do not compare the run with its reference."
        yield warning("horizon-unexpected", message, remedy, observed=wrong, expected=expected)
    if len(truncated) == len(ends) > 0 and 1 < max(truncated) <= _VERY_SHORT:
        message = f"Every random episode was cut off after {max(truncated)} steps or fewer."
        remedy = "If the task takes longer, raise the time limit."
        yield note("episodes-very-short", message, remedy, observed=max(truncated), expected=_VERY_SHORT)
    if horizon is not None and not ends and not played.cut and played.longest >= horizon:
        yield warning(
            "limit-without-end",
            f"The time limit is {horizon} steps, and after them the episode goes on.",
            "Pass terminated and truncated on; leave the reset to who called step.",
            observed=played.longest,
            expected=horizon,
        )
    if horizon is None and not ends:
        longest = max(played.longest, int(np.bincount(batch.episode).max()))
        message = f"No time limit is registered, and no random episode ended within {longest:,} steps."
        remedy = "Register the environment with max_episode_steps, or wrap it in gymnasium.wrappers.TimeLimit."
        if longest >= _ENDLESS and not context.expectation.episode.hard_to_end:
            yield warning("never-ends", message, remedy, observed=longest)
        else:
            yield note("no-time-limit", message, remedy, observed=longest)
    return f"{len(truncated)} truncated, {len(terminated)} terminated of {len(batch.starts)} episodes"
