#!/usr/bin/env bash
# Package:   gymnasium 1.4.0 with Box2D 2.3.10
# Behaviour: reset(seed=s) of BipedalWalker-v3 keeps the physics world of the episodes before. With the same seed and the
#            same actions, an environment that has been used plays another episode than a new one. LunarLander-v3 makes a
#            new world at every reset and does not.
# Guess:     reset(seed=s) starts the same episode, whatever was played before; that is what the API promises.
# Seen:      of 20 seeds with random actions, BipedalWalker-v3 differs in 20, returns by up to 27 (random play ends near
#            -100); two new environments agree to the last bit. LunarLander-v3: 0 of 20.
# Hurts:     an evaluation "on seeds 0 to 19" depends on what the environment played before; two policies are not compared
#            on the same episodes, and a run cannot be replayed from its seed.
# Source:    https://github.com/Farama-Foundation/Gymnasium (gymnasium/envs/box2d: LunarLander.reset makes a b2World,
#            BipedalWalker makes one in its constructor alone)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q gymnasium==1.4.0 box2d==2.3.10 pygame==2.6.1 numpy==2.4.6
"$here/venv/bin/python" -W ignore - 2>&1 <<'PY'
import gymnasium as gym
import numpy as np


def play(env, seed):
    env.reset(seed=seed)
    random, rewards = np.random.default_rng(seed), []
    while True:
        action = random.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        _, reward, terminated, truncated, _ = env.step(action)
        rewards.append(float(reward))
        if terminated or truncated:
            return rewards


for name, options, expected in (("BipedalWalker-v3", {}, 20), ("LunarLander-v3", {"continuous": True}, 0)):
    differ, largest = 0, 0.0
    for seed in range(20):
        new, used = gym.make(name, **options), gym.make(name, **options)
        for earlier in (100, 101):
            play(used, earlier)
        first, again, later = play(new, seed), play(gym.make(name, **options), seed), play(used, seed)
        assert first == again, "two new environments differ"
        differ += first != later
        largest = max(largest, abs(sum(first) - sum(later)))
    print(f"{name}: {differ} of 20 episodes differ in a used environment, returns by up to {largest:.1f}")
    assert differ == expected, "the behaviour has changed"
PY
