"""Episodes that end wrongly, and what goes wrong within them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from benchmarks.broken.bases import BASES
from benchmarks.broken.kinds import (
    ALL,
    DISCRETE,
    GOAL,
    KINDS,
    PICTURE,
    PLAIN,
    VECTORS,
    Class,
    Kind,
    add,
    each,
    ends,
    kind,
)

add(
    "limit-terminates",
    ends(lambda env, r: (r[0], r[1], env.count >= 30, False, r[4])),
    "time-limit-terminates",
    bases=ALL,
    horizon=None,
)
add(
    "limit-terminates-after-600-steps",
    ends(lambda env, r: (r[0], r[1], env.count >= 600, False, r[4])),
    "time-limit-terminates",
    bases=(PLAIN, DISCRETE),
    horizon=None,
)
add(
    "registered-limit-terminates",
    ends(lambda env, r: (r[0], r[1], env.count >= 50, False, r[4])),
    "time-limit-terminates",
    bases=ALL,
)
add("ends-at-once", ends(lambda env, r: (r[0], r[1], True, False, r[4])), "episodes-of-one-step", bases=ALL)
add(
    "never-ends",
    ends(lambda env, r: (r[0], r[1], False, False, r[4])),
    "never-ends",
    bases=(PLAIN, GOAL, DISCRETE),
    horizon=None,
)
add("four-values", ends(lambda env, r: (r[0], r[1], r[2], r[4])), "four-value-step", bases=ALL)
add("reward-is-none", ends(lambda env, r: (r[0], None, *r[2:])), "step-signature-wrong", bases=ALL)
add("info-is-none", ends(lambda env, r: (*r[:4], None)), "step-signature-wrong", bases=ALL)
add(
    "raises-after-30-steps",
    ends(lambda env, r: r if env.count < 30 else [][0]),
    "step-raises",
    "environment-raises",
    bases=ALL,
)
add(
    "nan-after-400-steps",
    ends(
        lambda env, r: (
            each(r[0], lambda a: np.full_like(a, np.nan)) if env.count > 400 else r[0],
            r[1],
            False,
            False,
            r[4],
        )
    ),
    "observation-not-finite-later",
    bases=VECTORS,
    horizon=1000,
)
add(
    "reward-nan-after-400-steps",
    ends(lambda env, r: (r[0], float("nan") if env.count > 400 else r[1], False, False, r[4])),
    "reward-not-finite-later",
    bases=(PLAIN, PICTURE),
    horizon=1000,
)
add(
    "raises-after-400-steps",
    ends(lambda env, r: (*r[:2], False, False, r[4]) if env.count < 400 else [][0]),
    "step-raises-later",
    bases=(PLAIN, DISCRETE),
    horizon=1000,
)


@kind("grows-with-every-step", bases=(PLAIN,))
def history_kept(base: Class) -> Class:
    """Every observation is kept."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.history: list[Any] = []

        def look(self) -> Any:
            self.history.append(super().look())
            return self.history[-1].copy()

    return Broken


@kind("simulator-resets-itself", bases=(PLAIN,))
def simulation_reset_in_mid_episode(base: Class) -> Class:
    """A simulator with a clock that starts anew when the point is too fast."""

    class Data:
        time = 0.0

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            self.data = Data()
            return super().reset(**options)

        def move(self, action: Any) -> None:
            self.data.time += 0.02
            super().move(action)
            if np.abs(self.velocity).max() > 0.2:
                self.position, self.velocity, self.data.time = np.zeros(2), np.zeros(2), 0.0

    return Broken


SET_ORDER = f"{__name__}:SetOrder-v0"
"""Another process can make it by this name; the others are registered where they are examined."""


class SetOrder(BASES[DISCRETE]):  # type: ignore[misc]
    """The first move depends on the order of a set of texts."""

    def move(self, action: int) -> None:
        """Walk in the direction that the set has in this place."""
        names = {"north", "east", "south", "west"}
        super().move(["north", "east", "south", "west"].index(list(names)[action]))


gymnasium.register("SetOrder-v0", entry_point=f"{__name__}:SetOrder", max_episode_steps=50)
KINDS.append(Kind("order-of-a-set", lambda base: SetOrder, ("processes-differ",), (DISCRETE,)))
