"""Actions that do something else, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from benchmarks.broken.kinds import (
    ALL,
    BOARDS,
    DISCRETE,
    GOAL,
    PLAIN,
    VECTORS,
    Class,
    acts,
    add,
    kind,
)

add("actions-ignored", acts(lambda env, a: 0 * a), "actions-without-effect", "nothing-changes", bases=ALL)
add("one-action-dead", acts(lambda env, a: a * np.array([1, 0])), "action-dimension-dead", bases=VECTORS)
add("actions-rounded", acts(lambda env, a: np.trunc(a)), "action-only-at-bounds", "nothing-changes", bases=VECTORS)
add("only-the-sign-counts", acts(lambda env, a: np.sign(a)), "action-saturates-early", bases=VECTORS)
add(
    "actions-shuffled-at-random",
    acts(lambda env, a: np.random.permutation(a)),
    "trajectory-not-reproducible",
    "generator-not-seeded",
    "same-action-other-effect",
    bases=VECTORS,
)
add(
    "discrete-actions-random",
    acts(lambda env, a: np.random.randint(4)),
    "trajectory-not-reproducible",
    "generator-not-seeded",
    bases=BOARDS,
)


add(
    "actions-lost-in-noise-of-the-motors",
    acts(lambda env, a: 0.02 * a + env.np_random.normal(size=2)),
    "actions-lost-in-noise",
    bases=(PLAIN, GOAL),
)


@kind("action-effect-drawn-at-reset", bases=(PLAIN,))
def motors_wired_anew_for_each_episode(base: Class) -> Class:
    """Which motor is which, and the sign of each, is drawn by reset and not shown."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            found = super().reset(**options)
            self.wires = self.np_random.choice([-1.0, 1.0], 2)
            self.order = self.np_random.permutation(2)
            return found

        def move(self, action: Any) -> None:
            super().move(self.wires * action[self.order])

    return Broken


@kind("action-takes-effect-late", bases=(PLAIN, GOAL, DISCRETE))
def action_one_step_late(base: Class) -> Class:
    """Each action waits for the next step."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.waiting: Any = None
            return super().reset(**options)

        def move(self, action: Any) -> None:
            waiting, self.waiting = self.waiting, action
            super().move(action * 0 if waiting is None else waiting)

    return Broken


@kind("action-takes-effect-late", bases=(PLAIN, DISCRETE))
def action_three_steps_late(base: Class) -> Class:
    """A queue of three actions."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.queue: list[Any] = []
            return super().reset(**options)

        def move(self, action: Any) -> None:
            self.queue.append(action)
            super().move(self.queue.pop(0) if len(self.queue) > 3 else self.queue[0])

    return Broken


def bounds(low: float, high: float) -> Callable[[Class], Class]:
    """Return what makes a class with other bounds of its actions."""
    return lambda base: type("Broken", (base,), {"action_space": Box(low, high, (2,), np.float32)})


add("actions-unbounded", bounds(-np.inf, np.inf), "action-bounds-infinite", bases=VECTORS)
add("actions-to-100", bounds(-100, 100), "action-bounds-far-from-unit", bases=VECTORS)
add("actions-from-0-to-1", bounds(0, 1), "action-bounds-asymmetric", bases=VECTORS)
add(
    "clipped-far-inside",
    lambda base: acts(lambda env, a: np.clip(a, -1, 1))(bounds(-8, 8)(base)),
    "action-saturates-early",
    bases=VECTORS,
)
