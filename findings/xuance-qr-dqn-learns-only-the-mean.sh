#!/usr/bin/env bash
# Package:   xuance 1.4.4 (PyTorch), gymnasium 1.2.3
# Behaviour: the loss of QR-DQN is the mean squared error between the i-th quantile and the i-th target quantile. There is no
#            quantile regression in it (no fractions tau, no asymmetric weight, no comparison of all pairs), so that every "quantile"
#            learns the mean.
# Guess:     the quantile Huber loss of the paper that the file names in its head, as in sb3-contrib and Dopamine.
# Seen:      a task of one step with a reward of 0 or 10 by a fair coin, 20 quantiles: after training all of them lie between 4 and
#            6, within 0.5 of one another. Right is one half at 0 and the other at 10.
# Hurts:     whoever compares algorithms with XuanCe, or needs the distribution (risk, exploration): what is reported as QR-DQN is
#            DQN with twenty copies of its output. Returns look plausible, and the same loss is in the TensorFlow and MindSpore parts.
# Source:    https://github.com/agi-brain/xuance (xuance/torch/learners/qlearning_family/qrdqn_learner.py)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q xuance==1.4.4 gymnasium==1.2.3 numpy==1.26.4 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 PYGAME_HIDE_SUPPORT_PROMPT=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import gymnasium as gym
import numpy as np
from xuance import get_arguments, make_envs
from xuance.torch.agents import QRDQN_Agent


class Coin(gym.Env):
    """Episodes of one step; the reward is 0 or 10, by a fair coin, whatever is done."""

    observation_space = gym.spaces.Box(0, 1, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)
    metadata = {"render_modes": ["rgb_array"]}

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        return np.ones(1, np.float32), 10.0 * self.np_random.integers(2), True, False, {}


gym.register("Coin-v0", Coin, max_episode_steps=10)
settings = get_arguments("qrdqn", "classic_control", "CartPole-v1")  # its own settings for another simple task
settings.env_id, settings.render, settings.parallels, settings.buffer_size, settings.start_training = "Coin-v0", False, 4, 20000, 400
agent = QRDQN_Agent(settings, make_envs(settings))
agent.train(1500)
rewards = agent.memory.rewards[:, : agent.memory.size]
_, _, quantiles = agent.policy(np.zeros((1, 1), np.float32))
quantiles = quantiles.detach().numpy()[0]
print(f"rewards: {np.mean(rewards == 0):.0%} are 0, {np.mean(rewards == 10):.0%} are 10")
for action, values in enumerate(quantiles):
    print(f"{len(values)} quantiles of action {action}: {values.min():.2f} to {values.max():.2f}")
assert abs(np.mean(rewards) - 5) < 0.5 and quantiles.shape == (2, 20)
assert all(np.ptp(values) < 0.5 and 4 < values.mean() < 6 for values in quantiles), "the behaviour has changed"
PY
