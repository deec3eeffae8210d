#!/usr/bin/env bash
# Package:   stable-baselines3 2.9.2 with gymnasium 1.4.0
# Behaviour: VecFrameStack lays frames one after the other, but repeats each bound of the space in place. For a vector whose
#            entries have different bounds, the declared space belongs to other entries than those that are returned.
# Guess:     the space of stacked frames is the space of one frame, as many times as there are frames.
# Seen:      Pendulum, two frames, 100 steps at full torque: entry 2 is a speed of up to 7 in [-1, 1], entry 4 a sine in
#            [-8, 8]; nearly every observation is outside observation_space. The same frames by Gymnasium's
#            FrameStackObservation are all inside.
# Hurts:     whatever reads the bounds: scaling to [-1, 1] by them squeezes a sine into an eighth of its range and lets the
#            speed through at seven times the unit, and checks of the environment accuse it instead of the wrapper.
# Source:    https://github.com/DLR-RM/stable-baselines3 (common/vec_env/stacked_observations.py; no issue found on it)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
from gymnasium.wrappers import FrameStackObservation
from stable_baselines3.common.vec_env import DummyVecEnv, VecFrameStack

envs = VecFrameStack(DummyVecEnv([lambda: gym.make("Pendulum-v1")]), n_stack=2)
other = FrameStackObservation(gym.make("Pendulum-v1"), 2)
envs.seed(0)
envs.reset(), other.reset(seed=0)
torque = np.array([2.0], np.float32)
rows = np.array([envs.step(torque[None])[0][0] for _ in range(100)])
inside = [other.observation_space.contains(other.step(torque)[0]) for _ in range(100)]

high = envs.observation_space.high
outside = sum(not envs.observation_space.contains(row) for row in rows)
print(f"declared {high.tolist()}, seen up to {np.abs(rows).max(axis=0).round(1).tolist()}: {outside} of 100 outside")
print(f"Gymnasium's frames: {100 - sum(inside)} of 100 outside")
assert high.tolist() == [1, 1, 1, 1, 8, 8], "the behaviour has changed"
assert np.abs(rows[:, 2]).max() > 5 and np.abs(rows[:, 4]).max() <= 1 and outside > 90, "the behaviour has changed"
assert all(inside), "the behaviour has changed"
PY
