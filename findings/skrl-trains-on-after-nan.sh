#!/usr/bin/env bash
# Package:   skrl 2.1.1
# Behaviour: one reward that is not a number makes every weight of PPO's networks NaN at the next update, and training goes on to its
#            last step with them: no exception, exit code 0.
# Guess:     it ends with an error, as in Stable-Baselines3, whose distributions refuse a mean that is NaN.
# Seen:      one NaN reward at step 300 of 2,000: exit code 0, 2,000 of 2,000 steps done, 100 % of the policy's weights NaN.
# Hurts:     whoever trains over night: the rest of the time is lost, and the exit code says that all went well.
# Source:    skrl/models/torch/gaussian.py (validate_args is off by default), skrl/agents/torch/ppo/ppo.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q torch==2.13.0 skrl==2.1.1 gymnasium==1.4.0 tensorboard
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import math

import gymnasium
import torch
from skrl.agents.torch.ppo import PPO, PPO_CFG
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.models.torch import DeterministicMixin, GaussianMixin, Model
from skrl.trainers.torch import SequentialTrainer
from torch import nn


class OneNaN(gymnasium.Wrapper):
    done = 0

    def step(self, action):
        seen, reward, ended, cut, info = self.env.step(action)
        self.done += 1
        return seen, math.nan if self.done == 300 else float(reward), ended, cut, info


class Policy(GaussianMixin, Model):
    def __init__(self, env):
        Model.__init__(self, observation_space=env.observation_space, action_space=env.action_space, device="cpu")
        GaussianMixin.__init__(self)
        self.net = nn.Linear(3, 1)
        self.log_std_parameter = nn.Parameter(torch.zeros(1))

    def compute(self, inputs, role):
        return self.net(inputs["observations"]), {"log_std": self.log_std_parameter}


class Value(DeterministicMixin, Model):
    def __init__(self, env):
        Model.__init__(self, observation_space=env.observation_space, action_space=env.action_space, device="cpu")
        DeterministicMixin.__init__(self)
        self.net = nn.Linear(3, 1)

    def compute(self, inputs, role):
        return self.net(inputs["observations"]), {}


raw = OneNaN(gymnasium.make("Pendulum-v1"))
env = wrap_env(raw)
cfg = PPO_CFG(rollouts=128)
cfg.experiment.write_interval = cfg.experiment.checkpoint_interval = 0
policy = Policy(env)
agent = PPO(
    models={"policy": policy, "value": Value(env)}, memory=RandomMemory(memory_size=128, num_envs=1, device="cpu"), cfg=cfg,
    observation_space=env.observation_space, action_space=env.action_space, device="cpu",
)
SequentialTrainer(env=env, agents=agent, cfg={"timesteps": 2000, "disable_progressbar": True, "headless": True}).train()
weights = torch.cat([p.flatten() for p in policy.parameters()])
print(f"steps done: {raw.done} of 2000; weights of the policy that are NaN: {weights.isnan().float().mean():.0%}")
assert raw.done == 2000 and weights.isnan().all()
PY
