#!/usr/bin/env bash
# Package:   skrl 2.1.1 with gymnasium 1.4.0 vector environments
# Behaviour: gymnasium's vector environments reset on the step after an episode's end (NEXT_STEP, the default since 1.0).
#            skrl stores that step as experience: an action that had no effect, reward 0, and a transition from the last
#            state of one episode to the first of the next, not terminated. It also counts it in the episode's length.
# Guess:     wrap_env supports gymnasium's vector environments, so their autoreset mode is handled or refused.
# Seen:      CartPole-v1, which pays 1 for every step, cut at 5 steps: the memory's rewards are 1 1 1 1 1 0 1 1 1 1 1 0,
#            and "Episode / Total timesteps (mean)" says 6.
# Hurts:     one sample in every episode is false (a sixth of all here): the value of an ended state is pulled to that of a
#            fresh one, the policy gets gradients for ignored actions, lengths are one too long.
# Source:    https://farama.org/Vector-Autoreset-Mode (says what libraries must change)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q skrl==2.1.1 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0 tensorboard==2.21.0
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import glob

import gymnasium as gym
import torch
from skrl.agents.torch.ppo import PPO, PPO_CFG
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.models.torch import CategoricalMixin, DeterministicMixin, Model
from skrl.trainers.torch import SequentialTrainer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def net(mixin, outputs):
    class Net(mixin, Model):
        def __init__(self):
            Model.__init__(self, device="cpu", observation_space=env.observation_space, action_space=env.action_space)
            mixin.__init__(self)
            self.layer = torch.nn.Linear(4, outputs)

        compute = lambda self, inputs, role: (self.layer(inputs["observations"]), {})

    return Net()


env = wrap_env(gym.vector.SyncVectorEnv([lambda: gym.make("CartPole-v1", max_episode_steps=5)]), verbose=False)
cfg, memory = PPO_CFG(rollouts=24), RandomMemory(memory_size=24, num_envs=1, device="cpu")
cfg.experiment.directory, cfg.experiment.write_interval, cfg.experiment.checkpoint_interval = ".", 24, 0
models = {"policy": net(CategoricalMixin, 2), "value": net(DeterministicMixin, 1)}
spaces = {"observation_space": env.observation_space, "action_space": env.action_space}
agent = PPO(models=models, memory=memory, cfg=cfg, device="cpu", **spaces)
SequentialTrainer(env=env, agents=agent, cfg={"timesteps": 96, "headless": True, "disable_progressbar": True}).train()
rewards = memory.tensors["rewards"].flatten().tolist()
log = EventAccumulator(glob.glob("*/events*")[0]).Reload()
lengths = [event.value for event in log.Scalars("Episode / Total timesteps (mean)")]
print("rewards in the memory:", rewards[:14], "\nlogged length of the 5-step episodes:", lengths)
assert sum(rewards) == 20.0 and lengths[-1] == 6.0, "the behaviour has changed"
PY
