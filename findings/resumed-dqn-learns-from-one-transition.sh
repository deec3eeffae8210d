#!/usr/bin/env bash
# Package:   stable-baselines3 2.9.2, DQN (SAC, TD3 and DDPG share the code)
# Behaviour: learning_starts is compared with the steps since the run was born. A loaded model starts with an empty buffer
#            and a large count, so with reset_num_timesteps=False it trains from the first step on: the first batch of 64
#            is one transition 64 times.
# Guess:     learning_starts holds whenever the buffer has been filled with less than that.
# Seen:      learning_starts=500, saved at 600 steps, loaded: updates at buffer sizes 1, 2, 3, ... with batches of 64.
#            The same model continued with reset_num_timesteps=True: none in the 400 steps after it.
# Hurts:     whoever resumes an off-policy run without its buffer (it is not in the zip): hundreds of updates on a handful
#            of correlated transitions pull the networks off at once, and the dip is read as a fault of the checkpoint.
# Source:    https://stable-baselines3.readthedocs.io/en/master/guide/save_format.html (the buffer is named, not this)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
from stable_baselines3 import DQN


class Watched(DQN):
    def train(self, gradient_steps, batch_size=100):
        updates.append((self.replay_buffer.size(), batch_size))
        super().train(gradient_steps, batch_size)


updates = []
model = Watched("MlpPolicy", "CartPole-v1", learning_starts=500, train_freq=1, batch_size=64, seed=0)
model.learn(600)
print("fresh run: first update with", updates[0][0], "transitions in the buffer")
assert updates[0][0] == 501, "the behaviour has changed"
model.save("model")
for restart in (False, True):
    updates = []
    model = Watched.load("model", env=gym.make("CartPole-v1"))
    model.learn(400, reset_num_timesteps=restart)
    print(f"loaded, reset_num_timesteps={restart}: {len(updates)} updates, (buffer, batch) of the first: {updates[:4]}")
    assert updates[:2] == ([] if restart else [(1, 64), (2, 64)]), "the behaviour has changed"
PY
