"""N networks of one shape, and N Adams, as stacked tensors."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

Rows = Tensor | slice
ALL = slice(None)


class Networks:
    """N perceptrons with two hidden layers of ReLU, initialised and trained as torch's and SB3's are.

    Args:
        n: How many.
        sizes: Inputs, hidden units, hidden units, outputs.
        random: Of the initial weights.
    """

    def __init__(self, n: int, sizes: Sequence[int], random: torch.Generator) -> None:
        self.weights: list[Tensor] = []
        for inputs, outputs in itertools.pairwise(sizes):
            bound = 1.0 / math.sqrt(inputs)
            for shape in ((n, inputs, outputs), (n, 1, outputs)):
                self.weights.append((torch.rand(shape, generator=random) * 2 - 1) * bound)
        self._first = [torch.zeros_like(weight) for weight in self.weights]
        self._second = [torch.zeros_like(weight) for weight in self.weights]
        self._count = torch.zeros(n)

    def copy(self) -> list[Tensor]:
        return [weight.clone() for weight in self.weights]

    def leaves(self, rows: Rows) -> list[Tensor]:
        """Return the weights of some rows, to be differentiated by."""
        return [weight[rows].detach().requires_grad_() for weight in self.weights]

    def step(self, gradients: Sequence[Tensor], rate: Tensor, rows: Rows) -> None:
        """Take a step of Adam (beta 0.9 and 0.999, epsilon 1e-8) in some rows.

        Args:
            gradients: One for each of :meth:`leaves`.
            rate: Learning rate of each row, ``(rows,)``; 0 leaves a row as it is.
            rows: Which.
        """
        self._count[rows] += 1
        count = self._count[rows]
        size = (rate * torch.sqrt(1 - 0.999**count) / (1 - 0.9**count)).view(-1, 1, 1)
        epsilon = (1e-8 * torch.sqrt(1 - 0.999**count)).view(-1, 1, 1)
        for weight, first, second, gradient in zip(self.weights, self._first, self._second, gradients, strict=True):
            moment = first[rows] * 0.9 + gradient * 0.1
            square = second[rows] * 0.999 + gradient * gradient * 0.001
            first[rows], second[rows] = moment, square
            weight[rows] -= size * moment / (square.sqrt() + epsilon)


def forward(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Return the outputs ``(n, batch, outputs)`` for inputs ``(n, batch, inputs)``."""
    values = inputs
    for layer in range(0, len(weights), 2):
        values = torch.baddbmm(weights[layer + 1], values, weights[layer])
        if layer + 2 < len(weights):
            values = torch.relu(values)
    return values


def follow(target: Sequence[Tensor], weights: Sequence[Tensor], tau: Tensor, rows: Rows) -> None:
    """Move target weights towards the others by ``tau``, ``(rows,)``."""
    share = tau.view(-1, 1, 1)
    for slow, fast in zip(target, weights, strict=True):
        slow[rows] += share * (fast[rows] - slow[rows])


def clipped(gradients: Sequence[Tensor], largest: float) -> list[Tensor]:
    """Return gradients whose norm in each row is at most ``largest``."""
    squares = torch.stack([(gradient**2).sum((1, 2)) for gradient in gradients]).sum(0)
    factor = (largest / (squares.sqrt() + 1e-6)).clamp(max=1.0).view(-1, 1, 1)
    return [gradient * factor for gradient in gradients]
