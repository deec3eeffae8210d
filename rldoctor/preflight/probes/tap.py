"""What goes through an environment's wrappers: each step as the policy sees it beside the step of the innermost one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import draw, flatten

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env


@dataclass(frozen=True)
class Passage:
    """The same steps on both sides of the wrappers, ``n`` of them, in pairs of outer and inner.

    Attributes:
        actions: ``(n, a)`` each; ``None`` where they have different sizes.
        observations: ``(n, d)`` each; ``None`` where they have different sizes.
        rewards: ``(n,)`` each.
    """

    actions: tuple[FloatArray, FloatArray] | None
    observations: tuple[FloatArray, FloatArray] | None
    rewards: tuple[FloatArray, FloatArray]


@contextlib.contextmanager
def _tapped(env: Env, seen: list[tuple[Any, ...]]) -> Iterator[None]:
    inner: Any = env.unwrapped
    original = inner.step

    def step(action: Any) -> Any:
        given = np.array(action, copy=True)
        result = original(action)
        seen.append((given, deepcopy(result[0]), float(result[1])))
        return result

    inner.step = step
    try:
        yield
    finally:
        del inner.step


def passage(env: Env, steps: int) -> Passage | None:
    """Play ``steps`` random steps; ``None`` where one step outside is not one step inside, or nothing can be seen."""
    random = np.random.default_rng(17)
    outer: list[tuple[Any, ...]] = []
    inner: list[tuple[Any, ...]] = []
    try:
        with _tapped(env, inner):
            env.reset(seed=0)
            inner.clear()
            for _ in range(steps):
                action = draw(env.action_space, random)
                observation, reward, terminated, truncated, _ = env.step(action)
                outer.append((action, deepcopy(observation), float(reward)))
                if len(inner) != len(outer):
                    return None
                if terminated or truncated:
                    break
    except AttributeError:
        # One that keeps no attributes of its own cannot be tapped.
        return None
    actions, observations, rewards = (
        ([np.ravel(row[part]).astype(float) for row in outer], [np.ravel(row[part]).astype(float) for row in inner])
        if part != 1
        else ([_by_key(row[1]) for row in outer], [_by_key(row[1]) for row in inner])
        for part in range(3)
    )
    return Passage(_pair(*actions), _pair(*observations), (np.concatenate(rewards[0]), np.concatenate(rewards[1])))


def steps_inside(env: Env, steps: int) -> int:
    """Return how many steps of the innermost environment one step outside is, the most of ``steps`` random ones.

    1 where nothing can be seen.
    """
    random = np.random.default_rng(18)
    inner: list[tuple[Any, ...]] = []
    most = 1
    try:
        with _tapped(env, inner):
            env.reset(seed=0)
            for _ in range(steps):
                inner.clear()
                _, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
                most = max(most, len(inner))
                if terminated or truncated:
                    break
    except AttributeError:
        return 1
    return most


def rewards_inside(env: Env, steps: int) -> list[tuple[float, list[float]]]:
    """Return the reward of each of ``steps`` random steps beside those of the innermost environment in it.

    Episodes that end are followed by others. Empty where nothing can be seen.
    """
    random = np.random.default_rng(19)
    inner: list[tuple[Any, ...]] = []
    found: list[tuple[float, list[float]]] = []
    try:
        with _tapped(env, inner):
            env.reset(seed=0)
            for number in range(steps):
                inner.clear()
                _, reward, terminated, truncated, _ = env.step(draw(env.action_space, random))
                found.append((float(reward), [row[2] for row in inner]))
                if terminated or truncated:
                    env.reset(seed=number)
    except AttributeError:
        return []
    return found


def _by_key(observation: Any) -> FloatArray:
    # The keys of a dictionary have no order that a wrapper would have to keep.
    return flatten(dict(sorted(observation.items())) if isinstance(observation, dict) else observation)


def _pair(outer: list[FloatArray], inner: list[FloatArray]) -> tuple[FloatArray, FloatArray] | None:
    if len({part.shape for part in (*outer, *inner)}) != 1:
        return None
    return np.stack(outer), np.stack(inner)


def delay(late: FloatArray, early: FloatArray, most: int) -> int:
    """Return by how many steps ``late`` follows ``early``, from 1 to ``most``; 0 where it does not."""
    for steps in range(1, min(most, len(late) - 3) + 1):
        a, b = late[steps:], early[:-steps]
        if np.array_equal(a, b, equal_nan=True) and np.ptp(a, axis=0).max(initial=0.0) > 0:
            return steps
    return 0
