"""What the environment remembers does not move along with what it changes.

What it does: looks for arrays and lists among the environment's attributes that share their memory, and plays on with a
copy of one of them. Where numbers of the observation that were the same in every step, or rewards, vary only then, the
one was meant as a copy of the other.

Why it matters: ``self.setpoint = self.state[:2]`` is a view, not a copy. As soon as the state is changed in place the
setpoint moves with it, the distance between both is 0 for ever, and the reward says that all is well wherever the
policy goes.

What to do: take a copy: ``self.setpoint = self.state[:2].copy()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.check import CheckFindings, Skipped, check, error, shortened
from rldoctor.preflight.context import PreflightContext
from rldoctor.preflight.measurements import draw, flatten, number_of
from rldoctor.preflight.probes.inspection import layers, numbers

if TYPE_CHECKING:
    from rldoctor.environments.rollouts import Env

_STEPS, _PAIRS = 15, 6


@check("ENV218", "shared-arrays", requires=("ENV105", "ENV202"), late=1, faults=("array-moves-along",))
def run(context: PreflightContext) -> CheckFindings:
    """Play with copies of what shares memory."""
    context.env.reset(seed=0)
    pairs = list(_pairs(context.env))
    if not pairs:
        raise Skipped("no attributes that share memory")
    # What is taken apart here may have been shared since the constructor.
    env = context.make()
    steps = context.budget.steps(_STEPS, least=4, plays=1 + 2 * _PAIRS)
    seen, paid = _played(env, steps, None)
    for first, second in pairs[:_PAIRS]:
        for copied, other in ((first, second), (second, first)):
            apart, earned = _played(env, steps, (copied, other))
            woken = np.flatnonzero(_still(seen) & ~_still(apart)).tolist() if apart.shape[1] == seen.shape[1] else []
            pays = np.ptp(paid[1:]) == 0 and np.ptp(earned[1:]) > 0
            if woken or pays:
                several = "s" if len(woken) > 1 else ""
                what = f"number{several} {shortened(woken)} of the observation" if woken else "the reward"
                yield error(
                    "array-moves-along",
                    f"self.{copied} and self.{other} share their memory, so that one moves with the other: {what} "
                    f"stayed the same in {len(seen) - 1} steps, and varied with a copy in its place.",
                    f"Where self.{copied} is set, take a copy: .copy().",
                    attributes=[copied, other],
                    dimensions=woken[:32],
                )
                return ""
    return f"{len(pairs)} pairs of attributes share memory on purpose"


def _still(rows: FloatArray) -> Any:
    return np.ptp(rows, axis=0) == 0


def _holders(env: Env) -> Iterator[tuple[str, Any, Any]]:
    for layer in layers(env):
        for name, value in list(getattr(layer, "__dict__", {}).items()):
            if isinstance(value, (np.ndarray, list)) and numbers(value) is not None:
                yield name, layer, value


def _pairs(env: Env) -> Iterator[tuple[str, str]]:
    for (name, _, one), (other, _, two) in combinations(_holders(env), 2):
        if name != other and _shared(one, two):
            # The smaller one is the view.
            yield (name, other) if np.size(one) <= np.size(two) else (other, name)


def _shared(one: Any, two: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return bool(np.may_share_memory(one, two))
    return one is two


def _played(env: Env, steps: int, apart: tuple[str, str] | None) -> tuple[FloatArray, FloatArray]:
    """Take random steps, with a copy of an attribute wherever it shares memory with another one."""
    random = np.random.default_rng(39)
    observation, _ = env.reset(seed=0)
    if apart:
        _take_apart(env, *apart)
    rows, rewards = [flatten(observation)], [0.0]
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(draw(env.action_space, random))
        rows.append(flatten(observation))
        rewards.append(number_of(reward))
        if apart:
            _take_apart(env, *apart)
        if terminated or truncated:
            break
    return np.stack(rows), np.array(rewards)


def _take_apart(env: Env, copied: str, other: str) -> None:
    found = {name: (layer, value) for name, layer, value in _holders(env)}
    if copied in found and other in found and _shared(found[copied][1], found[other][1]):
        layer, value = found[copied]
        setattr(layer, copied, value.copy())
