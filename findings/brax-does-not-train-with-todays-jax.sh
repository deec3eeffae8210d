#!/usr/bin/env bash
# Package:   brax 0.14.2 (the newest) with jax 0.10.2, which pip chooses for it
# Behaviour: ppo.train raises AttributeError before the first step: it calls jax.device_put_replicated, which jax has removed. brax sets
#            no upper bound on jax.
# Guess:     what "pip install brax" installs can train.
# Seen:      AttributeError: jax.device_put_replicated is deprecated; use jax.device_put instead.
# Hurts:     whoever installs brax, or mujoco_playground, which trains with it, without pinning jax; jax==0.7.2 works.
# Source:    brax/training/agents/ppo/train.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q brax==0.14.2 jax==0.10.2 'mujoco<3.12'
cd "$here" && JAX_PLATFORMS=cpu "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
from brax import envs
from brax.training.agents.ppo import train as ppo

try:
    ppo.train(
        environment=envs.get_environment("fast"), num_timesteps=64, episode_length=8, num_envs=4, num_eval_envs=4, unroll_length=4,
        batch_size=4, num_minibatches=1, num_evals=0,
    )
except AttributeError as error:
    print("AttributeError:", str(error)[:90])
    assert "device_put_replicated" in str(error)
else:
    raise SystemExit("brax trains")
PY
