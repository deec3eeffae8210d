"""What an update works on: samples, networks with their optimisers, and what SB3 logs of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.laboratory.networks import Layout


@dataclass
class Batch:
    """What the update learns from: samples in SB3's order (environment by environment), ``(N, M, ...)``."""

    observations: Tensor
    actions: Tensor
    log_probs: Tensor
    advantages: Tensor
    returns: Tensor

    def packed(self) -> Tensor:
        """Return everything of a sample in a row, ``(N, M, K)``."""
        numbers = torch.stack([self.log_probs, self.advantages, self.returns], 2)
        return torch.cat([self.observations, self.actions.flatten(2), numbers], 2)


@dataclass
class Learner:
    """The networks of N trainings and their optimisers.

    Attributes:
        layout: Of a row.
        rows: Weights, ``(2N, size)``.
        first: Adam's mean of gradients, likewise; ``second``: of their squares.
        steps: Adam's steps so far, ``(N,)``.
    """

    layout: Layout
    rows: Tensor
    first: Tensor
    second: Tensor
    steps: Tensor

    @classmethod
    def new(cls, layout: Layout, rows: Tensor) -> Learner:
        """Return a learner that has not made a step."""
        return cls(layout, rows, torch.zeros_like(rows), torch.zeros_like(rows), torch.zeros(len(rows) // 2))

    def only(self, which: Tensor) -> Learner:
        """Return copies of some trainings, by index."""
        rows = torch.cat([which, which + len(self.steps)])
        return Learner(self.layout, self.rows[rows], self.first[rows], self.second[rows], self.steps[which])

    def put(self, which: Tensor, other: Learner) -> None:
        """Take over some trainings from ``other``, in the order of ``which``."""
        rows = torch.cat([which, which + len(self.steps)])
        self.rows[rows], self.first[rows], self.second[rows] = other.rows, other.first, other.second
        self.steps[which] = other.steps


@dataclass
class Progress:
    """What depends on how far the training is: learning rate and clip range, ``(N,)``."""

    learning_rate: Tensor
    clip_range: Tensor


class Sums:
    """What SB3 logs of an update, collected over its minibatches."""

    def __init__(self, n: int) -> None:
        self.entropy_loss, self.policy_loss, self.value_loss, self.clip_fraction = (torch.zeros(n) for _ in range(4))
        self.minibatches = torch.zeros(n)
        self.kl, self.kl_minibatches = torch.zeros(n), torch.zeros(n)
        self.loss = torch.full((n,), math.nan)

    def logged(self) -> dict[str, Tensor]:
        """Return SB3's scalars of the update, ``(N,)`` each."""
        return {
            "train/entropy_loss": self.entropy_loss / self.minibatches,
            "train/policy_gradient_loss": self.policy_loss / self.minibatches,
            "train/value_loss": self.value_loss / self.minibatches,
            "train/approx_kl": self.kl / self.kl_minibatches,
            "train/clip_fraction": self.clip_fraction / self.minibatches,
            "train/loss": self.loss,
        }
