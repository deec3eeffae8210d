#!/usr/bin/env bash
# Package:   supersuit 3.11.0 with gymnasium 1.4.0 and pettingzoo 1.27.0
# Behaviour: frame_stack_v1 and frame_stack_v2 return their own array, the same one at each step, and write the next frame into it.
#            The observation in the caller's hands is changed by the step that follows it, so that the observation before an
#            action and the one after it are one object.
# Guess:     each observation is an array of its own, as in Gymnasium's FrameStackObservation: what was returned stays as it is.
# Seen:      a plain loop that keeps (observation, action, reward, next observation) of CartPole: all of 100 transitions lead from a state
#            to that very state, and with Gymnasium's stack none does; an episode kept in a list is its last observation, over and
#            over. The same with PettingZoo's parallel interface.
# Hurts:     whoever writes the training loop and keeps an observation until after the step: Q-learning is shown that no action moves
#            anything, a list of observations for PPO is one state. Stable-Baselines3 copies and is safe, so that a comparison
#            with it blames the loop.
# Source:    https://github.com/Farama-Foundation/SuperSuit/blob/master/supersuit/generic_wrappers/frame_stack.py (modify_obs returns
#            self.stack) and utils/frame_stack.py (stack_obs writes into it)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q supersuit==3.11.0 pettingzoo==1.27.0 gymnasium==1.4.0 numpy==2.4.6
cd "$here" && "$here/venv/bin/python" -W ignore - <<'PY'
from importlib.metadata import version

import gymnasium as gym
import numpy as np
from gymnasium.wrappers import FrameStackObservation
from pettingzoo import ParallelEnv
from supersuit import frame_stack_v1, frame_stack_v2

FRAMES, STEPS = 4, 100
print(*(f"{name} {version(name)}" for name in ("supersuit", "pettingzoo", "gymnasium", "numpy")), sep=", ")


class Pair(ParallelEnv):
    """Two CartPoles side by side, which end when one falls."""

    metadata, possible_agents, render_mode = {"name": "pair"}, ["a", "b"], None

    def __init__(self):
        self.poles = {agent: gym.make("CartPole-v1") for agent in self.possible_agents}

    def observation_space(self, agent):
        return self.poles[agent].observation_space

    def action_space(self, agent):
        return self.poles[agent].action_space

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents[:]
        observations = {agent: pole.reset(seed=seed)[0] for agent, pole in self.poles.items()}
        return observations, {agent: {} for agent in self.agents}

    def step(self, actions):
        told = {agent: self.poles[agent].step(actions[agent]) for agent in self.agents}
        ended = any(one[2] or one[3] for one in told.values())
        parts = [{agent: one[k] for agent, one in told.items()} for k in (0, 1)]
        agents, self.agents = self.agents, [] if ended else self.agents
        return *parts, dict.fromkeys(agents, ended), dict.fromkeys(agents, False), {agent: {} for agent in agents}


def unmoved(env):
    """Keep transitions as a replay buffer in a list does; return how many of them lead to where they began."""
    env.action_space.seed(0)
    kept, observation = [], env.reset(seed=0)[0]
    for _ in range(STEPS):
        action = env.action_space.sample()
        following, reward, terminated, truncated, _ = env.step(action)
        # Copied when stored, as replay buffers do.
        kept.append((observation.copy(), action, reward, following.copy()))
        observation = env.reset()[0] if terminated or truncated else following
    return sum(np.array_equal(before, after) for before, _, _, after in kept)


def kept_as_one(env):
    """Return how many different observations a list has after the steps of one episode."""
    env.action_space.seed(0)
    observations, ended = [env.reset(seed=0)[0]], False
    while not ended:
        observation, _, terminated, truncated, _ = env.step(env.action_space.sample())
        observations.append(observation)
        ended = terminated or truncated
    return len(np.unique(np.reshape(observations, (len(observations), -1)), axis=0)), len(observations)


for stack in (FrameStackObservation, frame_stack_v1, frame_stack_v2):
    still, (different, steps) = unmoved(stack(gym.make("CartPole-v1"), FRAMES)), kept_as_one(stack(gym.make("CartPole-v1"), FRAMES))
    print(f"{stack.__name__}: {still} of {STEPS} transitions lead to where they began;", end=" ")
    print(f"a list of {steps} observations of an episode holds {different} different ones")
    expected = (0, steps) if stack is FrameStackObservation else (STEPS, 1)
    assert steps > 5 and (still, different) == expected, "the behaviour has changed"

env = frame_stack_v2(Pair(), FRAMES)
before, _ = env.reset(seed=0)
first = before["a"].copy()
after = env.step({"a": 0, "b": 1})[0]
print(f"parallel: what reset() returned is what step() returned: {before['a'] is after['a']}")
assert before["a"] is after["a"] and not np.array_equal(first, before["a"]), "the behaviour has changed"
PY
