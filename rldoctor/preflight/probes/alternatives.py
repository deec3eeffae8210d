"""Actions that differ as much as an action space allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.preflight.measurements import draw

if TYPE_CHECKING:
    import gymnasium


def alternatives(space: gymnasium.Space[Any], most: int, seed: int) -> list[Any]:
    """Return up to ``most`` actions, all different: corners of a bounded Box, choices of a Discrete, else samples.

    Args:
        space: The action space.
        most: How many actions, at most.
        seed: Another seed gives other corners.
    """
    from gymnasium.spaces import Box, Discrete

    random = np.random.default_rng(seed)
    if isinstance(space, Discrete):
        return [int(space.start) + int(choice) for choice in random.permutation(int(space.n))[:most]]
    found: list[Any] = []
    for _ in range(most):
        if isinstance(space, Box) and space.is_bounded():
            low, high = np.minimum(space.low, space.high), np.maximum(space.low, space.high)
            # Nearly at the bounds, each dimension by itself, so that no two are likely to be the same.
            action = np.where(random.random(space.shape) < 0.5, low, high) * random.uniform(0.8, 1.0, space.shape)
            action = np.clip(action, low, high).astype(space.dtype)
        else:
            action = draw(space, random)
        if not any(np.array_equal(action, other) for other in found):
            found.append(action)
    return found
