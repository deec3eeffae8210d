"""SAC in one file, written plainly: what the probes judge, and where bugs are put in."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn
from torch.distributions import Distribution, Normal

Distribution.set_default_validate_args(False)
LEARNING_RATE, BATCH, START, POLYAK, ALPHA, WIDTH = 5e-3, 64, 100, 0.05, 0.05, 32


def network(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, outputs))


def train(env, steps, seed, gamma=0.99):
    """Train for ``steps`` steps; return the policy's mean action and the value function."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    size, width = env.observation_space.shape[0], env.action_space.shape[0]
    high = torch.as_tensor(env.action_space.high)
    actor, critics = network(size, 2 * width), nn.ModuleList(network(size + width, 1) for _ in range(2))
    targets = copy.deepcopy(critics)
    actor_optimizer = torch.optim.Adam(actor.parameters(), lr=LEARNING_RATE)
    critic_optimizer = torch.optim.Adam(critics.parameters(), lr=LEARNING_RATE)

    def act(obs):
        mean, log_std = actor(obs).chunk(2, -1)
        dist = Normal(mean, log_std.clamp(-4, 1).exp())
        raw = dist.rsample()
        squashed = torch.tanh(raw)
        log_prob = (dist.log_prob(raw) - torch.log(1 - squashed**2 + 1e-6)).sum(-1)
        return squashed, log_prob, torch.tanh(mean)

    def lowest(networks, obs, action):
        both = torch.cat([obs, action], -1)
        return torch.min(networks[0](both), networks[1](both)).squeeze(-1)

    seen, following = np.zeros((steps, size), np.float32), np.zeros((steps, size), np.float32)
    actions, rewards = np.zeros((steps, width), np.float32), np.zeros(steps, np.float32)
    ended = np.zeros(steps, np.float32)
    obs, _ = env.reset(seed=seed)
    for step in range(steps):
        if step < START:
            action = torch.as_tensor(rng.uniform(-1, 1, width).astype(np.float32))
        else:
            with torch.no_grad():
                action = act(torch.as_tensor(obs))[0]
        next_obs, reward, terminated, truncated, _ = env.step((action * high).numpy())
        seen[step], following[step], actions[step] = obs, next_obs, action
        rewards[step], ended[step] = reward, terminated
        obs = env.reset()[0] if terminated or truncated else next_obs
        if step < START:
            continue
        index = rng.integers(step + 1, size=BATCH)
        s, a, then = (torch.as_tensor(array[index]) for array in (seen, actions, following))
        r, end = torch.as_tensor(rewards[index]), torch.as_tensor(ended[index])
        with torch.no_grad():
            next_action, next_log_prob, _ = act(then)
            next_value = lowest(targets, then, next_action) - ALPHA * next_log_prob
            wanted = r + gamma * (1 - end) * next_value
        both = torch.cat([s, a], -1)
        critic_loss = sum(((critic(both).squeeze(-1) - wanted) ** 2).mean() for critic in critics)
        critic_optimizer.zero_grad()
        critic_loss.backward()
        critic_optimizer.step()
        new_action, log_prob, _ = act(s)
        actor_loss = (ALPHA * log_prob - lowest(critics, s, new_action)).mean()
        actor_optimizer.zero_grad()
        actor_loss.backward()
        actor_optimizer.step()
        with torch.no_grad():
            for old, new in zip(targets.parameters(), critics.parameters(), strict=True):
                old.lerp_(new, POLYAK)

    @torch.no_grad()
    def policy(observation):
        return (act(torch.as_tensor(observation)[None])[2][0] * high).numpy()

    @torch.no_grad()
    def value_of(observation):
        obs = torch.as_tensor(observation)[None]
        return lowest(critics, obs, act(obs)[2]).item()

    return policy, value_of
