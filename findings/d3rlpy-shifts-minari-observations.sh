#!/usr/bin/env bash
# Package:   d3rlpy 2.8.1 with minari 0.5.4 and gymnasium 1.0.0 (the one that d3rlpy asks for)
# Behaviour: Minari stores an episode of n actions with n + 1 observations. get_minari joins all observations end to end, all
#            actions likewise, and cuts both where the flags of the actions say. Episode k, counted from 0, thus gets its own
#            actions, rewards and flags, but observations from k rows too early: at first the tail of the episode before and
#            then its own, k steps late, and in a large dataset those of other episodes altogether.
# Guess:     get_minari is the library's own reader, so that a transition holds the observation which the action answered.
# Seen:      40 episodes of CartPole by a controller that looks at the observation alone: in the dataset all 2,000 pairs follow
#            its rule, in what d3rlpy trains on 57 of 100. Only the first episode is as stored.
# Hurts:     whoever trains offline on Minari's datasets with d3rlpy: all actions but those of the first episode are taken for
#            answers to states in which they were not chosen, with rewards and next states that they did not bring. Nothing is
#            said.
# Source:    https://github.com/takuseno/d3rlpy/blob/master/d3rlpy/datasets.py (get_minari) and
#            https://minari.farama.org/content/dataset_standards/ (the lengths)
set -euo pipefail
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3 -m venv "$here/venv"
"$here/venv/bin/pip" install -q d3rlpy==2.8.1 "minari[create,hdf5]==0.5.4" gymnasium==1.0.0 numpy==2.4.6 pillow==13.0.0 torch==2.13.0
cd "$here"
MINARI_DATASETS_PATH="$here" OMP_NUM_THREADS=1 "$here/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import gymnasium as gym
import minari
import numpy as np
from d3rlpy.datasets import get_minari

EPISODES, STEPS = 40, 50


def rule(observations):
    """Push the cart to the side to which the pole leans and falls."""
    return (observations[..., 2] + observations[..., 3] > 0).astype(int)


env = minari.DataCollector(gym.make("CartPole-v1", max_episode_steps=STEPS))
for seed in range(EPISODES):
    observation, _ = env.reset(seed=seed)
    for _ in range(STEPS):
        observation, _, terminated, truncated, _ = env.step(int(rule(observation)))
    assert truncated and not terminated
stored = list(env.create_dataset("cartpole/rule-v0"))
read = get_minari("cartpole/rule-v0")[0].episodes
everything = np.concatenate([episode.observations for episode in stored])
assert len(stored) == len(read) == EPISODES

for k, (true, episode) in enumerate(zip(stored, read, strict=True)):
    assert np.array_equal(true.actions, episode.actions.ravel()), "the behaviour has changed"
    start = k * (STEPS + 1) - k  # of the episode in the dataset, less one for each episode before
    assert np.array_equal(episode.observations, everything[start : start + STEPS]), "the behaviour has changed"


def share(episodes):
    return np.mean([rule(episode.observations[:STEPS]) == episode.actions.ravel() for episode in episodes])


print(f"pairs that follow the rule: {share(stored):.2f} of those stored, {share(read):.2f} of those that d3rlpy reads")
for k in (0, 1, 2, 20):
    print(f"episode {k}: {share([read[k]]):.2f}")
assert share(stored) == 1 and share(read) < 0.8, "the behaviour has changed"
PY
