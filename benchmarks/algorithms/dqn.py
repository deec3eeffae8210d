"""DQN in one file, written plainly: what the probes judge, and where bugs are put in."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

LEARNING_RATE, BATCH, START, TARGET_EVERY, EXPLORE, LAST_EPSILON, WIDTH = 3e-3, 32, 64, 25, 0.6, 0.05, 32


def train(env, steps, seed, gamma=0.99):
    """Train for ``steps`` steps; return the greedy policy and the value function."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    size, count = env.observation_space.shape[0], int(env.action_space.n)
    network = nn.Sequential(nn.Linear(size, WIDTH), nn.ReLU(), nn.Linear(WIDTH, count))
    target = copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    seen, following = np.zeros((steps, size), np.float32), np.zeros((steps, size), np.float32)
    actions, rewards, ended = np.zeros(steps, np.int64), np.zeros(steps, np.float32), np.zeros(steps, np.float32)
    obs, _ = env.reset(seed=seed)
    for step in range(steps):
        epsilon = max(LAST_EPSILON, 1 - step / (EXPLORE * steps))
        with torch.no_grad():
            greedy = int(network(torch.as_tensor(obs)).argmax())
        action = int(rng.integers(count)) if rng.random() < epsilon else greedy
        next_obs, reward, terminated, truncated, _ = env.step(action)
        seen[step], following[step], actions[step] = obs, next_obs, action
        rewards[step], ended[step] = reward, terminated
        obs = env.reset()[0] if terminated or truncated else next_obs
        if step < START:
            continue
        index = rng.integers(step + 1, size=BATCH)
        with torch.no_grad():
            best = target(torch.as_tensor(following[index])).max(1).values
            wanted = torch.as_tensor(rewards[index]) + gamma * (1 - torch.as_tensor(ended[index])) * best
        chosen = network(torch.as_tensor(seen[index])).gather(1, torch.as_tensor(actions[index])[:, None]).squeeze(1)
        loss = nn.functional.smooth_l1_loss(chosen, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % TARGET_EVERY == 0:
            target.load_state_dict(network.state_dict())

    @torch.no_grad()
    def policy(observation):
        return int(network(torch.as_tensor(observation)).argmax())

    @torch.no_grad()
    def value_of(observation):
        return network(torch.as_tensor(observation)).max().item()

    return policy, value_of
