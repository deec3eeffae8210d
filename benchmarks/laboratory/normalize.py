"""``VecNormalize`` of Stable-Baselines3 for N trainings at once: running statistics in float64, clipped at 10."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON, _CLIP = 1e-8, 10.0


class RunningMoments:
    """Mean and variance of a stream, as ``stable_baselines3.common.running_mean_std.RunningMeanStd`` keeps them.

    Args:
        shape: Of the statistics: the trainings first.
    """

    def __init__(self, *shape: int) -> None:
        self.mean = torch.zeros(shape, dtype=torch.float64)
        self.var = torch.ones(shape, dtype=torch.float64)
        self.count = 1e-4

    def update(self, values: Tensor) -> None:
        """Add values ``(N, E, ...)``: E of each."""
        values = values.double()
        mean, var, count = values.mean(1), values.var(1, correction=0), values.shape[1]
        total = self.count + count
        delta = mean - self.mean
        self.mean = self.mean + delta * (count / total)
        self.var = (self.var * self.count + var * count + delta.square() * (self.count * count / total)) / total
        self.count = total


class Normalizer:
    """Observations and rewards of the trainings whose flags say so; the others pass unchanged.

    Args:
        observation: Flags ``(N,)``.
        reward: Flags ``(N,)``.
        gamma: Discount of the returns by whose spread rewards are divided, ``(N,)``: the recipe's, as RL Baselines3
            Zoo passes it.
        size: Entries of an observation.
        n_envs: Environments of each training.
    """

    def __init__(self, observation: Tensor, reward: Tensor, gamma: Tensor, size: int, n_envs: int) -> None:
        self.observation, self.reward = observation.bool(), reward.bool()
        self._observed, self._rewarded = bool(self.observation.any()), bool(self.reward.any())
        n = len(gamma)
        self._gamma = gamma.double()[:, None]
        self.moments, self._return_moments = RunningMoments(n, size), RunningMoments(n)
        self._returns = torch.zeros(n, n_envs, dtype=torch.float64)

    def observe(self, observed: Tensor) -> Tensor:
        """Count observations ``(N, E, O)`` and return them as the policy gets them."""
        if self._observed:
            self.moments.update(observed)
        return self.normal(observed)

    def normal(self, observed: Tensor) -> Tensor:
        """Return observations ``(N, E, O)`` as the policy gets them."""
        if not self._observed:
            return observed
        scale = (self.moments.var + _EPSILON).sqrt()[:, None]
        scaled = ((observed - self.moments.mean[:, None]) / scale).clamp(-_CLIP, _CLIP).float()
        return torch.where(self.observation[:, None, None], scaled, observed)

    def original(self, observed: Tensor) -> Tensor:
        """Return what :meth:`normal` was given, ``(N, ..., O)``, except for clipping."""
        if not self._observed:
            return observed
        n, size = self.moments.mean.shape
        shape = (n, *[1] * (observed.dim() - 2), size)
        scale, mean = (self.moments.var + _EPSILON).sqrt().view(shape), self.moments.mean.view(shape)
        flags = self.observation.view(n, *[1] * (observed.dim() - 1))
        return torch.where(flags, observed * scale + mean, observed.double()).float()

    def rewards(self, given: Tensor, ends: Tensor) -> Tensor:
        """Count rewards ``(N, E)`` and return them as the learner gets them; ``ends``: of episodes."""
        if not self._rewarded:
            return given
        self._returns = self._returns * self._gamma + given
        self._return_moments.update(self._returns)
        scale = (self._return_moments.var + _EPSILON).sqrt()[:, None]
        scaled = (given / scale).clamp(-_CLIP, _CLIP).float()
        self._returns = self._returns.masked_fill(ends, 0.0)
        return torch.where(self.reward[:, None], scaled, given)
