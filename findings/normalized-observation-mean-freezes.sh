#!/usr/bin/env bash
# Package:   gymnasium 1.4.0, wrappers.NormalizeObservation (RunningMeanStd)
# Behaviour: the running mean is kept in float32. Once (new value - mean) / count is under half a unit in the last place
#            of the mean, the addition does nothing and the mean stands still for good, while the variance goes on.
# Guess:     a running mean follows its data ever more slowly, but it follows; the reward wrapper, and
#            Stable-Baselines3's VecNormalize, keep theirs in float64.
# Seen:      a height of 10,000 m that moves to 10,005 m after 10,000 steps and stays there for 20,000: true mean
#            10,003.3, float64 10,003.3, the wrapper 10,000.1. Around 1,000 it stands still before step 150,000.
# Hurts:     observations with an offset (heights, map positions, clocks, prices) in long runs: the network gets inputs
#            that are off centre by more than a standard deviation, and no number in the log tells it.
# Source:    https://github.com/Farama-Foundation/Gymnasium/blob/main/gymnasium/wrappers/utils.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q gymnasium==1.4.0 numpy==2.4.6
"$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
from gymnasium.wrappers import NormalizeObservation
from gymnasium.wrappers.utils import RunningMeanStd


class Flight(gym.Env):
    observation_space = gym.spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)
    heights: list = []

    def height(self):
        self.heights.append(10_000 + 5 * (len(self.heights) > 10_000) + self.np_random.normal(0, 0.1))
        return np.array([self.heights[-1]], np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.height(), {}

    def step(self, action):
        return self.height(), 0.0, False, False, {}


env = NormalizeObservation(Flight())
env.reset(seed=0)
double = RunningMeanStd(shape=(1,))
for _ in range(30_000):
    shown = env.step(0)[0]
    double.update(np.array([Flight.heights[-1:]]))
true, single = np.mean(Flight.heights), float(env.obs_rms.mean[0])
print(f"true mean {true:.2f}, float64 {double.mean[0]:.2f}, wrapper {single:.2f} ({env.obs_rms.mean.dtype})")
right = (Flight.heights[-1] - true) / np.std(Flight.heights)
print(f"last observation, normalised: {shown[0]:.2f}; by the true numbers: {right:.2f}")
assert abs(double.mean[0] - true) < 0.1 and true - single > 2.5, "the behaviour has changed"
PY
