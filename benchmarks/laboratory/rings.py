"""What was some steps ago, of some trainings."""

from __future__ import annotations

import torch
from torch import Tensor


class Ring:
    """Keeps the last ``longest + 1`` values of the trainings that have a delay.

    Args:
        longest: The longest delay, in steps.
    """

    def __init__(self, longest: int) -> None:
        self._size = longest + 1
        self._values: Tensor | None = None
        self._at = 0

    @property
    def started(self) -> bool:
        """Whether there is a past."""
        return self._values is not None

    def restart(self, value: Tensor, where: Tensor | None) -> Tensor:
        """Let the past be ``value``, ``(R, E, ...)``, everywhere or where a mask ``(R, E)`` is true; return it."""
        if self._values is None or where is None:
            self._values = value.repeat(self._size, *[1] * value.dim())
        else:
            mask = where.reshape(where.shape + (1,) * (value.dim() - 2))
            self._values = torch.where(mask, value, self._values)
        return value

    def push(self, value: Tensor, delay: Tensor) -> Tensor:
        """Remember ``value`` and return that of ``delay`` steps ago, a number for each training ``(R,)``."""
        assert self._values is not None, "restart first"
        self._at = (self._at + 1) % self._size
        self._values[self._at] = value
        return self._values[(self._at - delay) % self._size, torch.arange(len(delay))]
