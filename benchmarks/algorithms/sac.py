"""SAC in one file of numpy, written plainly: what the probes judge, and where bugs are put in."""

from __future__ import annotations

import copy

import numpy as np

LEARNING_RATE, BATCH, START, POLYAK, ALPHA, WIDTH = 1e-2, 64, 100, 0.05, 0.05, 32


class Net:
    """Two layers; ``gradient`` is that of the batch of the last call, and ``to_input`` that to its input."""

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

    def to_input(self, d_out):
        return ((d_out @ self.params[2].T) * (1 - self.h**2)) @ self.params[0].T


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
    """Train for ``steps`` steps; return the policy's mean action and the value function."""
    rng = np.random.default_rng(seed)
    size, width, high = env.observation_space.shape[0], env.action_space.shape[0], env.action_space.high
    actor, critics = Net(rng, size, 2 * width), [Net(rng, size + width, 1) for _ in range(2)]
    targets = copy.deepcopy(critics)
    actor_optimizer, critic_optimizers = Adam(actor.params), [Adam(critic.params) for critic in critics]

    def act(obs):
        """Return squashed actions, their log-probability, the noise times the deviation, and what was clipped."""
        mean, log_std = np.split(actor(obs), 2, 1)
        noise, inside = rng.normal(size=mean.shape), (log_std > -4) & (log_std < 1)
        spread = np.exp(log_std.clip(-4, 1)) * noise
        a = np.tanh(mean + spread)
        log_prob = (-(noise**2) / 2 - 0.919 - log_std.clip(-4, 1) - np.log(1 - a**2 + 1e-6)).sum(1)
        return a, log_prob, spread, inside

    def lowest(networks, obs, action):
        return np.minimum(*(network(np.c_[obs, action])[:, 0] for network in networks))

    seen, following = np.zeros((steps, size)), np.zeros((steps, size))
    actions, rewards, ended = np.zeros((steps, width)), np.zeros(steps), np.zeros(steps)
    obs, _ = env.reset(seed=seed)
    for step in range(steps):
        action = rng.uniform(-1, 1, width) if step < START else act(obs[None])[0][0]
        next_obs, reward, terminated, truncated, _ = env.step((action * high).astype(np.float32))
        seen[step], following[step], actions[step] = obs, next_obs, action
        rewards[step], ended[step] = reward, terminated
        obs = env.reset()[0] if terminated or truncated else next_obs
        if step < START:
            continue
        index = rng.integers(step + 1, size=BATCH)
        s, then = seen[index], following[index]
        r, end = rewards[index], ended[index]
        next_action, next_log_prob, _, _ = act(then)
        next_value = lowest(targets, then, next_action) - ALPHA * next_log_prob
        wanted = r + gamma * (1 - end) * next_value
        for critic, optimizer in zip(critics, critic_optimizers, strict=True):
            d_both = 2 * (critic(np.c_[s, actions[index]])[:, 0] - wanted) / BATCH
            optimizer.step(critic.gradient(d_both[:, None]))
        a, _, spread, inside = act(s)
        values = np.stack([critic(np.c_[s, a])[:, 0] for critic in critics])
        to_action = np.stack([critic.to_input(np.ones((BATCH, 1)))[:, size:] for critic in critics])
        d_q = to_action[values.argmin(0), np.arange(BATCH)]
        d_raw = ALPHA * 2 * a - d_q * (1 - a**2)
        d_log_std = ALPHA * (2 * a * spread - 1) - d_q * (1 - a**2) * spread
        actor_optimizer.step(actor.gradient(np.c_[d_raw, d_log_std * inside] / BATCH))
        for target, critic in zip(targets, critics, strict=True):
            for old, new in zip(target.params, critic.params, strict=True):
                old += POLYAK * (new - old)

    def policy(observation):
        return (np.tanh(actor(observation[None])[0, :width]) * high).astype(np.float32)

    def value_of(observation):
        return lowest(critics, observation[None], policy(observation)[None] / high)[0]

    return policy, value_of
