#!/usr/bin/env bash
# Package:   skrl 2.1.1
# Behaviour: at every step skrl notes the mean return of the episodes ended since the last write, and at the write it logs
#            the mean of these notes. An episode counts once for each step from its end to the write: one that ended
#            early in the window counts up to as often as the window has steps, one that ends at the write once.
# Guess:     "Reward / Total reward (mean)" is the mean return of the episodes of that window.
# Seen:      windows of 100 steps, in each an episode with return 1 at step 2 and one with return 98 at step 100: true mean
#            49.5, logged 1.49.
# Hurts:     curves with few episodes a window, and long episodes most of all: the longer (in survival tasks the better)
#            an episode, the later it ends and the less it counts. Lengths are logged the same way.
# Source:    https://github.com/Toni-SM/skrl/blob/main/skrl/agents/torch/base.py (record_transition, write_tracking_data)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q skrl==2.1.1 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0 tensorboard==2.21.0
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import glob

import gymnasium as gym
import numpy as np
import torch
from skrl.agents.torch import Agent, AgentCfg
from skrl.envs.wrappers.torch import wrap_env
from skrl.trainers.torch import SequentialTrainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


class Uneven(gym.Env):
    """Episodes of 2 steps with return 1 and of 98 steps with return 98 in turn."""

    observation_space, action_space, lengths = gym.spaces.Box(0, 1, (1,)), gym.spaces.Discrete(2), []

    def reset(self, *, seed=None, options=None):
        self.lengths.append(98 if self.lengths[-1:] == [2] else 2)
        self.left = self.lengths[-1]
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.left -= 1
        return np.zeros(1, np.float32), 0.5 if self.lengths[-1] == 2 else 1.0, self.left == 0, False, {}


class Still(Agent):
    act = lambda self, *seen, **when: (torch.zeros((1, 1), dtype=torch.int64), {})
    pre_interaction = update = lambda self, **when: None
    post_interaction = lambda self, **when: Agent.post_interaction(self, **when)


env = wrap_env(Uneven(), verbose=False)
cfg = AgentCfg()
cfg.experiment.directory, cfg.experiment.write_interval, cfg.experiment.checkpoint_interval = ".", 100, 0
agent = Still(cfg=cfg, models={}, device="cpu", observation_space=env.observation_space, action_space=env.action_space)
SequentialTrainer(env=env, agents=agent, cfg={"timesteps": 300, "headless": True, "disable_progressbar": True}).train()
log = EventAccumulator(glob.glob("*/events*")[0]).Reload()
logged = [round(event.value, 2) for event in log.Scalars("Reward / Total reward (mean)")]
print("episodes of each window: returns 1 and 98, mean 49.5; logged:", logged)
assert all(value < 3 for value in logged) and len(logged) == 3, "the behaviour has changed"
PY
