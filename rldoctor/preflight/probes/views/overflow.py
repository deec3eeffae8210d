"""Whole numbers of an environment that overflow: of one or two bytes with a sign, of which none wraps on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.preflight.measurements import draw
from rldoctor.preflight.probes.inspection import layers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

_EPISODES, _STEPS, _LARGEST, _BYTES = 4, 250, 64, 2
# Of the range: a jump from end to end, and the largest step beside jumps.
_JUMP, _STEP = 0.75, 0.25


def overflowing(env: Env, budget: Budget) -> dict[str, tuple[int, int]]:
    """Return attributes that jump from one end of their range to the other: the numbers before and after.

    Played in random episodes, where there are such attributes at all.
    """
    env.reset(seed=0)
    if not dict(_small(env)):
        return {}
    found: dict[str, tuple[int, int]] = {}
    largest: dict[str, float] = {}
    random = np.random.default_rng(29)
    for seed in range(_EPISODES):
        env.reset(seed=seed)
        before = dict(_small(env))
        for _ in range(budget.steps(_STEPS, plays=_EPISODES)):
            _, _, terminated, truncated, _ = env.step(draw(env.action_space, random))
            after = dict(_small(env))
            for name, old in before.items():
                new = after.get(name)
                if new is None or new.shape != old.shape or new.dtype != old.dtype:
                    continue
                size = 2.0 ** (8 * new.dtype.itemsize)
                change = np.abs(new.astype(float) - old).ravel()
                place = int(change.argmax())
                if change[place] > _JUMP * size:
                    found.setdefault(name, (int(old.ravel()[place]), int(new.ravel()[place])))
                usual = change[change <= _JUMP * size]
                largest[name] = max(largest.get(name, 0.0), float(usual.max(initial=0.0)) / size)
            before = after
            if terminated or truncated:
                break
    return {name: pair for name, pair in found.items() if largest[name] <= _STEP}


def _small(env: Env) -> Iterator[tuple[str, NDArray[Any]]]:
    for layer in layers(env):
        for name, value in getattr(layer, "__dict__", {}).items():
            if not isinstance(value, (np.ndarray, np.signedinteger)) or not 0 < value.size <= _LARGEST:
                continue
            if value.dtype.kind == "i" and value.dtype.itemsize <= _BYTES:
                yield name, np.array(value)
