"""The last steps before the first value that is not finite, kept in memory and written where it comes to one."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rldoctor import datafile

FILE = "before-nan.npz"
STEPS = 100


class LastSteps:
    """A ring of the last vector steps: what was done, and what came of it. Arrays are kept, not copied."""

    def __init__(self) -> None:
        self._ring: deque[tuple[int, Any, NDArray[Any], NDArray[Any]]] = deque(maxlen=STEPS)

    def add(self, step: int, locals_: Mapping[str, Any]) -> None:
        """Keep one vector step of SB3's ``collect_rollouts``."""
        actions = locals_["clipped_actions"] if "clipped_actions" in locals_ else locals_["actions"]
        self._ring.append((step, locals_["new_obs"], actions, locals_["rewards"]))

    def write(self, folder: Path) -> Path:
        """Write ``before-nan.npz`` whole or not at all, and return its path.

        It holds ``steps`` ``(n,)``, ``observations`` ``(n, environments, ...)`` (``observations/KEY`` of a dictionary),
        ``actions`` and ``rewards``, the last of them with the value that is not finite: plain numbers and no objects,
        which ``numpy.load`` reads with ``allow_pickle=False``.

        Raises:
            UsageError: The folder cannot be written to.
        """
        steps, observed, actions, rewards = zip(*self._ring, strict=True)
        if isinstance(observed[0], dict):
            seen = {f"observations/{key}": np.stack([one[key] for one in observed]) for key in observed[0]}
        else:
            seen = {"observations": np.stack(observed)}
        place = folder / FILE
        made = {"steps": np.array(steps), "actions": np.stack(actions), "rewards": np.stack(rewards), **seen}
        arrays: dict[str, Any] = {name: array for name, array in made.items() if array.dtype != object}
        with datafile.replacing(place) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **arrays)
        return place
