"""What Stable-Baselines3 logs, kept for the diagnosis of the training that still runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.logger import KVWriter

from rldoctor.diagnosis.live.memory import Memory


class ScalarMemory(KVWriter):
    """An output of SB3's logger that keeps what TensorBoard gets, at the same steps."""

    def __init__(self) -> None:
        self.memory = Memory("sb3")

    def write(self, key_values: dict[str, Any], key_excluded: dict[str, tuple[str, ...]], step: int = 0) -> None:
        """Keep one dump of the logger."""
        for tag, value in key_values.items():
            if "tensorboard" not in key_excluded.get(tag, ()) and isinstance(value, (int, float, np.number)):
                self.memory.add(tag, step, float(value))

    def close(self) -> None:
        """Do nothing: there is nothing open."""
