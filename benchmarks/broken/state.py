"""What is kept from episode to episode, shared, or drawn without a seed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from benchmarks.broken.bases import BASES
from benchmarks.broken.kinds import (
    ALL,
    DISCRETE,
    PLAIN,
    VECTORS,
    Class,
    add,
    each,
    kind,
    looks,
    rewards,
)


@kind("state-outlives-episode", bases=ALL)
def counter_not_reset(base: Class) -> Class:
    """Episodes end by a counter that no reset sets back."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.t = 0

        def step(self, action: Any) -> Any:
            self.t += 1
            observation, reward, over, _, info = super().step(action)
            return observation, reward, over, self.t >= 40, info

    return Broken


@kind("state-outlives-episode", bases=(PLAIN, DISCRETE))
def fuel_not_refilled(base: Class) -> Class:
    """The reward falls with every step ever made."""

    class Broken(base):  # type: ignore[misc]
        used = 0.0

        def reward(self) -> float:
            self.used += 0.01
            return float(super().reward() - self.used)

    return Broken


@kind("state-outlives-episode", bases=VECTORS)
def velocity_not_reset(base: Class) -> Class:
    """The point keeps its velocity."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            kept = getattr(self, "velocity", np.zeros(2))
            super().reset(**options)
            self.velocity = kept
            return self.look(), {}

    return Broken


@kind("environments-share-state", bases=(PLAIN, DISCRETE))
def attribute_of_the_class(base: Class) -> Class:
    """The position is an attribute of the class."""
    name = "position" if base is BASES[PLAIN] else "here"

    class Broken(base):  # type: ignore[misc]
        shared: Any = None

    def get(self: Any) -> Any:
        return Broken.shared

    def put(self: Any, value: Any) -> None:
        Broken.shared = value

    setattr(Broken, name, property(get, put))
    return Broken


@kind("global-random-state", bases=(PLAIN, DISCRETE))
def seeds_the_global_generator(base: Class) -> Class:
    """Reset seeds NumPy's global random numbers, step draws from them."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            if seed is not None:
                np.random.seed(seed)
            return super().reset(seed=seed)

        def reward(self) -> float:
            return float(super().reward() + 0.1 * np.random.rand())

    return Broken


@kind("trajectory-not-reproducible", "generator-not-seeded", bases=ALL)
def global_random_numbers(base: Class) -> Class:
    """Starts come from NumPy's global random numbers."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            if hasattr(self, "position"):
                self.position = np.random.uniform(-1, 1, 2)
            else:
                self.here = np.random.randint(2, 7, 2)
            return self.look(), {}

    return Broken


@kind("trajectory-not-reproducible", "generator-not-seeded", bases=(PLAIN, DISCRETE))
def generator_of_the_constructor(base: Class) -> Class:
    """A generator made once, with a fixed seed, draws the targets."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.rng = np.random.default_rng(0)

        def reset(self, **options: Any) -> Any:
            super().reset(**options)
            self.target = self.rng.integers(0, 9, 2) if hasattr(self, "here") else self.rng.uniform(-1, 1, 2)
            return self.look(), {}

    return Broken


@kind("environments-differ", bases=(PLAIN, DISCRETE))
def drawn_in_the_constructor(base: Class) -> Class:
    """Every environment has a strength of its own."""

    class Broken(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.bonus = float(np.random.default_rng().uniform(1, 2))

        def reward(self) -> float:
            return float(super().reward() * self.bonus)

    return Broken


@kind("seed-replaced", "seed-without-effect", bases=ALL)
def seed_always_zero(base: Class) -> Class:
    """Reset seeds with 0 whatever it is given."""

    class Broken(base):  # type: ignore[misc]
        def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
            return super().reset(seed=0)

    return Broken


add(
    "wall-clock-in-the-reward",
    rewards(lambda env, r: r + 1e-3 * (time.perf_counter() % 1)),
    "trajectory-not-reproducible",
    "generator-not-seeded",
    bases=ALL,
)
add(
    "noise-in-the-observation",
    looks(lambda env, o: each(o, lambda a: (a + np.random.normal(0, 0.01, a.shape)).astype(a.dtype))),
    "trajectory-not-reproducible",
    "generator-not-seeded",
    bases=VECTORS,
)
