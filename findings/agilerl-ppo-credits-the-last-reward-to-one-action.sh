#!/usr/bin/env bash
# Package:   agilerl 2.58.0, gymnasium 1.4.0
# Behaviour: PPO's rollout buffer stores with each step whether that step ended the episode, and computes advantages as if the flag
#            said that the step began one (it reads dones[t + 1]). The return is thus cut one step before the end, and the step
#            that does end the episode is not cut: the next episode flows into it.
# Guess:     generalized advantage estimation ends where the episode ends, as in every other library.
# Seen:      episodes of three steps with a reward of 1 at the last one, a critic that says 0, gamma 0.9, lambda 1. Returns of the
#            three steps: 0, 0, 1; right is 0.81, 0.9, 1. With a critic that says 10 and lambda 0.5 the last step, whose return is 1,
#            gets 8.44 to 9.55, depending on the episode after it. Stable-Baselines3 corrected the same in 2020 (issue 105).
# Hurts:     every PPO training with AgileRL. What is paid at the goal, or lost by a failure, reaches the last action alone, at
#            once and by way of the critic: no earlier action is ever told of it. Sparse tasks look too hard, and the settings get
#            the blame, which AgileRL then evolves.
# Source:    https://github.com/AgileRL/AgileRL (agilerl/rollouts/on_policy.py: _collect_rollouts; agilerl/components/rollout_buffer.py:
#            compute_returns_and_advantages)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q agilerl==2.58.0 peft==0.21.0 gymnasium==1.4.0 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import gymnasium as gym
import numpy as np
import torch
from agilerl.algorithms import PPO
from agilerl.rollouts.on_policy import collect_rollouts

END = 3


class Corridor(gym.Env):
    """Three steps, whatever is done, with a reward of 1 at the last one. The observation counts steps."""

    observation_space = gym.spaces.Box(0, END, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        return np.full(1, self.steps, np.float32), float(self.steps == END), self.steps == END, False, {}


def returns(value, gae_lambda):
    """Collect 24 steps with a critic that says the same everywhere; return each step's number in its episode, and its return."""
    envs = gym.vector.SyncVectorEnv([Corridor])
    spaces = envs.single_observation_space, envs.single_action_space
    agent = PPO(*spaces, num_envs=1, learn_step=24, gamma=0.9, gae_lambda=gae_lambda)
    weights = list(agent.critic.parameters())
    with torch.no_grad():
        for weight in weights:
            weight.zero_()
        weights[-1].fill_(value)
    collect_rollouts(agent, envs)
    steps = agent.rollout_buffer.buffer
    return steps["observations"].flatten().numpy().astype(int), steps["returns"].flatten().numpy()


numbers, told = returns(value=0.0, gae_lambda=1.0)
for number, truth in enumerate((0.81, 0.9, 1.0)):
    seen = told[numbers == number]
    print(f"step {number + 1} of {END}: return {truth}, told {seen.min():.2f} to {seen.max():.2f}")
    assert np.allclose(seen, [0, 0, 1][number]), "the behaviour has changed"
numbers, told = returns(value=10.0, gae_lambda=0.5)
last = told[numbers == END - 1]
print(f"a critic that says 10: return of the last step 1, told {last.min():.2f} to {last.max():.2f}")
assert last.min() > 7, "the behaviour has changed"
PY
