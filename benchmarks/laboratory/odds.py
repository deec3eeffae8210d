"""Log-odds of causes from the strengths of signs, fitted on many trainings: multinomial logistic regression, sparse.

What people say (a sign counts for or against a cause) keeps its side of zero and is pulled towards what they expect;
what nobody says may show as well, where the trainings show it clearly enough to pay for a weight (an L1 penalty).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Of the rows' mean log-likelihood: what a weight that nobody expects costs a unit, and the pull towards what is
# expected. Chosen by the error on whole environments left out (docs/laboratory.md).
LASSO, PULL = 2e-4, 2e-4
LARGEST = 8.0
# A cause that no training had is held to have a bias below this (benchmarks/laboratory/table.py).
LARGEST_BIAS = 4.0
# Weights below this move nothing that a reader would notice, and are not written.
SMALLEST = 0.05


@dataclass(frozen=True)
class Expected:
    """What people say of weights, ``(causes, signs)`` each.

    Attributes:
        weight: What is expected, 0 where nobody says anything.
        allowed: Whether a weight may be other than 0.
    """

    weight: Floats
    allowed: NDArray[np.bool_]

    @property
    def side(self) -> Floats:
        """1, -1, or 0 where nobody says anything."""
        return np.sign(self.weight)


@dataclass(frozen=True)
class Odds:
    """Log-odds: ``weight`` of shape ``(causes, signs)`` and ``bias`` of shape ``(causes,)``."""

    weight: Floats
    bias: Floats

    def of(self, x: Floats) -> Floats:
        """Return the probabilities of causes for strengths ``(rows, signs)``."""
        logits = x @ self.weight.T + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        probabilities: Floats = logits / logits.sum(axis=1, keepdims=True)
        return probabilities


def fit(
    x: Floats,
    y: Floats,
    weight: Floats,
    expected: Expected,
    start: Odds | None = None,
    rounds: int = 600,
    lasso: float = LASSO,
    pull: float = PULL,
    moving: NDArray[np.bool_] | None = None,
) -> Odds:
    """Minimise the penalised cross-entropy by accelerated proximal gradients (FISTA, with restarts).

    Args:
        x: Strengths in [0, 1], ``(rows, signs)``.
        y: What each row should get, ``(rows, causes)``, sums of 1.
        weight: Of each row; any scale.
        expected: What people say.
        start: Where to begin; what is expected by default.
        rounds: Steps.
        lasso: Cost of a unit of a weight that nobody expects.
        pull: Cost of a squared unit away from what is expected.
        moving: The weights that are fitted, ``(causes, signs)``; the others stay as in ``start``. All by default.
    """
    share = (weight / weight.sum()).astype(np.float32)[:, None]
    w = (start.weight if start else expected.weight).astype(np.float32).copy()
    b = (start.bias if start else np.zeros(len(w))).astype(np.float32).copy()
    side = expected.side
    free = side == 0
    # The Hessian of the cross-entropy is at most half of the signs' second moment.
    steepest = 0.5 * _largest_eigenvalue(x, share) + pull
    size, ahead_w, ahead_b, momentum = 1.0 / steepest, w.copy(), b.copy(), 1.0
    for _ in range(rounds):
        error = (Odds(ahead_w, ahead_b).of(x) - y) * share
        new_w = ahead_w - size * (error.T @ x + pull * np.where(free, 0.0, ahead_w - expected.weight))
        new_b = ahead_b - size * (error.sum(axis=0) + pull * ahead_b)
        shrunk = np.sign(new_w) * np.maximum(np.abs(new_w) - size * lasso, 0.0)
        new_w = np.where(free, shrunk, side * np.clip(new_w * side, 0.0, None))
        new_w = (np.clip(new_w, -LARGEST, LARGEST) * expected.allowed).astype(np.float32)
        if moving is not None:
            new_w = np.where(moving, new_w, w)
        new_b = np.clip(new_b, -LARGEST_BIAS, LARGEST_BIAS).astype(np.float32)
        if float(((ahead_w - new_w) * (new_w - w)).sum()) > 0:  # it has overshot: begin anew
            momentum = 1.0
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead_w = (new_w + (momentum - 1) / following * (new_w - w)).astype(np.float32)
        ahead_b = (new_b + (momentum - 1) / following * (new_b - b)).astype(np.float32)
        w, b, momentum = new_w, new_b, following
    return Odds(np.where(np.abs(w) < SMALLEST, 0.0, w).astype(np.float32), b)


def _largest_eigenvalue(x: Floats, share: Floats) -> float:
    """Return that of the weighted second moment of the signs and the bias, by power iteration."""
    full = np.column_stack([x, np.ones(len(x), np.float32)])
    moment = full.T @ (full * share)
    vector = np.ones(len(moment), np.float32)
    for _ in range(50):
        vector = moment @ vector
        vector /= np.linalg.norm(vector)
    return float(vector @ moment @ vector)
