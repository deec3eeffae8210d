"""What a part of an observation that never changes means."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict

import rldoctor

_OTHERS = ("SYS", "ENV103", "ENV104", "ENV3", "ENV4", "ENV5", "ENV6", "ENV113", "ENV115")


class Sensors(gymnasium.Env):
    """A moving position, and touch sensors of which ``still`` are never reached."""

    action_space = Box(-1, 1, (1,), np.float32)

    def __init__(self, size, still, alone=False):
        self.size, self.still, self.alone = size, still, alone
        touch = Box(-np.inf, np.inf, (size,), np.float64)
        self.observation_space = touch if alone else Dict({"position": Box(-np.inf, np.inf, (1,)), "touch": touch})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at, self.steps = self.np_random.normal(), 0
        return self._seen(), {}

    def step(self, action):
        self.at += 0.1 * float(action[0])
        self.steps += 1
        return self._seen(), -abs(self.at), False, self.steps >= 20, {}

    def _seen(self):
        touch = np.where(np.arange(self.size) < self.still, 0.0, np.arange(self.size) + self.at)
        return touch if self.alone else {"position": np.array([self.at], np.float32), "touch": touch}


@pytest.mark.parametrize(
    ("size", "still", "alone", "found"),
    [
        (2, 1, False, "observation-dimensions-constant"),
        (2, 2, False, "observation-part-frozen"),
        (4, 2, False, "observation-part-frozen"),
        (2, 1, True, "observation-part-frozen"),
    ],
)
def test_a_lone_sensor_beside_others_may_be_still(size, still, alone, found):
    (subject,) = rldoctor.preflight(lambda: Sensors(size, still, alone), ignore=_OTHERS).subjects
    assert [finding.name for finding in subject.findings if finding.code == "ENV205"] == [found]
