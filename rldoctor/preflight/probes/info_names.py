"""Names that environments use for the same thing in ``info``, and what they tell at the ends of episodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.preflight.measurements import Batch
from rldoctor.preflight.probes.transcript import is_number

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUCCESS = (
    *("success", "succeeded", "is_solved", "solved", "task_success", "task_solved", "goal_achieved", "goal_reached"),
    *("reached_goal", "at_goal", "is_goal", "achieved", "is_achieved", "completed", "task_completed", "arrived"),
    *("arrive_dest", "reached", "Success", "isSuccess", "is_successful", "win", "won"),
)
"""Names of a success flag other than ``is_success``, the one that Stable-Baselines3 logs."""

_FAILURE = re.compile(
    r"(^|_)(crash|crashed|fell|fallen|fall|failed|failure|fail|collision|collided|dead|died|lost|unhealthy|broken"
    r"|out_of_bounds|off_road|off_track|toppled|tipped)($|_)",
    re.IGNORECASE,
)


def flags_of(batch: Batch) -> NDArray[np.bool_] | None:
    """Return whether each step tells a success, ``(n,)``; ``None`` where any tells nothing."""
    for name in ("is_success", *SUCCESS):
        if all(is_number(info.get(name)) for info in batch.infos):
            return np.array([bool(info[name]) for info in batch.infos])
    return None


def is_last(batch: Batch) -> NDArray[np.bool_]:
    """Return which steps are the last of their episode, whether it ended or was cut, ``(n,)``."""
    return np.append(np.diff(batch.episode) > 0, True)


def failure_in(info: Mapping[str, Any]) -> str:
    """Return the name under which ``info`` tells a failure, such as ``crashed``; empty where it tells none."""
    names = (name for name in info if isinstance(name, str) and _FAILURE.search(name))
    return next((name for name in names if is_number(info[name]) and bool(info[name])), "")
