"""The mask of valid actions is that of the state in which the next action is chosen.

What it does: where the environment has ``action_masks()``, or ``info`` an ``action_mask``, plays random valid actions
and compares the mask with what they do. Valid actions that change nothing, and that the very next mask leaves out, show
a mask that is a step old if all of them follow an action that changed something; invalid ones that do more than valid
ones, a mask of the wrong sense. Where there are both masks, they are compared.

Why it matters: a maskable policy believes the mask. With one that is a step old it repeats what was just done, and with
one of the wrong sense it never does anything.

What to do: compute the mask after the step has changed the state, with true for what is valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor.preflight.check import CheckFindings, Skipped, check, error, warning
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import flatten
from rldoctor.preflight.probes.inspection import layers

_PLAYS, _STEPS = 8, 40
# Valid actions that did nothing, and how many of them the next mask must leave out. Ours.
_FEWEST, _MOST = 4, 0.5
# Of valid and of invalid actions, how many do something where the mask is of the wrong sense. Ours.
_SELDOM, _OFTEN = 0.2, 0.6


@dataclass
class _Counts:
    """What valid and invalid actions did.

    Attributes:
        valid: Valid actions that were taken, and those of them that changed the observation.
        invalid: The same of invalid ones.
        idle: Valid actions that changed nothing, and those of them that the next mask leaves out.
        unseen: Of the latter those after a step that changed nothing either. An old mask would be right then: the
            observation does not show what they did.
        empty: Masks without any valid action, in states in which another action has to be chosen.
        unlike: States in which ``action_masks()`` and ``info`` differ.
    """

    valid: tuple[int, int] = (0, 0)
    invalid: tuple[int, int] = (0, 0)
    idle: tuple[int, int] = (0, 0)
    unseen: int = 0
    empty: int = 0
    unlike: int = 0


@check(
    "ENV317",
    "action-masks",
    requires=("ENV105", "ENV111", "ENV205"),
    faults=("mask-one-step-old", "mask-of-the-wrong-sense", "mask-without-a-valid-action", "masks-differ"),
)
def run(context: PreflightContext) -> CheckFindings:
    """Play valid and invalid actions and compare."""
    from gymnasium.spaces import Discrete

    space = context.env.action_space
    if not isinstance(space, Discrete) or not any(len(one) for one in masks_of(context, context.batch.infos[0])):
        raise Skipped("no mask of the choices of a Discrete")
    counts = _play(context, int(space.start))
    inverted = (
        min(counts.valid[0], counts.invalid[0]) >= _FEWEST
        and counts.valid[1] <= _SELDOM * counts.valid[0]
        and counts.invalid[1] >= _OFTEN * counts.invalid[0]
    )
    if counts.empty and not inverted:
        yield error(
            "mask-without-a-valid-action",
            f"In {counts.empty} states in which the episode goes on the mask has no valid action.",
            "End the episode where nothing can be done any more, or leave one action valid.",
            observed=counts.empty,
            expected=0,
        )
    if counts.unlike:
        yield warning(
            "masks-differ",
            f"action_masks() and info['action_mask'] differ in {counts.unlike} states.",
            "Compute both from the state after the step.",
            observed=counts.unlike,
            expected=0,
        )
    if not counts.unseen and counts.idle[0] >= _FEWEST and counts.idle[1] >= _MOST * counts.idle[0]:
        yield error(
            "mask-one-step-old",
            f"{counts.idle[0]} of {counts.valid[0]} valid actions changed nothing, and {counts.idle[1]} of them are "
            "invalid in the very next mask: the mask is that of the state before the step.",
            "Compute the mask after the step has changed the state.",
            observed=counts.idle[1],
            expected=0,
        )
    elif inverted:
        yield error(
            "mask-of-the-wrong-sense",
            f"{counts.valid[1]} of {counts.valid[0]} valid actions change the observation, and {counts.invalid[1]} of "
            f"{counts.invalid[0]} invalid ones: the mask says which actions are invalid.",
            "Return true for actions that are valid.",
            observed=counts.valid[1],
            expected=counts.invalid[1],
        )
    others = f"{counts.invalid[1]} of {counts.invalid[0]} others"
    return f"{counts.valid[1]} of {counts.valid[0]} valid actions and {others} change the observation"


def masks_of(context: PreflightContext, info: Mapping[str, Any]) -> list[NDArray[np.bool_]]:
    """Return the masks that the environment gives now: of ``action_masks()`` and of ``info``."""
    # Of the class: a wrapper hands on whatever is asked of it, with a warning.
    methods = [getattr(layer, "action_masks") for layer in layers(context.env) if "action_masks" in dir(type(layer))]  # noqa: B009
    found = [methods[0]()] if methods and callable(methods[0]) else []
    found += [info[name] for name in ("action_mask", "action_masks") if name in info]
    size = getattr(context.env.action_space, "n", 0)
    return [np.asarray(one).astype(bool).ravel() for one in found if np.size(one) == size]


def _play(context: PreflightContext, start: int) -> _Counts:
    counts, env = _Counts(), context.env
    for seed in range(_PLAYS):
        random = np.random.default_rng(seed)
        observation, info = env.reset(seed=seed)
        masks = masks_of(context, info)
        # The first mask may be one of the last episode.
        acted = True
        for _ in range(context.budget.steps(_STEPS, plays=_PLAYS)):
            if not masks:
                break
            mask = masks[0]
            counts.unlike += any(not np.array_equal(mask, other) for other in masks[1:])
            counts.empty += not mask.any()
            # Now and then one that is not valid, as long as there are.
            others = np.flatnonzero(~mask)
            outside = len(others) > 0 and (not mask.any() or random.random() < 1 / 4)
            choice = int(random.choice(others if outside else np.flatnonzero(mask)))
            before = flatten(observation)
            try:
                observation, _, terminated, truncated, info = env.step(start + choice)
            except Exception:
                if not outside:
                    raise
                # It refuses what is invalid.
                counts.invalid = (counts.invalid[0] + 1, counts.invalid[1])
                break
            acts = not np.array_equal(before, flatten(observation), equal_nan=True)
            masks = masks_of(context, info)
            if outside:
                counts.invalid = (counts.invalid[0] + 1, counts.invalid[1] + acts)
            else:
                counts.valid = (counts.valid[0] + 1, counts.valid[1] + acts)
                left_out = bool(masks) and not masks[0][choice]
                counts.idle = (counts.idle[0] + (not acts), counts.idle[1] + (not acts and left_out))
                counts.unseen += not acts and left_out and not acted
            acted = acts
            if terminated or truncated:
                break
    return counts
