"""Numbers of the observation are seldom at their ends.

What it does: counts how often each number of the observation is exactly at one of its two extremes under the random
policy, where both extremes are common. Flags, signs and other numbers of a few values are left out. Of
those that are at one bound in most steps, it looks whether the attribute that they show goes on beyond it, and decides
the reward there.

Why it matters: a number that is clipped before it is scaled, or scaled far too much and clipped then, is at one of two
values nearly always: of where the state is, only the side is left.

What to do: scale first and clip after, to bounds that random play seldom reaches.
"""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, shortened, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.probes.views.clipped import clipped_away

_STEPS = 50
# Pixels and long vectors of bits are often at their ends.
_NUMBERS = 256
# Ours: of the steps, how many are at either extreme, and at the rarer one. A number drawn evenly between its bounds, or
# clipped at two standard deviations, is there in less than 5 %.
_AT_ENDS, _AT_RARER = 0.9, 0.02
# Values between the extremes that make a number more than a flag: as many, and mostly different ones.
_BETWEEN, _DIFFERENT = 5, 0.5


@check("ENV217", "observation-saturated", requires=("ENV202", "ENV205"), late=1, faults=("observation-saturated",))
def run(context: PreflightContext) -> CheckFindings:
    """Count how often numbers are at their extremes."""
    batch = context.batch
    if len(batch.rewards) < _STEPS:
        raise Skipped("too few steps to see how numbers are spread")
    looked = 0
    for key, space in context.boxes.items():
        if space.dtype is None or space.dtype.kind != "f" or np.prod(space.shape) > _NUMBERS:
            continue
        rows = batch.observations[key].reshape(len(batch.rewards), -1).astype(float)
        rows = rows[:, np.ptp(rows, axis=0) > 0]
        places = np.flatnonzero(np.ptp(batch.observations[key].reshape(len(batch.rewards), -1), axis=0) > 0)
        looked += len(places)
        shares = [_share(column) for column in rows.T]
        saturated = [i for i, share in enumerate(shares) if share > _AT_ENDS]
        between = np.concatenate([_between(rows[:, i]) for i in saturated]) if saturated else np.zeros(0)
        is_more_than_flags = len(between) >= _BETWEEN and len(np.unique(between)) > _DIFFERENT * len(between)
        if 2 * len(saturated) >= len(places) and is_more_than_flags:
            at_ends = float(np.mean([shares[i] for i in saturated]))
            ends = sorted({float(f"{end:.3g}") for i in saturated for end in (rows[:, i].min(), rows[:, i].max())})
            named = f" ({ends[0]:g} and {ends[-1]:g})" if len(ends) == 2 else ""
            yield warning(
                "observation-saturated",
                f"{len(saturated)} of {len(places)} numbers of {key} that change "
                f"({shortened(places[saturated].tolist())}) are exactly at one of two values{named} "
                f"in {at_ends:.0%} of the steps: the rest is clipped away.",
                "Scale the observation first and clip it afterwards, to bounds that it seldom reaches.",
                observed=at_ends,
                expected=_AT_ENDS,
                dimensions=places[saturated].tolist()[:32],
            )
    if not looked:
        raise Skipped("no observation of a few numbers")
    if context.repeatable and (found := clipped_away(context)):
        number, bound, name, at_bound = found
        yield warning(
            "observation-saturated",
            f"Number {number} of the observation is exactly at its bound {bound:g} in {at_bound:.0%} of the steps, "
            f"while self.{name}, which it shows, goes on and decides the reward: the rest is clipped away.",
            "Scale the observation first and clip it afterwards, to bounds that it seldom reaches.",
            observed=at_bound,
            expected=_AT_ENDS,
            dimensions=[number],
            attributes=[name],
        )
    return f"{looked} numbers looked at"


def _share(column: FloatArray) -> float:
    """Return the fraction of values at either extreme; 0 where one of them is rare."""
    at = [float(np.mean(column == end)) for end in (column.min(), column.max())]
    return sum(at) if min(at) > _AT_RARER else 0.0


def _between(column: FloatArray) -> FloatArray:
    return np.asarray(column[(column > column.min()) & (column < column.max())])
