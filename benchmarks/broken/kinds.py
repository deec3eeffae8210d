"""What a kind of fault is, and the helpers that most of them are made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Class = type[Any]
PLAIN, GOAL, DISCRETE, PICTURE = "plain", "goal", "discrete", "picture"
VECTORS = (PLAIN, GOAL)
BOARDS = (DISCRETE, PICTURE)
ALL = (PLAIN, GOAL, DISCRETE, PICTURE)


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: In kebab-case.
        make: Makes a broken class of a healthy one.
        findings: Names of the findings of which one must be there.
        bases: Which healthy environments are broken this way.
        horizon: Time limit of the registration; ``None`` for none.
    """

    name: str
    make: Callable[[Class], Class]
    findings: tuple[str, ...]
    bases: tuple[str, ...]
    horizon: int | None = 50


KINDS: list[Kind] = []


def kind(
    *findings: str, bases: tuple[str, ...], horizon: int | None = 50
) -> Callable[[Callable[[Class], Class]], None]:
    """Add the decorated function to ``KINDS``."""

    def add(make: Callable[[Class], Class]) -> None:
        KINDS.append(Kind(make.__name__.replace("_", "-"), make, findings, bases, horizon))

    return add


def each(observation: Any, change: Callable[[Any], Any]) -> Any:
    """Return an observation with every array changed."""
    if isinstance(observation, dict):
        return {key: change(value) for key, value in observation.items()}
    return change(observation)


def looks(change: Callable[[Any, Any], Any]) -> Callable[[Class], Class]:
    """Return what makes a class that shows ``change(env, observation)``."""

    def make(base: Class) -> Class:
        return type("Broken", (base,), {"look": lambda self: change(self, base.look(self))})

    return make


def rewards(change: Callable[[Any, float], Any]) -> Callable[[Class], Class]:
    """Return what makes a class that gives ``change(env, reward)``; ``compute_reward`` does not know of it."""

    def make(base: Class) -> Class:
        def step(self: Any, action: Any) -> Any:
            self.steps = getattr(self, "steps", 0) + 1
            observation, reward, *rest = base.step(self, action)
            return observation, change(self, reward), *rest

        def reset(self: Any, **options: Any) -> Any:
            self.steps = 0
            return base.reset(self, **options)

        return type("Broken", (base,), {"step": step, "reset": reset})

    return make


def acts(change: Callable[[Any, Any], Any]) -> Callable[[Class], Class]:
    """Return what makes a class that moves by ``change(env, action)``."""

    def make(base: Class) -> Class:
        return type("Broken", (base,), {"move": lambda self, action: base.move(self, change(self, action))})

    return make


def ends(change: Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]) -> Callable[[Class], Class]:
    """Return what makes a class whose step returns ``change(env, result)``."""

    def make(base: Class) -> Class:
        def step(self: Any, action: Any) -> Any:
            self.count = getattr(self, "count", 0) + 1
            return change(self, base.step(self, action))

        def reset(self: Any, **options: Any) -> Any:
            self.count = 0
            return base.reset(self, **options)

        return type("Broken", (base,), {"step": step, "reset": reset})

    return make


def add(
    name: str, make: Callable[[Class], Class], *findings: str, bases: tuple[str, ...], horizon: int | None = 50
) -> None:
    """Add a kind that one of the helpers makes."""
    KINDS.append(Kind(name, make, findings, bases, horizon))
