#!/usr/bin/env bash
# Package:   gymnasium 1.4.0, wrappers.vector.NormalizeReward (and the single wrappers.NormalizeReward)
# Behaviour: with NEXT_STEP autoreset the running return is set back only by terminated, so an agent that always
#            reaches the time limit has one endless return. It settles at r/(1-gamma), its variance goes to 0 and the
#            reward, divided by its root, grows like the root of the steps. With SAME_STEP, new in 1.4, it stays put.
# Guess:     the same policy in the same environment gets the same scaled reward in both autoreset modes, and the scale
#            settles with time.
# Seen:      CartPole-v1 held up by a fixed rule, reward 1 a step. NEXT_STEP: .058 at step 100, .059 at 1,500, .112 at
#            6,000 and rising; SAME_STEP: .058, .041, .041.
# Hurts:     PPO runs that solve their task: rewards, value targets and value loss climb without end, which looks like a
#            diverging critic; and whoever changes the autoreset mode changes the scale of the reward.
# Source:    https://github.com/Farama-Foundation/Gymnasium/issues/760 (called intended; the growth is not mentioned)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q gymnasium==1.4.0 numpy==2.4.6
"$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import NormalizeReward

scaled = {}
for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
    env = NormalizeReward(SyncVectorEnv([lambda: gym.make("CartPole-v1")], autoreset_mode=mode))
    seen, _ = env.reset(seed=0)
    rewards, failed = [], 0
    for _ in range(6000):
        push = seen @ np.array([0.1, 0.3, 3.0, 1.0]) > 0
        seen, reward, terminated, _, _ = env.step(push.astype(int))
        rewards.append(float(reward[0]))
        failed += int(terminated.sum())
    scaled[mode.name] = [round(max(rewards[i - 10 : i]), 3) for i in (100, 1500, 3000, 6000)]
    print(f"{mode.name}: {failed} failures; scaled reward of 1 at steps 100, 1500, 3000, 6000: {scaled[mode.name]}")
grows, stays = scaled["NEXT_STEP"], scaled["SAME_STEP"]
assert grows[3] > 1.8 * grows[1] > 1.8 * 0.05, "the behaviour has changed"
assert abs(stays[3] - stays[1]) < 0.005 and grows[3] > 2.5 * stays[3], "the behaviour has changed"
PY
