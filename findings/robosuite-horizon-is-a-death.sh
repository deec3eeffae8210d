#!/usr/bin/env bash
# Package:   robosuite 1.5.2 with mujoco 3.8.1 (3.10 and newer break it), gymnasium 1.4.0 and stable-baselines3 2.9.2
# Behaviour: GymWrapper passes the done of robosuite on as terminated, and returns False for truncated, always. robosuite sets
#            done where the horizon is reached; of its tasks Wipe alone can end otherwise.
# Guess:     a wrapper for Gymnasium reports a limit of steps as truncated, with terminated=False.
# Seen:      Lift, three episodes of 20 steps: all three end with terminated=True, truncated=False and an empty info. In the replay buffer
#            of SAC, three of three ends are deaths, beyond which nothing is worth anything. With the same episodes cut by Gymnasium's
#            TimeLimit none is.
# Hurts:     whoever trains on robosuite with a library that follows the flags: in states near the end, which the robot cannot tell from
#            others, all reward is said to stop, so that the value of a lifted cube depends on a clock that is not observed. The shorter
#            the horizon, the more; results on other horizons cannot be compared.
# Source:    https://github.com/ARISE-Initiative/robosuite/blob/master/robosuite/wrappers/gym_wrapper.py (step) and
#            robosuite/environments/base.py (_post_action)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q robosuite==1.5.2 mujoco==3.8.1 h5py==3.14.0 gymnasium==1.4.0 stable-baselines3==2.9.2 numpy==1.26.4 \
    torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
from importlib.metadata import version

import gymnasium as gym
import numpy as np
import robosuite
from gymnasium.wrappers import TimeLimit
from robosuite.wrappers import GymWrapper
from stable_baselines3 import SAC

EPISODES, HORIZON = 3, 20
print(*(f"{name} {version(name)}" for name in ("robosuite", "mujoco", "gymnasium", "stable-baselines3")), sep=", ")


class Noted(gym.Wrapper):
    """Keep what is told at the end of each episode."""

    def __init__(self, env):
        super().__init__(env)
        self.ends = []

    def step(self, action):
        told = self.env.step(action)
        if told[2] or told[3]:
            self.ends.append((told[2], told[3]))
        return told


def lift(**options):
    options |= {"has_renderer": False, "has_offscreen_renderer": False, "use_camera_obs": False}
    return GymWrapper(robosuite.make("Lift", robots="Panda", **options))


for name, env in (
    ("the horizon of robosuite", lift(horizon=HORIZON)),
    ("TimeLimit of Gymnasium", TimeLimit(lift(ignore_done=True), HORIZON)),
):
    noted = Noted(env)
    model = SAC("MlpPolicy", noted, learning_starts=10**6, buffer_size=EPISODES * HORIZON, seed=1)
    model.learn(EPISODES * HORIZON)
    buffer = model.replay_buffer
    deaths = int(np.sum(buffer.dones * (1 - buffer.timeouts)))
    print(f"{name}: (terminated, truncated) {noted.ends}; {deaths} of {int(buffer.dones.sum())} ends are deaths to SAC")
    assert buffer.dones.sum() == EPISODES
    if isinstance(env, TimeLimit):
        assert noted.ends == [(False, True)] * EPISODES and deaths == 0
    else:
        assert noted.ends == [(True, False)] * EPISODES and deaths == EPISODES, "the behaviour has changed"
PY
