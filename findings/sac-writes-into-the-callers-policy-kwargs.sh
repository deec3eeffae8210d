#!/usr/bin/env bash
# Package:   stable-baselines3 2.9.2, SAC (with gymnasium 1.4.0)
# Behaviour: SAC writes use_sde into the dictionary that it is given as policy_kwargs. The same dictionary given to DQN, TD3
#            or PPO afterwards raises a TypeError about an argument that nobody passed.
# Guess:     keyword arguments are read, not changed: one dictionary of a network's shape serves several algorithms.
#            DQN, TD3 and PPO leave it as it is, so that the order of the algorithms decides whether a script works.
# Seen:      {"net_arch": [8]} is {"net_arch": [8], "use_sde": False} after SAC. Then DQN and TD3: "unexpected keyword
#            argument 'use_sde'"; PPO: "multiple values for keyword argument 'use_sde'". Before SAC, or with a copy, all work.
# Hurts:     comparisons of algorithms in one process: those after SAC fail, and a sweep that counts a failed trial as a bad
#            one says that SAC is the best; dictionaries kept at module level change what a test sees by the tests before it.
# Source:    https://github.com/DLR-RM/stable-baselines3/blob/master/stable_baselines3/common/off_policy_algorithm.py
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
from stable_baselines3 import DQN, PPO, SAC, TD3

OTHERS = {DQN: "CartPole-v1", TD3: "Pendulum-v1", PPO: "Pendulum-v1"}


def make(algorithm, env, network):
    small = {} if algorithm is PPO else {"buffer_size": 10}
    algorithm("MlpPolicy", env, policy_kwargs=network, device="cpu", **small)


for algorithm, env in OTHERS.items():
    network = {"net_arch": [8]}
    make(algorithm, env, network)
    assert network == {"net_arch": [8]}, "the behaviour has changed"
network = {"net_arch": [8]}
make(SAC, "Pendulum-v1", dict(network))
assert network == {"net_arch": [8]}
make(SAC, "Pendulum-v1", network)
print("after SAC:", network)
assert network == {"net_arch": [8], "use_sde": False}, "the behaviour has changed"
for algorithm, env in OTHERS.items():
    try:
        make(algorithm, env, network)
    except TypeError as error:
        print(f"{algorithm.__name__}: TypeError: {error}")
    else:
        raise SystemExit("the behaviour has changed")
PY
