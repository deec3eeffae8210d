"""How much of one quantity others explain, on rows that the fit has not seen."""

from __future__ import annotations

import numpy as np

from rldoctor.model import FloatArray

# Of the standardised features' own variance; enough that a hundred features on a few hundred rows do not overfit.
_RIDGE = 1e-3


def with_products(features: FloatArray) -> FloatArray:
    """Return ``features`` with the products of all pairs, squares included, and the distances of all pairs."""
    count = features.shape[1]
    pairs = [(i, j) for i in range(count) for j in range(i, count)]
    products = [features[:, i] * features[:, j] for i, j in pairs]
    return np.column_stack([features, *products])


def explained(features: FloatArray, target: FloatArray) -> FloatArray:
    """Return the fraction of each target's variance that a ridge regression explains on every other block of rows.

    Args:
        features: ``(n, d)``.
        target: ``(n, k)``.

    Returns:
        ``(k,)``, at most 1; negative where the prediction is worse than the mean.
    """
    place = np.arange(len(features))
    # Blocks, not alternate rows: neighbours in time are nearly the same.
    held = (place // max(1, len(features) // 10)) % 2 == 1
    spread = features[~held].std(axis=0)
    use = spread > 1e-12
    scaled = (features[:, use] - features[~held][:, use].mean(axis=0)) / spread[use]
    scaled = np.column_stack([scaled, np.ones(len(scaled))])
    train, test = scaled[~held], scaled[held]
    gram = train.T @ train + _RIDGE * len(train) * np.eye(train.shape[1])
    weights = np.linalg.solve(gram, train.T @ target[~held])
    rest = ((target[held] - test @ weights) ** 2).sum(axis=0)
    total = ((target[held] - target[~held].mean(axis=0)) ** 2).sum(axis=0)
    return np.asarray(1.0 - rest / np.maximum(total, 1e-300))
