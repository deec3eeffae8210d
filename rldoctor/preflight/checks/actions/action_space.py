"""The action space is finite and symmetric, with its bounds in order.

What it does: looks at the bounds of the action space and, where the environment is known, at its shape.

Why it matters: PPO starts with actions around 0 with a standard deviation of 1 and clips them to the bounds. With
bounds of 0.01 nearly every action is clipped; with bounds of 100 the robot hardly moves; with infinite bounds nothing
is clipped.

What to do: declare actions in [-1, 1] and scale them inside the environment (Gymnasium's ``RescaleAction`` does it).
"""

from __future__ import annotations

import numpy as np

from rldoctor.preflight.check import CheckFindings, check, error, note, warning
from rldoctor.preflight.context import PreflightContext

# Ours: PPO's first actions have a standard deviation of 1. Bounds of 10 leave a tenth of the range explored, bounds of
# 0.1 clip 92 % of all actions. Pendulum's 2 trains well.
_WIDE = 10.0
# Bounds of -1 and 0.99 are as good as symmetric.
_UNEVEN = 0.1
_NARROW = 0.1
# Bounds so many times as wide as the part of them within a standard deviation of first actions: a byte's 0 to 255.
_COVERED = 20.0


@check(
    "ENV301",
    "action-space",
    raw=True,
    requires=("ENV102",),
    faults=(
        "action-space-invalid",
        "action-space-unsupported",
        "action-shape-wrong",
        "action-bounds-reversed",
        "action-bounds-equal",
        "action-bounds-infinite",
        "action-bounds-asymmetric",
        "action-bounds-not-unit",
        "action-bounds-far-from-unit",
        "action-numbers-whole",
    ),
)
def run(context: PreflightContext) -> CheckFindings:
    """Look at the bounds."""
    from gymnasium.spaces import Box

    from rldoctor.preflight.probes import spaces

    space = context.space("action")
    if wrong := spaces.invalid(space, "action"):
        yield error("action-space-invalid", *wrong)
        return ""
    if wrong := spaces.untrainable_action(space):
        infinite = isinstance(space, Box)
        yield error("action-bounds-infinite" if infinite else "action-space-unsupported", *wrong)
        return ""
    expected = context.expectation.action.shape
    if expected is not None and space.shape != expected:
        message = f"An action has shape {space.shape}; {context.env_id} is known to have {expected}."
        yield error(
            "action-shape-wrong",
            message,
            "Look for a wrapper that changes actions.",
            observed=list(space.shape or ()),
            expected=list(expected),
        )
    if not isinstance(space, Box):
        return str(space)
    low, high = float(space.low.min()), float(space.high.max())
    remedy = "Declare actions in [-1, 1] and scale them inside the environment (gymnasium.wrappers.RescaleAction)."
    bounds = [low, high]
    reversed_, equal = space.low > space.high, space.low == space.high
    if reversed_.any():
        dimensions = [list(map(int, index)) for index in np.argwhere(reversed_)]
        message = f"In dimensions {dimensions} the lower bound of the action is above the upper bound."
        yield error(
            "action-bounds-reversed", message, "Exchange low and high of the action space.", observed=dimensions
        )
    elif equal.any():
        dimensions = [list(map(int, index)) for index in np.argwhere(equal)]
        message = f"In dimensions {dimensions} the bounds of the action are equal: only one action is possible there."
        found = error if equal.all() else warning
        yield found("action-bounds-equal", message, "Leave them out of the action space.", observed=dimensions)
    elif (space.high - space.low > _COVERED * (np.minimum(space.high, 1) - np.maximum(space.low, -1))).any():
        message = f"Of the bounds of the action, [{low:g}, {high:g}], first actions around 0 reach next to nothing."
        yield warning("action-bounds-far-from-unit", message, remedy, observed=bounds, expected=[-1, 1])
    elif (space.low > 0).any() or (space.high < 0).any():
        message = f"The bounds of the action, [{low:g}, {high:g}], leave out 0, around which first actions are."
        yield warning("action-bounds-asymmetric", message, remedy, observed=bounds, expected=[-1, 1])
    elif (np.abs(space.low + space.high) > _UNEVEN * (space.high - space.low)).any():
        message = f"The bounds of the action, [{low:g}, {high:g}], are not symmetric; first actions are around 0."
        yield note("action-bounds-asymmetric", message, remedy, observed=bounds, expected=[-1, 1])
    elif space.high.max() > _WIDE or space.high.min() < _NARROW:
        message = f"The bounds of the action, [{low:g}, {high:g}], are far from [-1, 1], around which policies begin."
        yield warning("action-bounds-far-from-unit", message, remedy, observed=bounds, expected=[-1, 1])
    elif not np.allclose(space.high, 1.0):
        message = f"The bounds of the action are [{low:g}, {high:g}], not [-1, 1]: {_first_actions(context)}."
        yield note("action-bounds-not-unit", message, observed=bounds, expected=[-1, 1])
    if spaces.is_whole(space):
        message = (
            f"Actions are whole numbers ({space.dtype}); those of policies are not, and SB3 rounds what it learns from."
        )
        remedy = "Use a MultiDiscrete, or declare float32 and round in step."
        yield warning("action-numbers-whole", message, remedy, observed=str(space.dtype))
    return f"{space.shape} in [{low:g}, {high:g}]"


def _first_actions(context: PreflightContext) -> str:
    """Return in words how the first actions of what is trained compare with the bounds."""
    if context.recipe is not None and context.recipe.is_off_policy:
        return f"{context.recipe.algorithm.upper()} scales its actions to them"
    return "PPO starts with a standard deviation of 1"
