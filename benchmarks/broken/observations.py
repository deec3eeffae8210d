"""Observations that do not show what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box

from benchmarks.broken.kinds import (
    ALL,
    DISCRETE,
    GOAL,
    PICTURE,
    PLAIN,
    VECTORS,
    Class,
    add,
    each,
    kind,
    looks,
)


def _frozen(env: Any, observation: Any) -> Any:
    env.first = getattr(env, "first", observation)
    return env.first


add("observation-frozen", looks(_frozen), "state-outlives-episode", "observations-frozen", bases=ALL)
add(
    "observation-all-zeros",
    looks(lambda env, o: each(o, np.zeros_like)),
    "observations-frozen",
    "goal-not-observed",
    bases=ALL,
)
add(
    "observation-nan",
    looks(lambda env, o: each(o, lambda a: np.full_like(a, np.nan) if env.distance < 0.7 else a)),
    "observation-not-finite",
    bases=VECTORS,
)
add(
    "observation-times-1000",
    looks(lambda env, o: each(o, lambda a: a * np.float32(1000))),
    "observation-outside-space",
    "observations-too-large",
    bases=VECTORS,
)
add(
    "observation-outside-its-bounds",
    looks(lambda env, o: each(o, lambda a: a + np.float32(1.5))),
    "observation-outside-space",
    bases=VECTORS,
)
add(
    "observation-tiny",
    looks(lambda env, o: each(o, lambda a: a * np.float32(1e-5))),
    "observations-too-small",
    bases=VECTORS,
)
add(
    "observation-of-another-dtype",
    looks(lambda env, o: each(o, lambda a: a.astype(np.int64))),
    "observation-dtype-wrong",
    bases=VECTORS,
)
add(
    "observation-of-another-shape",
    looks(lambda env, o: each(o, lambda a: a[:-1])),
    "observation-shape-wrong",
    bases=ALL,
)
add(
    "key-frozen",
    looks(lambda env, o: {**o, "observation": np.ones(4, np.float32)}),
    "observation-part-frozen",
    bases=(GOAL,),
)
add(
    "key-missing",
    looks(lambda env, o: {k: v for k, v in o.items() if k != "observation"}),
    "observation-key-missing",
    bases=(GOAL,),
)
add(
    "velocities-and-target-frozen",
    looks(lambda env, o: np.concatenate([o[:2], np.zeros(4, np.float32)])),
    "observation-part-frozen",
    bases=(PLAIN,),
)
add(
    "picture-divided-by-255", looks(lambda env, o: (o / 255).astype(np.uint8)), "picture-scaled-twice", bases=(PICTURE,)
)
add("picture-black", looks(lambda env, o: o * np.uint8(0)), "observations-frozen", bases=(PICTURE,))


@kind("velocity-not-observed", bases=(PLAIN,))
def velocity_missing(base: Class) -> Class:
    """A heavy point whose velocity is not shown."""

    class Broken(base):  # type: ignore[misc]
        observation_space = Box(-2.0, 2.0, (4,), np.float32)

        def move(self, action: Any) -> None:
            self.velocity = 0.98 * self.velocity + 0.01 * action
            self.position = np.clip(self.position + self.velocity, -2, 2)

        def look(self) -> Any:
            return np.concatenate([self.position, self.target]).astype(np.float32)

    return Broken


@kind("observation-late", bases=(PLAIN, DISCRETE))
def observation_before_the_step(base: Class) -> Class:
    """The observation is taken before the simulation moves."""

    class Broken(base):  # type: ignore[misc]
        def step(self, action: Any) -> Any:
            before = self.look()
            return before, *super().step(action)[1:]

    return Broken


@kind("observation-changed-later", bases=(PLAIN,))
def observation_handed_out_itself(base: Class) -> Class:
    """Always the same array."""

    class Broken(base):  # type: ignore[misc]
        def look(self) -> Any:
            self.buffer = getattr(self, "buffer", np.zeros(6, np.float32))
            self.buffer[:] = super().look()
            return self.buffer

    return Broken


add(
    "observation-of-whole-numbers",
    looks(lambda env, o: each(o, lambda a: np.trunc(a))),
    "observation-coarse",
    bases=(PLAIN,),
)
add(
    "observation-lost-in-noise",
    looks(lambda env, o: each(o, lambda a: np.clip(a + env.np_random.normal(0, 2, a.shape), -2, 2).astype(a.dtype))),
    "observation-mostly-noise",
    bases=VECTORS,
)
