#!/usr/bin/env bash
# Package:   gymnasium 1.4.0, wrappers.MaxAndSkipObservation
# Behaviour: when an episode ends before the last two of the skipped steps, the wrapper returns an observation of
#            several steps earlier (here the very array of the call before) and not that of the final state.
# Guess:     the observation that comes with truncated=True is the state the episode stopped in: that is what
#            a value at a time limit is bootstrapped from. The text says "max between the two last observations".
# Seen:      Pendulum-v1 cut at 10 steps, skip=4: the third call stops at step 10 and returns the frame of step 8.
#            An episode of two steps returns the last frame of the episode before it: reset keeps the two frames.
# Hurts:     whoever bootstraps at time limits: the value of a wrong state, or of another episode's, enters every last
#            target. Stable-Baselines3 2.9.2 keeps its two frames in the same way in MaxAndSkipEnv.
# Source:    https://gymnasium.farama.org/api/wrappers/observation_wrappers/ (the case is not mentioned)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q gymnasium==1.4.0 numpy==2.4.6
"$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
from gymnasium.wrappers import MaxAndSkipObservation


env = MaxAndSkipObservation(gym.make("Pendulum-v1", max_episode_steps=10), skip=4)


def episode(seed):
    env.reset(seed=seed)
    ended, frames = False, []
    while not ended:
        frame, _, _, ended, _ = env.step(np.array([1.0], np.float32))
        frames.append(frame)
    return frames, env.unwrapped._get_obs()


frames, true = episode(seed=0)
print("call before the last:", frames[-2])
print("returned at the end: ", frames[-1])
print("true final state:    ", true)
assert np.array_equal(frames[-1], frames[-2]) and not np.allclose(frames[-1], true), "the behaviour has changed"

env.env._max_episode_steps = 2  # the next episode is shorter than the skip
short, true = episode(seed=1)
print("a short episode's end:", short[-1], "true:", true)
assert np.array_equal(short[-1], frames[-1]), "the behaviour has changed"
PY
