#!/usr/bin/env bash
# Package:   highway-env 1.12.1 with gymnasium 1.4.0
# Behaviour: the step reward of parking-v0 has a penalty of 5 for a crash that its compute_reward does not know, although
#            the docstring of the goal environment asserts that both are equal.
# Guess:     compute_reward(achieved_goal, desired_goal, info) is what step returned, crash or not: info says "crashed".
# Seen:      full throttle over 20 seeds: the difference is 0 in 335 steps without a crash and -5 in all 20 with one.
# Hurts:     hindsight replay (HER) computes the reward of relabelled transitions with compute_reward: a crash costs -5 in
#            the real half of a batch and nothing in the relabelled one.
# Source:    https://github.com/Farama-Foundation/HighwayEnv (ParkingEnv._reward adds collision_reward)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q highway-env==1.12.1 gymnasium==1.4.0 numpy==2.4.6
"$here/venv/bin/python" -W ignore - 2>&1 <<'PY'
import gymnasium as gym
import highway_env
import numpy as np

gym.register_envs(highway_env)
env = gym.make("parking-v0")
gaps = {False: [], True: []}
for seed in range(20):
    env.reset(seed=seed)
    random = np.random.default_rng(seed)
    over = False
    while not over:
        action = np.array([1.0, random.uniform(-1, 1)], np.float32)
        seen, reward, terminated, truncated, info = env.step(action)
        computed = env.unwrapped.compute_reward(seen["achieved_goal"], seen["desired_goal"], info)
        gaps[bool(info["crashed"])].append(float(reward) - float(np.ravel(computed)[0]))
        over = terminated or truncated
for crashed, found in gaps.items():
    print(f"crashed {crashed}: {len(found)} steps, reward minus compute_reward from {min(found):g} to {max(found):g}")
assert max(map(abs, gaps[False])) < 1e-9, "the behaviour has changed"
assert gaps[True] and all(abs(gap + 5) < 1e-9 for gap in gaps[True]), "the behaviour has changed"
PY
