"""Actions that differ as much as an action space allows, and what each does from one and the same state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rldoctor.model import FloatArray
from rldoctor.preflight.measurements import Batch, draw, flatten, play_actions

if TYPE_CHECKING:
    import gymnasium
    from numpy.typing import NDArray

    from rldoctor.environments.rollouts import Env
    from rldoctor.preflight.budget import Budget

# Long enough for the slowest joint to answer: FetchReach moves 160 mm in five steps of full action.
_PROBE_STEPS = 5
# Heads of a MultiDiscrete that are tried one by one.
_MOST_HEADS = 32


def alternatives(space: gymnasium.Space[Any], most: int, seed: int) -> list[Any]:
    """Return up to ``most`` actions, all different: corners of a bounded Box, choices of a Discrete, else samples.

    Args:
        space: The action space.
        most: How many actions, at most.
        seed: Another seed gives other corners.
    """
    from gymnasium.spaces import Box, Discrete

    random = np.random.default_rng(seed)
    if isinstance(space, Discrete):
        return [int(space.start) + int(choice) for choice in random.permutation(int(space.n))[:most]]
    found: list[Any] = []
    for _ in range(most):
        if isinstance(space, Box) and space.is_bounded():
            low, high = np.minimum(space.low, space.high), np.maximum(space.low, space.high)
            # Nearly at the bounds, each dimension by itself, so that no two are likely to be the same.
            action = np.where(random.random(space.shape) < 0.5, low, high) * random.uniform(0.8, 1.0, space.shape)
            action = np.clip(action, low, high).astype(space.dtype)
        else:
            action = draw(space, random)
        if not any(np.array_equal(action, other) for other in found):
            found.append(action)
    return found


@dataclass(frozen=True)
class Effects:
    """What each action does, measured by holding it for some steps from one and the same state.

    Attributes:
        labels: ``action[0]`` and so on for the dimensions of a Box, ``action 0`` for those of a discrete space.
        sizes: Largest change of the observation compared with the zero action (the first one of a discrete space), in
            standard deviations of the random policy's observations (absolute where an observation does not vary),
            ``(len(labels),)``.
        rewards: The same of the reward.
    """

    labels: tuple[str, ...]
    sizes: FloatArray
    rewards: FloatArray


def heads_at(space: Any, part: float) -> NDArray[Any]:
    """Return the action whose every choice is ``part`` of the way through those of its head, in [0, 1].

    Args:
        space: A ``MultiDiscrete`` or ``MultiBinary``.
        part: 0 for the first choice of each head, 1 for the last.
    """
    most = np.asarray(getattr(space, "nvec", np.full(space.shape, 2))) - 1
    start = np.asarray(getattr(space, "start", 0))
    return np.asarray(start + np.ceil(part * most)).astype(space.dtype)


def probe_actions(env: Env, batch: Batch, budget: Budget, most: int = _PROBE_STEPS, seed: int = 0) -> Effects | None:
    """Hold each action for up to ``most`` steps from the start of ``seed``; ``None`` where they cannot be tried so."""
    from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete

    space = env.action_space
    if isinstance(space, Box) and space.is_bounded() and space.dtype is not None:
        idle = ((space.low.astype(float) + space.high) / 2).astype(space.dtype)
        probes, labels = [], []
        for index in np.ndindex(space.shape):
            for bound in (space.low, space.high):
                action = np.array(idle)
                action[index] = bound[index]
                probes.append(action)
            labels.append(f"action[{', '.join(map(str, index))}]" if index else "action")
        found = _effects(env, batch, idle, probes, budget, most, seed)
        sizes, rewards = (numbers.reshape(len(labels), -1).max(axis=1) for numbers in found)
        return Effects(tuple(labels), sizes, rewards)
    if isinstance(space, (MultiDiscrete, MultiBinary)) and np.prod(space.shape) <= _MOST_HEADS:
        first = heads_at(space, 0.0)
        some = [first.copy() for _ in range(2 * first.size)]
        for number, action in enumerate(some):
            action.flat[number // 2] = heads_at(space, (0.5, 1.0)[number % 2]).flat[number // 2]
        found = _effects(env, batch, first, some, budget, most, seed)
        sizes, rewards = (numbers.reshape(-1, 2).max(axis=1) for numbers in found)
        labels = [f"action[{', '.join(map(str, index))}]" for index in np.ndindex(space.shape)]
        return Effects(tuple(labels), sizes, rewards)
    if isinstance(space, Discrete):
        choices = [int(space.start) + i for i in range(min(int(space.n), 32))]
        # There is no idle action to compare with: each is compared with the first, and the first with the last.
        sizes, rewards = _effects(env, batch, choices[0], choices[1:], budget, most, seed)
        labels = [f"action {c}" for c in choices]
        whole = [np.concatenate([[found.max(initial=0.0)], found]) for found in (sizes, rewards)]
        return Effects(tuple(labels), whole[0], whole[1])
    return None


def _effects(
    env: Env, batch: Batch, idle: Any, probes: Sequence[Any], budget: Budget, most: int, seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return how far each probe moves observations and rewards from those of ``idle``."""
    steps = budget.steps(most, plays=1 + len(probes))
    spread = np.stack([flatten(observation) for observation in batch.raw]).std(axis=0)
    spread[~(spread > 1e-9)] = 1.0
    scale = float(batch.rewards.std())
    scale = scale if scale > 1e-9 else 1.0
    sizes, rewards = np.zeros(len(probes)), np.zeros(len(probes))
    still, calm = play_actions(env, seed, [idle] * steps)
    for place, action in enumerate(probes):
        moved, earned = play_actions(env, seed, [action] * steps)
        shared = min(len(still), len(moved))
        sizes[place] = np.abs((moved[:shared] - still[:shared]) / spread).max(initial=0.0)
        # Another length of the episode is an effect as well.
        sizes[place] = max(sizes[place], float(len(still) != len(moved)))
        rewards[place] = np.abs(earned[:shared] - calm[:shared]).max() / scale
    return sizes, rewards
