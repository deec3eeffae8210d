"""Environments that break in the middle of a training."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from benchmarks.reliability.fault import Row
from benchmarks.reliability.training.attempts import TRAINED_AGAIN, ends_the_same, fresh, go, is_whole, uninterrupted
from rldoctor import run_directory
from rldoctor.errors import TrainingFailed


class BreaksOnce(gymnasium.Wrapper):  # type: ignore[type-arg]
    """Breaks in the middle of the training, in one of three ways."""

    how, left = "raise", 700

    def step(self, action: Any) -> Any:
        BreaksOnce.left -= 1
        observation, reward, terminated, truncated, info = self.env.step(action)
        if BreaksOnce.left == 0:
            if self.how == "raise":
                raise RuntimeError("the simulator is gone")
            if self.how == "reward":
                reward = math.nan
            else:
                observation = {key: np.full_like(value, np.nan) for key, value in observation.items()}
        return observation, reward, terminated, truncated, info


def broken_from_within(place: Path, often: int) -> Row:
    whole, _ = uninterrupted(place)
    draw = random.Random(1)
    for i in range(often):
        for how in ("raise", "reward", "observation"):
            directory = fresh(place, f"{how}-{i}")
            BreaksOnce.how, BreaksOnce.left = how, draw.randint(300, 1400)
            try:
                go(directory, BreaksOnce)
                raise AssertionError(f"{how} went unnoticed")
            except TrainingFailed as error:
                assert "broke off after" in error.problem
            record = json.loads((directory / run_directory.RUN_FILE).read_bytes())
            assert (record["status"], bool(record["error"])) == ("failed", True)
            assert not (directory / run_directory.POLICY_FILE).exists()
            is_whole(directory)
            go(directory)
            ends_the_same(directory, whole)
    return Row(
        3 * often,
        "exit code 4 with one sentence, no checkpoint with NaN weights; resumes as if nothing had happened",
        TRAINED_AGAIN,
    )
