#!/usr/bin/env bash
# Package:   sbx-rl 0.28.0 with stable-baselines3 2.9.2 and jax 0.10.2
# Behaviour: a schedule of the learning rate moves the steps of SAC's actor and critic, not those of its entropy coefficient,
#            which keeps the first value of the schedule to the end.
# Guess:     all three follow it, as in Stable-Baselines3.
# Seen:      Pendulum, 1e-3 for 600 steps, then 1e-6 for 600: the logarithm of the entropy coefficient falls by 0.5 in the first
#            half with both; in the second by less than 0.001 with Stable-Baselines3, by 0.6 with sbx, as if the rate had stayed.
# Hurts:     whoever anneals the learning rate to let a policy settle: the temperature goes on at full speed below an actor that
#            hardly moves. A warm-up from 0 is worse: the coefficient then stays at its initial 1 for ever.
#            train/learning_rate_actor and train/learning_rate_critic show the schedule, and no tag shows the third rate.
# Source:    https://github.com/araffin/sbx/blob/master/sbx/sac/sac.py (the optimizer of ent_coef_state)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q sbx-rl==0.28.0 stable-baselines3==2.9.2 gymnasium==1.4.0 jax==0.10.2 flax==0.12.8 numpy==2.4.6 torch==2.13.0
cd "$here"
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import math

import sbx
import stable_baselines3
from stable_baselines3.common.callbacks import BaseCallback


class Coefficients(BaseCallback):
    """Keep the logarithm of the entropy coefficient at each step."""

    def _on_training_start(self):
        self.found = []

    def _on_step(self):
        if hasattr(self.model, "ent_coef_state"):
            value = self.model.ent_coef.apply({"params": self.model.ent_coef_state.params}).item()
        else:
            value = self.model.log_ent_coef.exp().item()
        self.found.append(math.log(value))
        return True


def falls(package, schedule):
    """Return by how much the logarithm falls in the first half of a training, and in the second."""
    kept = Coefficients()
    small = {"net_arch": [16, 16]}
    model = package.SAC("MlpPolicy", "Pendulum-v1", learning_rate=schedule, batch_size=32, policy_kwargs=small, seed=0)
    model.learn(1200, callback=kept)
    return kept.found[0] - kept.found[599], kept.found[599] - kept.found[-1]


def drop(left):
    return 1e-3 if left > 0.5 else 1e-6


def warm_up(left):
    return 1e-3 * (1 - left)


for package, dropped, warmed in ((stable_baselines3, (0.4, 0.6, 0, 0.001), True), (sbx, (0.4, 0.6, 0.5, 0.7), False)):
    first, second = falls(package, drop)
    total = sum(falls(package, warm_up))
    print(f"{package.__name__}: 1e-3, then 1e-6: falls by {first:.3f}, then by {second:.4f}; warm-up from 0: by {total:.3f}")
    low, high, least, most = dropped
    assert low < first < high and least <= second < most, "the behaviour has changed"
    assert (total > 0.2) if warmed else (total == 0), "the behaviour has changed"
PY
