"""What DoctorCallback measures, for N trainings at once."""

from __future__ import annotations

from typing import Any

from torch import Tensor


class Probe:
    def __init__(self, *args: Any) -> None:
        self.nonfinite: dict[int, tuple[str, int, float]] = {}

    def after_update(self, rows: Tensor) -> None: ...

    def before_update(self, *args: Any, due: bool) -> dict[str, Tensor]:
        return {}
