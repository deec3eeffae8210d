"""DQN in one file of numpy, written plainly: what the probes judge, and where bugs are put in."""

from __future__ import annotations

import copy

import numpy as np

LEARNING_RATE, BATCH, START, TARGET_EVERY, EXPLORE, LAST_EPSILON, WIDTH = 5e-3, 32, 64, 25, 0.6, 0.05, 32


class Net:
    """Two layers; ``gradient`` is that of the batch of the last call."""

    def __init__(self, rng, inputs, outputs):
        first = rng.normal(0, 1 / np.sqrt(inputs), (inputs, WIDTH))
        last = rng.normal(0, 0.3 / np.sqrt(WIDTH), (WIDTH, outputs))
        self.params = [first, rng.normal(0, 0.1, WIDTH), last, np.zeros(outputs)]

    def __call__(self, x):
        w1, b1, w2, b2 = self.params
        self.x, self.h = x, np.tanh(x @ w1 + b1)
        return self.h @ w2 + b2

    def gradient(self, d_out):
        d_h = (d_out @ self.params[2].T) * (1 - self.h**2)
        return [self.x.T @ d_h, d_h.sum(0), self.h.T @ d_out, d_out.sum(0)]


class Adam:
    def __init__(self, params):
        self.params, self.step_count = params, 0
        self.m, self.v = [0 * p for p in params], [0 * p for p in params]

    def step(self, gradient):
        self.step_count += 1
        for p, g, m, v in zip(self.params, gradient, self.m, self.v, strict=True):
            m += 0.1 * (g - m)
            v += 0.001 * (g**2 - v)
            p -= LEARNING_RATE * (m / (1 - 0.9**self.step_count)) / (np.sqrt(v / (1 - 0.999**self.step_count)) + 1e-8)


def train(env, steps, seed, gamma=0.99):
    """Train for ``steps`` steps; return the greedy policy and the value function."""
    rng = np.random.default_rng(seed)
    size, count = env.observation_space.shape[0], int(env.action_space.n)
    network = Net(rng, size, count)
    target, optimizer = copy.deepcopy(network), Adam(network.params)
    seen, following = np.zeros((steps, size)), np.zeros((steps, size))
    actions, rewards, ended = np.zeros(steps, np.int64), np.zeros(steps), np.zeros(steps)

    def policy(observation):
        return int(network(observation[None]).argmax())

    obs, _ = env.reset(seed=seed)
    for step in range(steps):
        epsilon = max(LAST_EPSILON, 1 - step / (EXPLORE * steps))
        action = int(rng.integers(count)) if rng.random() < epsilon else policy(obs)
        next_obs, reward, terminated, truncated, _ = env.step(action)
        seen[step], following[step], actions[step] = obs, next_obs, action
        rewards[step], ended[step] = reward, terminated
        obs = env.reset()[0] if terminated or truncated else next_obs
        if step < START:
            continue
        index = rng.integers(step + 1, size=BATCH)
        action, reward, end = actions[index], rewards[index], ended[index]
        best = target(following[index]).max(1)
        wanted = reward + gamma * (1 - end) * best
        out = network(seen[index])
        d_out = np.zeros_like(out)
        d_out[np.arange(BATCH), action] = np.clip(out[np.arange(BATCH), action] - wanted, -1, 1) / BATCH
        optimizer.step(network.gradient(d_out))
        if step % TARGET_EVERY == 0:
            target.params = copy.deepcopy(network.params)

    return policy, lambda observation: network(observation[None]).max()
