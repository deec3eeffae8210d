"""Wrappers around environments that are healthy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.wrappers import TimeLimit

from benchmarks.broken.kinds import (
    ALL,
    DISCRETE,
    GOAL,
    PICTURE,
    PLAIN,
    VECTORS,
    Class,
    add,
)
from rldoctor.experiments.faults.fault import Tampered


def wrapped(changes: Callable[[], dict[str, Any]]) -> Callable[[Class], Any]:
    """Return what makes a function that wraps a healthy environment in a :class:`Tampered`."""
    return lambda base: lambda **_options: Tampered(TimeLimit(base(), 50), **changes())


def late(steps: int) -> Callable[..., Any]:
    """Return what gives back what it was given some steps ago, and the first until then."""
    waiting: list[Any] = []

    def change(given: Any, *_: Any) -> Any:
        waiting.append(given)
        return waiting.pop(0) if len(waiting) > steps else waiting[0]

    return change


PASSED = ("action-changed-on-the-way", "observation-changed-on-the-way", "reward-changed-on-the-way")
add("wrapper-scales-actions", wrapped(lambda: {"action": lambda a: a * np.float32(0.1)}), PASSED[0], bases=VECTORS)
add(
    "wrapper-inverts-an-action",
    wrapped(lambda: {"action": lambda a: a * np.array([-1, 1], np.float32)}),
    PASSED[0],
    bases=VECTORS,
)
add("wrapper-swaps-actions", wrapped(lambda: {"action": lambda a: a[::-1]}), PASSED[0], bases=VECTORS)
add("wrapper-delays-actions", wrapped(lambda: {"action": late(2)}), PASSED[0], bases=(PLAIN, GOAL, DISCRETE))
add(
    "wrapper-swaps-observations",
    wrapped(lambda: {"observation": lambda k, o, first: o[::-1].copy()}),
    PASSED[1],
    bases=(PLAIN,),
)
add("wrapper-negates-the-reward", wrapped(lambda: {"reward": lambda r, info, n: -r}), PASSED[2], bases=ALL)
add("wrapper-delays-the-reward", wrapped(lambda: {"reward": late(3)}), PASSED[2], bases=(PLAIN, DISCRETE, PICTURE))
add(
    "wrapper-terminates-at-the-limit",
    wrapped(lambda: {"end": lambda over, cut, info: (over or cut, False, info)}),
    "truncation-lost",
    "time-limit-terminates",
    bases=ALL,
    horizon=None,
)
