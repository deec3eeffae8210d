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
    """Steps from one start, each action with several draws of random numbers, and one more step that all share.

    Attributes:
        seen: Observations after the first step, ``(actions, draws, d)``.
        rewards: Of the first step, ``(actions, draws)``.
        after: Observations after the second step, in which all draw the same, ``(actions, draws, d)``.
        rewards_after: Of that second step, ``(actions, draws)``.
    """

    seen: FloatArray
    rewards: FloatArray
    after: FloatArray
    rewards_after: FloatArray


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
        before = _states(env)
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                break
        return _states(env) != before


def _states(env: Env) -> list[str]:
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


def draws(env: Env, start: int, before: Sequence[Any], actions: Sequence[Any], count: int) -> Drawn | None:
    """Play from one start each action with ``count`` draws; ``None`` where an episode ends on the way.

    Args:
        env: The environment.
        start: The seed of the start.
        before: Actions that lead away from it.
        actions: Those that are compared.
        count: Draws for each.
    """
    seen: list[list[FloatArray]] = []
    rewards: list[list[float]] = []
    after: list[list[FloatArray]] = []
    rewards_after: list[list[float]] = []
    with _globals_kept():
        for action in actions:
            rows: list[tuple[FloatArray, float, FloatArray, float]] = []
            for draw in range(count):
                _set(env, start)
                env.reset(seed=start)
                _set(env, start)
                over = False
                for earlier in before:
                    _, _, terminated, truncated, _ = env.step(earlier)
                    over = over or terminated or truncated
                _set(env, 1000 + draw)
                observation, reward, terminated, truncated, _ = env.step(action)
                if over or terminated or truncated:
                    return None
                _set(env, start)
                later, paid, *_ = env.step(action)
                rows.append((flatten(observation), number_of(reward), flatten(later), number_of(paid)))
            seen.append([row[0] for row in rows])
            rewards.append([row[1] for row in rows])
            after.append([row[2] for row in rows])
            rewards_after.append([row[3] for row in rows])
    return Drawn(*(np.array(values, float) for values in (seen, rewards, after, rewards_after)))
