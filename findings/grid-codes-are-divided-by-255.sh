#!/usr/bin/env bash
# Package:   minigrid 3.2.0 with stable-baselines3 2.9.2
# Behaviour: MiniGrid's partial view is a Box(0, 255, (7, 7, 3), uint8) of object, colour and state codes from 0 to 10.
#            Stable-Baselines3 takes any three-dimensional uint8 box of that range for a picture and divides it by 255,
#            with MlpPolicy too. The same view flattened, still uint8, reaches the network as it is.
# Guess:     pictures are scaled for CnnPolicy; an MLP gets the numbers of the observation, flattened.
# Seen:      MiniGrid-Empty-5x5-v0: largest code 8; largest network input 0.031 through ImgObsWrapper, 8.0 with
#            FlattenObservation after it.
# Hurts:     MLP agents on symbolic grids start with inputs that hardly differ from zero: the policy is blind to what it
#            sees until its weights have grown, which looks like a sparse reward or a rate that is too small.
# Source:    https://stable-baselines3.readthedocs.io/en/master/guide/custom_env.html (images; normalize_images=False)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q minigrid==3.2.0 stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
from gymnasium.wrappers import FlattenObservation
from minigrid.wrappers import ImgObsWrapper
from stable_baselines3 import PPO

inputs = {}
for name, wrap in {"view": lambda env: env, "flattened": FlattenObservation}.items():
    env = wrap(ImgObsWrapper(gym.make("MiniGrid-Empty-5x5-v0")))
    model = PPO("MlpPolicy", env, n_steps=8, batch_size=8, seed=0)
    first = model.env.reset()
    inputs[name] = float(model.policy.extract_features(model.policy.obs_to_tensor(first)[0]).max())
    print(f"{name}: {env.observation_space.shape} {env.observation_space.dtype}, largest code {first.max()}, "
          f"largest network input {inputs[name]:.4f}")
assert abs(inputs["flattened"] / inputs["view"] - 255) < 0.1, "the behaviour has changed"
PY
