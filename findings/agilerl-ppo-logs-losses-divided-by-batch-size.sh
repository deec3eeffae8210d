#!/usr/bin/env bash
# Package:   agilerl 2.58.0, gymnasium 1.4.0
# Behaviour: PPO adds up the mean loss of each minibatch and divides the sum by the number of samples, not of minibatches. What it
#            logs as policy_loss, value_loss and entropy_loss is therefore the loss divided by the batch size.
# Guess:     logged losses are means over the update, so that entropy_loss of a fresh policy with two actions is -log 2 = -0.69.
# Seen:      the first update on CartPole-v1 with batches of 16, 64 and 256: entropy_loss is -0.0431, -0.0108 and -0.0027, which times
#            the batch size is -0.69 each time. (Recurrent policies go another way and log the mean.)
# Hurts:     whoever reads the curves: a fresh policy looks collapsed, a critic that errs by much looks perfect, and a larger batch
#            looks like a better one. AgileRL's own evolution may change the batch size in the middle of a run: the curve then jumps.
# Source:    https://github.com/AgileRL/AgileRL/blob/main/agilerl/algorithms/ppo.py (divisor = num_samples * self.update_epochs)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q agilerl==2.58.0 peft==0.21.0 gymnasium==1.4.0 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import math

import gymnasium as gym
import torch
from agilerl.algorithms import PPO
from agilerl.training.train_on_policy import train_on_policy

STEPS = 512
for size in (16, 64, 256):
    torch.manual_seed(0)
    envs = gym.make_vec("CartPole-v1", num_envs=4, vectorization_mode="sync")
    agent = PPO(envs.single_observation_space, envs.single_action_space, num_envs=4, learn_step=STEPS, batch_size=size)
    seen, log = [], agent.metrics.log
    agent.metrics.log = lambda name, value, *rest: (seen.append((name, value)), log(name, value, *rest))
    train_on_policy(envs, "CartPole-v1", "PPO", [agent], max_steps=STEPS, evo_steps=STEPS, verbose=False)
    logged = dict(seen)["entropy_loss"]
    print(f"batches of {size}: entropy_loss {logged:.4f}, times the batch size {logged * size:.3f}; a fresh policy has {-math.log(2):.3f}")
    assert abs(logged * size + math.log(2)) < 0.03, "the behaviour has changed"
PY
