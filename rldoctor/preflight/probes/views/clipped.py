"""Numbers of the observation that lie at one of their bounds while what they show goes on beyond it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import arrays, draw, spaces_of
from rldoctor.preflight.probes.views.sources import watch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rldoctor.preflight.context import PreflightContext

# Ours: of the steps, how many are at one bound, and how many at least are not.
_AT_BOUND, _INSIDE = 0.5, 0.03
_NUMBERS, _FEWEST = 256, 8
# Plays in which an attribute must be the number inside of its bounds, up to a factor and a constant (single precision),
# and vary beyond them by this part of how it varies inside.
_PLAYS, _STEPS, _EXACT, _BEYOND = 4, 80, 1e-6, 0.2
# Of the rewards at the bound, the part that the attribute adds to what the observation explains. Ours.
_ADDS = 0.25


def clipped_away(context: PreflightContext) -> tuple[int, float, str, float] | None:
    """Return a number that is clipped where the reward needs what is beyond; ``None`` where there is none.

    Returns:
        Its place in the flattened observation, the bound, the attribute that it shows, and the part of the steps in
        which it is at the bound.
    """
    batch, at_bound, place = context.batch, {}, 0
    spaces = spaces_of(context.env.observation_space)
    for key, value in arrays(batch.raw[0]).items():
        if value.dtype.kind not in "biuf":
            continue
        rows = batch.observations[key].reshape(len(batch.rewards), -1).astype(float)
        bounded = key in context.boxes and value.size <= _NUMBERS and value.dtype.kind == "f"
        for i in range(value.size if bounded else 0):
            for bound in (spaces[key].low, spaces[key].high):  # type: ignore[attr-defined]
                end = float(bound.ravel()[i])
                share = float(np.mean(rows[:, i] == end))
                inside = rows[rows[:, i] != end, i]
                if _AT_BOUND <= share <= 1 - _INSIDE and 2 * len(np.unique(inside)) > len(inside) >= _FEWEST:
                    at_bound[place + i] = (end, share)
        place += value.size
    if not at_bound or np.ptp(batch.rewards) == 0:
        return None
    env, random = context.env, np.random.default_rng(65)
    steps = context.budget.steps(_STEPS, plays=_PLAYS)
    plays = [watch(env, seed, [draw(env.action_space, random) for _ in range(steps)]) for seed in range(_PLAYS)]
    names = plays[0].names
    if any(play.names != names for play in plays):
        return None
    seen, inner = (np.concatenate([getattr(play, part)[1:] for play in plays]) for part in ("seen", "inner"))
    rewards = np.concatenate([play.rewards[1:] for play in plays])
    for number, (end, share) in at_bound.items():
        at = seen[:, number] == end
        if at.sum() < _FEWEST or (~at).sum() < _FEWEST:
            continue
        for source, name in enumerate(names):
            if _is_the_source(seen[:, number], inner[:, source], at) and _adds(
                seen[at], inner[at, source], rewards[at]
            ):
                return number, end, name, share
    return None


def _is_the_source(number: FloatArray, source: FloatArray, at: NDArray[np.bool_]) -> bool:
    """Return whether a number is an attribute inside of its bounds, and the attribute goes on beyond."""
    inside, beyond = source[~at], source[at]
    spread = float(inside.std())
    if spread <= 0 or number[~at].std() <= 0 or np.ptp(beyond) < _BEYOND * np.ptp(inside):
        return False
    return bool(abs(np.corrcoef(number[~at], inside)[0, 1]) > 1 - _EXACT)


def _adds(seen: FloatArray, source: FloatArray, rewards: FloatArray) -> bool:
    """Return whether an attribute explains what the observation leaves of the rewards."""
    scaled = (source - source.mean()) / max(float(source.std()), 1e-12)
    moving = seen[:, seen.std(axis=0) > 1e-9]
    known = np.column_stack([np.ones(len(seen)), moving, moving**2])
    both = np.column_stack([known, scaled, scaled**2])
    total = float(((rewards - rewards.mean()) ** 2).sum())
    if total <= 0 or len(rewards) < 2 * both.shape[1]:
        return False
    rests = [rewards - one @ np.linalg.lstsq(one, rewards, rcond=None)[0] for one in (known, both)]
    return bool(((rests[0] ** 2).sum() - (rests[1] ** 2).sum()) / total > _ADDS)
