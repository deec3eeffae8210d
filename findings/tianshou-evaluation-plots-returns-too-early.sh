#!/usr/bin/env bash
# Package:   tianshou 2.0.1 with rliable 1.2.0, gymnasium 1.4.0
# Behaviour: the logger notes the step of each collection, but a return only where an episode ended in it. MultiRunExperimentResult
#            takes the returns and as many of the first steps, so that the k-th return is put at the step of the k-th collection.
#            Of several runs it keeps the steps of the one that the folder lists last, and lines the others up by position.
# Guess:     each training return stays at the step at which it was logged, as in TensorBoard.
# Seen:      episodes of 500 steps, collected 100 steps at a time, each with its last step as its return: logged at 500, 1,000, ...
#            5,000, read back at 100, 200, ... 1,000. Two runs, the second with episodes of 250 steps: the mean of the two at
#            position 10 is 3,750, of the return at step 5,000 in one and at 2,500 in the other.
# Hurts:     learning curves of training by eval_results and the functions below it (scope "training"): five times too fast here, more
#            the longer episodes are, and of another factor for each algorithm that is compared. Nothing is said.
# Source:    https://github.com/thu-ml/tianshou (tianshou/evaluation/rliable_evaluation.py: load_from_disk)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q 'tianshou[eval]==2.0.1' rliable==1.2.0 arch==7.2.0 pandas==2.3.3 gymnasium==1.4.0 numpy==2.4.6 \
    tensorboard==2.21.0 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
from dataclasses import asdict

import gymnasium as gym
import numpy as np
from tianshou.algorithm.algorithm_base import Policy
from tianshou.data import Batch, Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.evaluation.rliable_evaluation import MultiRunExperimentResult
from tianshou.utils import TensorboardLogger
from torch.utils.tensorboard import SummaryWriter

EACH, TOTAL = 100, 5_000


class Clock(gym.Env):
    """Episodes of one length. The last step pays how many steps there have been in all episodes together."""

    observation_space = gym.spaces.Box(0, 1, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def __init__(self, length):
        self.length, self.steps = length, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.steps += 1
        ends = self.steps % self.length == 0
        return np.zeros(1, np.float32), float(self.steps * ends), ends, False, {}


class Idle(Policy):
    """Always action 0."""

    def forward(self, batch, state=None, **rest):
        return Batch(act=np.zeros(len(batch.obs), int))


def train(folder, length):
    """Collect and log as the trainer does: 100 steps, and what the collector returns, again and again."""
    envs = DummyVectorEnv([lambda: Clock(length)])
    collector = Collector(Idle(Clock.action_space), envs, VectorReplayBuffer(TOTAL, 1))
    logger = TensorboardLogger(SummaryWriter(folder), training_interval=EACH)
    collector.reset()
    for step in range(EACH, TOTAL + 1, EACH):
        told = asdict(collector.collect(n_step=EACH))
        logger.log_training_data(told, step)
        logger.log_test_data(told, step)
    logger.finalize()


train("one/1", 500)
alone = MultiRunExperimentResult.load_from_disk("one")
logged, read = alone.training_episode_returns_RE[0], alone.training_env_steps_E
print(f"{len(logged)} returns, logged at {logged[0]:.0f}, {logged[1]:.0f}, ... {logged[-1]:.0f};", end=" ")
print(f"read at {read[0]:.0f}, {read[1]:.0f}, ... {read[-1]:.0f}")
assert np.array_equal(logged, 500 * np.arange(1, 11)) and np.array_equal(read, EACH * np.arange(1, 11)), "the behaviour has changed"
train("two/1", 500)
train("two/2", 250)
both = MultiRunExperimentResult.load_from_disk("two").training_episode_returns_RE
print("two runs, returns at position 10:", *np.sort(both[:, 9]), "mean", both[:, 9].mean())
assert sorted(both[:, 9]) == [2500, 5000], "the behaviour has changed"
PY
