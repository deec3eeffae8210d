#!/usr/bin/env bash
# Package:   stable-baselines3 2.9.2, common.monitor.Monitor (with gymnasium 1.4.0)
# Behaviour: Monitor rounds an episode's return to six decimals before it goes anywhere: info["episode"], monitor.csv,
#            rollout/ep_rew_mean and the results of evaluate_policy. A return under 5e-7 is exactly 0.0.
# Guess:     a return is the sum of the rewards in full precision; six decimals are for the seconds beside it.
#            VecMonitor of the same library and gymnasium's RecordEpisodeStatistics do not round.
# Seen:      100 steps with reward 1e-9 and 3e-9: Monitor 0.0 and 0.0, VecMonitor and RecordEpisodeStatistics 1e-07 and
#            3e-07. evaluate_policy: mean 0.0, standard deviation 0.0.
# Hurts:     rewards in physical units (joules, kilometres of error, currency per tick): the log shows a flat return of
#            zero, EvalCallback never sees a better model and keeps the first, and the run looks like a dead environment.
# Source:    https://github.com/DLR-RM/stable-baselines3/blob/master/stable_baselines3/common/monitor.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor


class Small(gym.Env):
    observation_space = gym.spaces.Box(-1, 1, (1,))
    action_space = gym.spaces.Discrete(2)

    def __init__(self, reward):
        self.reward = reward

    def reset(self, *, seed=None, options=None):
        self.left = 100
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.left -= 1
        return np.zeros(1, np.float32), self.reward, False, self.left == 0, {}


for reward in (1e-9, 3e-9):
    told = {}
    for wrap in (Monitor, gym.wrappers.RecordEpisodeStatistics):
        env = wrap(Small(reward))
        env.reset()
        told[wrap.__name__] = float([env.step(0)[4] for _ in range(100)][-1]["episode"]["r"])
    env = VecMonitor(DummyVecEnv([lambda: Small(reward)]))
    env.reset()
    told["VecMonitor"] = float([env.step([0])[3] for _ in range(100)][-1][0]["episode"]["r"])
    told["evaluate_policy"] = [float(x) for x in evaluate_policy(PPO("MlpPolicy", env), Monitor(Small(reward)), 2)]
    print(f"100 steps of {reward}: {told}")
    assert told["Monitor"] == 0.0 and told["evaluate_policy"] == [0.0, 0.0], "the behaviour has changed"
    assert all(np.isclose(told[name], 100 * reward) for name in ("VecMonitor", "RecordEpisodeStatistics"))
PY
