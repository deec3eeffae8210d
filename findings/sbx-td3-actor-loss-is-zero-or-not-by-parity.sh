#!/usr/bin/env bash
# Package:   sbx-rl 0.28.0 with stable-baselines3 2.9.2 and jax 0.10.2
# Behaviour: TD3 updates its actor at every second step. The step in between reports an actor loss of exactly 0, not the last
#            one, and what is logged is that of the last step before the episode ended. With episodes of even length this is
#            the same kind of step each time, so that `learning_starts` alone decides whether a training logs 0 for ever.
# Guess:     train/actor_loss is the loss of the latest update of the actor, as in Stable-Baselines3.
# Seen:      Pendulum, 2,000 steps: learning_starts=100 logs 0.0 in all ten rows, learning_starts=101 logs 1 rising to 50. The
#            actor is trained in both.
# Hurts:     whoever looks for a dead or a diverging actor: a sound run looks as if its actor were never trained, and the rise
#            that tells of overestimated values cannot be seen. A sweep over learning_starts mixes both kinds of curves.
# Source:    https://github.com/araffin/sbx (sbx/td3/td3.py: the counter of the delay, and the loss it starts from)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q sbx-rl==0.28.0 stable-baselines3==2.9.2 gymnasium==1.4.0 jax==0.10.2 flax==0.12.8 numpy==2.4.6 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import csv

import jax
import numpy as np
from sbx import TD3
from stable_baselines3.common.logger import configure


def weights(model):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(model.policy.actor_state.params)])


def losses(starts):
    model = TD3("MlpPolicy", "Pendulum-v1", learning_starts=starts, batch_size=32, policy_kwargs={"net_arch": [16, 16]}, seed=0)
    model.set_logger(configure(f"log-{starts}", ["csv"]))
    before = weights(model)
    model.learn(2000, log_interval=1)
    model.logger.close()
    with open(f"log-{starts}/progress.csv", newline="") as file:
        logged = [float(row["train/actor_loss"]) for row in csv.DictReader(file)]
    return logged, float(np.abs(weights(model) - before).max())


for starts, dead in ((100, True), (101, False)):
    logged, moved = losses(starts)
    print(f"learning_starts={starts}: actor_loss {[round(loss, 1) for loss in logged]}; a weight moved by {moved:.2f}")
    assert len(logged) == 10 and moved > 0.05, "the behaviour has changed"
    assert all(loss == 0 for loss in logged) if dead else all(loss != 0 for loss in logged), "the behaviour has changed"
PY
