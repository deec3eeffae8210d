#!/usr/bin/env bash
# Package:   supersuit 3.11.0 with pettingzoo 1.27.0 and stable-baselines3 2.9.2
# Behaviour: concat_vec_envs_v1(..., base_class="stable_baselines3") joins terminated and truncated to one done and does
#            not set info["TimeLimit.truncated"]. Stable-Baselines3 bootstraps only where it reads that key, so each
#            truncation of a PettingZoo environment is learned as a death.
# Guess:     the adapter made for this library says it in this library's way; terminal_observation is there, after all.
# Seen:      reward 1 a step, cut at 5 steps, a critic that says 10 everywhere: the rewards PPO stores at the cut are 10.9
#            (1 + 0.99 * 10) in the library's own DummyVecEnv, 1.0 through SuperSuit.
# Hurts:     multi-agent tasks that end by a time limit only: the value of every state near the limit is learned as if all
#            reward ended there, and gamma, not the clock, gets the blame.
# Source:    https://github.com/Farama-Foundation/SuperSuit (no issue found on it)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q supersuit==3.11.0 pettingzoo==1.27.0 stable-baselines3==2.9.2 gymnasium==1.4.0 \
    numpy==2.4.6 torch==2.13.0
OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - <<'PY'
import gymnasium as gym
import numpy as np
import supersuit, torch
from pettingzoo import ParallelEnv
from stable_baselines3 import PPO

single = lambda: gym.make("CartPole-v1", max_episode_steps=5)  # too few for the pole to fall


class Pair(ParallelEnv):
    metadata, possible_agents, agents, render_mode = {"name": "pair"}, ["a", "b"], [], None
    each = {"a": single(), "b": single()}

    def observation_space(self, agent):
        return self.each[agent].observation_space

    def action_space(self, agent):
        return self.each[agent].action_space

    def reset(self, seed=None, options=None):
        self.agents = ["a", "b"]
        return tuple({agent: self.each[agent].reset()[i] for agent in self.agents} for i in range(2))

    def step(self, actions):
        told = {agent: self.each[agent].step(actions[agent]) for agent in self.agents}
        if any(out[3] for out in told.values()):
            self.agents = []
        return tuple({agent: out[i] for agent, out in told.items()} for i in range(5))


pair = supersuit.concat_vec_envs_v1(supersuit.pettingzoo_env_to_vec_env_v1(Pair()), 1, base_class="stable_baselines3")
for name, env, wanted in (("own", single(), 10.9), ("supersuit", pair, 1.0)):
    model = PPO("MlpPolicy", env, n_steps=10, batch_size=10, n_epochs=1)
    with torch.no_grad():
        model.policy.value_net.bias.fill_(10.0), model.policy.value_net.weight.zero_()
    model.learn(10)
    stored = model.rollout_buffer.rewards[:, 0]
    print(f"{name}: rewards stored {stored.round(2).tolist()}")
    assert np.allclose(stored, [1, 1, 1, 1, wanted] * 2), "the behaviour has changed"
PY
