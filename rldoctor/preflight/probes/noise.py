"""Plays of one start whose random draws are chosen: what do they move, next to what actions move?"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import flatten, number_of
from rldoctor.preflight.probes.inspection import global_random_state, layers

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env


_LIBRARIES = ("gymnasium.", "numpy", "stable_baselines3.", "random")


@dataclass(frozen=True)
class Drawn:
    """Steps from one start, each action with several draws of random numbers, and some more steps that all share.

    Attributes:
        seen: Observations after the first step, ``(actions, draws, d)``.
        rewards: Of the first step, ``(actions, draws)``.
        after: Observations after each later step, in which all draw the same, ``(actions, draws, later * d)``; 0 after
            the end of an episode.
        rewards_after: Of these later steps, ``(actions, draws, later)``.
        ended: Whether the episode ended with the first step, ``(actions, draws)``.
    """

    seen: FloatArray
    rewards: FloatArray
    after: FloatArray
    rewards_after: FloatArray
    ended: FloatArray


# What is drawn now may be paid or seen some steps later.
_LATER = 4
_KINDS = (np.random.Generator, np.random.RandomState, random.Random)


def _generators(env: Env) -> list[Any]:
    """Return the generators of the layers themselves, of functions that they hold, and of the modules they are from."""
    found: list[Any] = []
    for layer in layers(env):
        values = list(vars(layer).values()) if hasattr(layer, "__dict__") else []
        functions = [value for value in values if isinstance(value, FunctionType)]
        values += [cell.cell_contents for f in functions for cell in f.__closure__ or () if _is_filled(cell)]
        modules = {type(layer).__module__, *(f.__module__ for f in functions)}
        # Those of libraries are their own.
        own = [sys.modules.get(name) for name in modules if not name.startswith(_LIBRARIES)]
        values += [value for module in own if module is not None for value in list(vars(module).values())]
        found += [value for value in values if isinstance(value, _KINDS)]
    return list({id(generator): generator for generator in found}.values())


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018 - it raises where the variable is not set yet
    except ValueError:
        return False
    return True


def _set(env: Env, seed: int) -> None:
    """Set every generator that an environment can be seen to draw from, and the global ones."""
    for generator in _generators(env):
        if isinstance(generator, np.random.Generator):
            kind = type(generator.bit_generator)
            generator.bit_generator.state = kind(seed).state
        else:
            generator.seed(seed)
    random.seed(seed)
    np.random.seed(seed)


def steps_draw(env: Env, actions: Sequence[Any]) -> bool:
    """Return whether any step moves a generator that an environment can be seen to draw from, or a global one."""
    with _globals_kept():
        _set(env, 0)
        env.reset(seed=0)
        before = random_states(env)
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                break
        return random_states(env) != before


def random_states(env: Env) -> list[str]:
    """Return the states of the generators that an environment can be seen to draw from, and of the global ones."""
    return [*(repr(_state(generator)) for generator in _generators(env)), repr(global_random_state())]


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate()


@contextmanager
def _globals_kept() -> Iterator[None]:
    kept = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])


def draws(
    env: Env, start: int, before: Sequence[Any], actions: Sequence[Any], count: int, first: int = 1000
) -> Drawn | None:
    """Play from one start each action with ``count`` draws; ``None`` where an episode ends on the way to them.

    Args:
        env: The environment.
        start: The seed of the start.
        before: Actions that lead away from it.
        actions: Those that are compared.
        count: Draws for each.
        first: Seed of the first draw; the others have the following ones.
    """
    rows: list[list[tuple[FloatArray, float, FloatArray, FloatArray, bool]]] = []
    with _globals_kept():
        for action in actions:
            rows.append([])
            for number in range(count):
                found = _drawn(env, start, before, action, first + number)
                if found is None:
                    return None
                rows[-1].append(found)
    return Drawn(*(np.array([[row[part] for row in one] for one in rows], float) for part in range(5)))


def _drawn(
    env: Env, start: int, before: Sequence[Any], action: Any, seed: int
) -> tuple[FloatArray, float, FloatArray, FloatArray, bool] | None:
    """Take ``action`` with the draws of ``seed``, then some more steps with those of ``start``."""
    _set(env, start)
    env.reset(seed=start)
    _set(env, start)
    for earlier in before:
        _, _, terminated, truncated, _ = env.step(earlier)
        if terminated or truncated:
            return None
    _set(env, seed)
    observation, reward, terminated, truncated, _ = env.step(action)
    first, ended = flatten(observation), bool(terminated or truncated)
    later, paid = np.zeros((_LATER, len(first))), np.zeros(_LATER)
    over = ended
    _set(env, start)
    for step in range(_LATER):
        if over:
            break
        observation, more, terminated, truncated, _ = env.step(action)
        seen, over = flatten(observation), bool(terminated or truncated)
        if seen.shape == first.shape:
            later[step] = seen
        paid[step] = number_of(more)
    return first, number_of(reward), later.ravel(), paid, ended
