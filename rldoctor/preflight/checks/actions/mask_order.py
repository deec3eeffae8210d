"""The mask of valid actions has their order.

What it does: where there is a mask (ENV317), tries every action in several states and compares which of them are
carried out with those that the mask allows. Where it allows what is refused and forbids what is carried out, looks
whether it fits in another order: as a table whose rows and columns are exchanged, from the end, or one place on.

Why it matters: a maskable policy chooses among what the mask allows alone. With a mask of another order it is refused
most of the time, and never does what would have been possible.

What to do: build the mask in the order in which ``step`` takes the action apart: ``divmod(action, columns)`` is a table
of rows that is flattened as it lies.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.checks.actions.action_masks import masks_of
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten

_MOST = 100
# Steps from the start to each of the states, at some seeds; the fewest of them whose mask tells actions apart.
_PLACES, _SEEDS, _FEWEST_STATES = (0, 2), 5, 3
# Entries of masks that are right: of those, nothing is said; of an order that is the right one, nearly all. Ours.
_RIGHT, _FITS, _BETTER = 0.9, 0.98, 0.15
# Actions that are refused where they are allowed, and carried out elsewhere where they are not.
_FEWEST_ACTIONS, _SHARE = 3, 0.25
# Alike results of so many actions are those of refusals.
_ALIKE = 3


@check(
    "ENV318",
    "mask-order",
    requires=("ENV105", "ENV111", "ENV205", "ENV317"),
    late=1,
    faults=("mask-in-another-order", "mask-unlike-steps"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Try every action in several states."""
    from gymnasium.spaces import Discrete

    space = context.env.action_space
    if not isinstance(space, Discrete) or not 4 <= space.n <= _MOST:
        raise Skipped("no Discrete of a few choices")
    if not any(len(one) for one in masks_of(context, context.batch.infos[0])):
        raise Skipped("no mask of the choices of a Discrete")
    masks, done = _tried(context, int(space.n), int(space.start))
    if len(masks) < _FEWEST_STATES:
        raise Skipped("masks hardly ever tell actions apart")
    right = float(np.mean(masks == done))
    if right >= _RIGHT:
        return f"{right:.0%} of the masks' entries are what steps do"
    refused, taken = masks & ~done, ~masks & done
    for words, order in _orders(int(space.n)):
        fits = float(np.mean(masks[:, order] == done))
        if fits >= _FITS and fits > right + _BETTER:
            yield error(
                "mask-in-another-order",
                f"The mask is in another order than the actions: {right:.0%} of its entries in {len(masks)} states are "
                f"what steps do, and {fits:.0%} of them {words}.",
                "Build the mask in the order in which step takes the action apart.",
                observed=right,
                expected=fits,
            )
            return ""
    both = refused.any(axis=0) & taken.any(axis=0)
    shares = refused.sum() / max(1, masks.sum()), taken.sum() / max(1, (~masks).sum())
    if both.sum() >= _FEWEST_ACTIONS and min(shares) >= _SHARE:
        yield warning(
            "mask-unlike-steps",
            f"In {len(masks)} states {shares[0]:.0%} of the actions that the mask allows do nothing, and "
            f"{shares[1]:.0%} of those that it forbids are carried out: {both.sum()} actions the one in one state and "
            "the other in another.",
            "Compute the mask from what step accepts, of the same state, player and order of actions.",
            observed=float(shares[0]),
            expected=0.0,
        )
        return ""
    return f"{right:.0%} of the masks' entries are what steps do"


def _tried(context: PreflightContext, count: int, start: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return masks that tell actions apart, and which actions do something there, ``(states, count)`` each."""
    env, masks, done = context.env, [], []
    context.budget.steps(max(_PLACES) + 1, least=max(_PLACES) + 1, plays=_SEEDS * count * len(_PLACES))
    for seed in range(_SEEDS):
        for before in _PLACES:
            rows: list[FloatArray | None] = []
            mask, at = _at(context, seed, before)
            if mask is None or mask.all() or not mask.any():
                continue
            for choice in range(count):
                _at(context, seed, before)
                try:
                    rows.append(flatten(env.step(start + choice)[0]))
                except Exception:
                    rows.append(None)
            masks.append(mask)
            done.append(_does(rows, at))
    return np.array(masks), np.array(done)


def _at(context: PreflightContext, seed: int, before: int) -> tuple[NDArray[np.bool_] | None, FloatArray]:
    """Go to a state and return its mask and observation; no mask where the episode is over."""
    env, random = context.env, np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    for _ in range(before):
        try:
            observation, _, terminated, truncated, info = env.step(draw(env.action_space, random))
        except Exception:
            return None, flatten(observation)
        if terminated or truncated:
            return None, flatten(observation)
    masks = masks_of(context, info)
    return (masks[0] if masks else None), flatten(observation)


def _does(rows: list[FloatArray | None], before: FloatArray) -> NDArray[np.bool_]:
    """Return which actions do something: not what the refused ones show, who change nothing but a clock."""
    shown = [b"" if row is None else row.tobytes() for row in rows]
    often = max(set(shown), key=shown.count)
    none = {b"", before.tobytes()}
    if not none & set(shown) and shown.count(often) >= _ALIKE:
        none.add(often)
    return np.array([one not in none for one in shown])


def _orders(count: int) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield other orders of so many entries, and what they are called."""
    places = np.arange(count)
    for rows in range(2, count // 2 + 1):
        if count % rows == 0:
            columns = count // rows
            yield f"with rows and columns of {rows} x {columns} exchanged", places.reshape(rows, columns).T.ravel()
    yield "read from the end", places[::-1]
    for step in (-1, 1):
        yield f"shifted by {step:+d}", (places + step) % count
