"""Batches out of SB3's replay buffers, as vectors: the same draws and the same numbers, with fewer copies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import HerReplayBuffer
from stable_baselines3.common.buffers import DictReplayBuffer, ReplayBuffer
from torch import Tensor

Flatten = Callable[[Any], Tensor]


class Batch(NamedTuple):
    """A batch of transitions.

    Attributes:
        observations: As vectors, shape ``(n, d)``, single precision.
        actions: Shape ``(n, action_dim)``, as stored.
        next_observations: Shape ``(n, d)``.
        rewards: Shape ``(n, 1)``.
        dones: 1 where the episode terminated, so that nothing follows; shape ``(n, 1)``.
        discounts: Of the value of what follows, shape ``(n, 1)``; ``None`` for gamma.
    """

    observations: Tensor
    actions: Tensor
    next_observations: Tensor
    rewards: Tensor
    dones: Tensor
    discounts: Tensor | None = None


Sampler = Callable[[int], Batch]


def sampler(buffer: ReplayBuffer, flatten: Flatten) -> Sampler:
    """Return a function from a batch size to what ``buffer.sample`` gives at the same state of NumPy's generator.

    Args:
        buffer: Of any kind; SB3's own three are sampled directly.
        flatten: Turns a batch of observations into vectors.
    """
    if buffer.optimize_memory_usage or getattr(buffer, "copy_info_dict", False):
        return _by_itself(buffer, flatten)
    return _SAMPLERS.get(type(buffer), _by_itself)(buffer, flatten)


def _by_itself(buffer: ReplayBuffer, flatten: Flatten) -> Sampler:
    def sample(size: int) -> Batch:
        found: Any = buffer.sample(size)
        observations, following = flatten(found.observations), flatten(found.next_observations)
        return Batch(observations, found.actions, following, found.rewards, found.dones, found.discounts)

    return sample


def _uniform(buffer: ReplayBuffer, _flatten: Flatten) -> Sampler:
    def sample(size: int) -> Batch:
        steps = np.random.randint(0, buffer.buffer_size if buffer.full else buffer.pos, size=size)
        chosen = steps * buffer.n_envs + np.random.randint(0, high=buffer.n_envs, size=size)
        observations, following = _parts(buffer.observations, chosen), _parts(buffer.next_observations, chosen)
        return _batch(buffer, chosen, observations, following, _rows(buffer.rewards, chosen))

    return sample


def _hindsight(buffer: Any, _flatten: Flatten) -> Sampler:
    def sample(size: int) -> Batch:
        whole = np.flatnonzero(buffer.ep_length > 0)
        if not len(whole):
            # It raises, and says what to do.
            buffer.sample(size)
        chosen = np.random.choice(whole, size=size, replace=True)
        many = int(buffer.her_ratio * size)
        goals = buffer._sample_goals(*np.divmod(chosen[:many], buffer.n_envs))
        # SB3 has the relabelled transitions last.
        chosen, real = np.concatenate([chosen[many:], chosen[:many]]), size - many
        observations, following = _parts(buffer.observations, chosen), _parts(buffer.next_observations, chosen)
        observations["desired_goal"][real:] = following["desired_goal"][real:] = goals
        rewards = _rows(buffer.rewards, chosen)
        reached = following["achieved_goal"][real:]
        told = buffer.env.env_method("compute_reward", reached, goals, [{} for _ in range(many)], indices=[0])
        rewards[real:, 0] = told[0]
        return _batch(buffer, chosen, observations, following, rewards)

    return sample


_SAMPLERS: Mapping[type, Callable[[Any, Flatten], Sampler]] = {
    ReplayBuffer: _uniform,
    DictReplayBuffer: _uniform,
    HerReplayBuffer: _hindsight,
}


def _rows(array: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[Any]:
    """Return the chosen rows of an array of steps and environments, each as a vector: a copy."""
    return array.reshape(array.shape[0] * array.shape[1], -1).take(chosen, axis=0)


def _parts(observations: Any, chosen: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    parts = observations if isinstance(observations, dict) else {"": observations}
    return {key: _rows(part, chosen) for key, part in parts.items()}


def _vectors(parts: Mapping[str, NDArray[Any]]) -> Tensor:
    arrays = list(parts.values())
    return torch.from_numpy(arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)).float()


def _batch(
    buffer: ReplayBuffer,
    chosen: NDArray[np.int64],
    observations: Mapping[str, NDArray[Any]],
    following: Mapping[str, NDArray[Any]],
    rewards: NDArray[Any],
) -> Batch:
    dones = _rows(buffer.dones, chosen) * (1 - _rows(buffer.timeouts, chosen))
    return Batch(
        _vectors(observations),
        torch.from_numpy(_rows(buffer.actions, chosen)),
        _vectors(following),
        torch.from_numpy(rewards),
        torch.from_numpy(dones),
    )
