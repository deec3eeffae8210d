#!/usr/bin/env bash
# Package:   stable-baselines3 2.9.2, EvalCallback
# Behaviour: the best mean reward lives in the callback object alone. A second session with the same folders starts from
#            minus infinity: its first evaluation replaces best_model.zip however bad it is, and evaluations.npz is
#            written anew, without the rows of the first session.
# Guess:     best_model.zip is the best model that folder has seen; evaluations.npz, which holds timesteps, is continued
#            when training is continued with reset_num_timesteps=False, as the TensorBoard log is.
# Seen:      first session, 10 evaluations: best_model.zip scores 372 on CartPole-v1. Second session, 2 evaluations of 10
#            and less: best_model.zip scores 9, evaluations.npz holds two rows.
# Hurts:     whoever resumes after a crash or on a queue with time limits: the model to be published is lost at the first
#            evaluation of the next session, silently, and so is the learning curve up to there.
# Source:    https://stable-baselines3.readthedocs.io/en/master/guide/callbacks.html#evalcallback (not mentioned)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q stable-baselines3==2.9.2 gymnasium==1.4.0 numpy==2.4.6 torch==2.13.0
cd "$here" && OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor

env = Monitor(gym.make("CartPole-v1"))


def session(model, steps, **settings):
    watch = EvalCallback(env, eval_freq=256, n_eval_episodes=5, best_model_save_path="best", log_path="best", verbose=0)
    model.learn(steps, callback=watch, **settings)
    env.reset(seed=0)
    score = evaluate_policy(PPO.load("best/best_model"), env, n_eval_episodes=10)[0]
    steps = np.load("best/evaluations.npz")["timesteps"].tolist()
    print(f"evaluated at {steps}; best of this session {watch.best_mean_reward:.1f}; best_model.zip now scores {score:.1f}")
    return score, steps


model = PPO("MlpPolicy", "CartPole-v1", n_steps=256, batch_size=64, learning_rate=1e-3, seed=0)
good, first = session(model, 2560)
with torch.no_grad():  # a policy that came out of the interruption worse: it always pushes to one side
    model.policy.action_net.bias.copy_(torch.tensor([100.0, -100.0]))
bad, second = session(model, 512, reset_num_timesteps=False)
assert bad < 0.5 * good and len(first) == 10 and second == [2816, 3072], "the behaviour has changed"
PY
