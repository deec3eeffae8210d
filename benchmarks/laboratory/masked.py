"""Statistics over rows of which each training counts only some: tensors ``(N, R, ...)`` and masks ``(N, R)``."""

from __future__ import annotations

import torch
from torch import Tensor


def mean(values: Tensor, mask: Tensor) -> Tensor:
    """Return means ``(N, ...)``; NaN where no row counts."""
    return _chosen(values, mask).sum(1) / _count(mask, values)


def _count(mask: Tensor, values: Tensor) -> Tensor:
    return mask.sum(1).double().view(-1, *[1] * (values.dim() - 2))


def _chosen(values: Tensor, mask: Tensor) -> Tensor:
    return torch.where(mask.view(*mask.shape, *[1] * (values.dim() - 2)), values, 0.0)


def standard(columns: Tensor, mask: Tensor) -> Tensor:
    """Return columns ``(N, R, K)`` with mean 0 and deviation 1 over their rows; 0 where they do not vary."""
    centred = columns - mean(columns, mask)[:, None]
    spread = mean(centred.square(), mask).sqrt()
    return _chosen(centred / torch.where(spread > 0, spread, 1.0)[:, None], mask)


def varying(columns: Tensor, mask: Tensor) -> Tensor:
    """Return which columns vary by more than float32 rounding of their size, bool ``(N, K)``."""
    rows = mask[:, :, None]
    low = torch.where(rows, columns, torch.inf).amin(1)
    high = torch.where(rows, columns, -torch.inf).amax(1)
    return high - low > 1e-6 * torch.maximum(low.abs(), high.abs())


def correlations(left: Tensor, right: Tensor, mask: Tensor) -> Tensor:
    """Return Pearson's correlation column by column, ``(N, K)``; 0 where one of the two does not vary."""
    return mean(standard(left, mask) * standard(right, mask), mask)


def residual(inputs: Tensor, outputs: Tensor, count: Tensor) -> Tensor:
    """Return what ridge regression on ``inputs`` leaves of ``outputs``; rows that do not count are 0 in both."""
    gram = inputs.transpose(1, 2) @ inputs
    gram.diagonal(dim1=1, dim2=2).add_(1e-6 * count[:, None])
    return outputs - inputs @ torch.linalg.solve(gram, inputs.transpose(1, 2) @ outputs)


def median(values: Tensor, mask: Tensor) -> Tensor:
    """Return the median of the marked values ``(N, K)``, the mean of the middle two of an even number."""
    ordered = torch.where(mask, values, torch.inf).sort(1).values
    count = mask.sum(1)
    low, high = ((count - 1).clamp(min=0) // 2), (count // 2).clamp(max=values.shape[1] - 1)
    middle = ordered.gather(1, torch.stack([low, high], 1))
    return torch.where(count > 0, middle.mean(1), torch.nan)
