"""How much memory a replay buffer takes once it is full."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

from rldoctor.recipe import Recipe

# Of a reward, a done and a timeout flag, in single precision.
_SCALARS = 3 * 4
# Of hindsight replay: a pointer to an empty dictionary and the dictionary, start and length of the episode.
_HINDSIGHT = 8 + 64 + 2 * 8


def buffer_bytes(recipe: Recipe, observations: spaces.Space[Any], actions: spaces.Space[Any]) -> int:
    """Return the bytes of SB3's buffer for these spaces: every observation is stored twice, with what follows it."""
    size = recipe.setting("buffer_size")
    rows = size if isinstance(size, int) else 0
    parts = observations.spaces.values() if isinstance(observations, spaces.Dict) else [observations]
    row = 2 * sum(_bytes(part) for part in parts) + _bytes(actions) + _SCALARS
    return rows * (row + (_HINDSIGHT if recipe.setting("her") else 0))


def _bytes(space: spaces.Space[Any]) -> int:
    kind = np.dtype(space.dtype or np.int64)
    return int(np.prod(space.shape or (1,), dtype=np.int64)) * kind.itemsize
