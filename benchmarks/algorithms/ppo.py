"""PPO in one file of numpy, written plainly: what the probes judge, and where bugs are put in."""

from __future__ import annotations

import gymnasium
import numpy as np

LEARNING_RATE, CLIP, LAMBDA, EPOCHS, MINIBATCHES, ROLLOUT = 1e-2, 0.2, 0.95, 4, 2, 64
ENTROPY, VALUE_LOSS, MAX_NORM, WIDTH = 0.003, 0.5, 0.5, 32


class RunningNorm:
    """Mean and variance of all observations so far (Chan et al., 1979)."""

    def __init__(self, size):
        self.mean, self.var, self.count = np.zeros(size), np.ones(size), 1e-4

    def update(self, batch):
        n, mean, var = len(batch), batch.mean(0), batch.var(0)
        total, delta = self.count + n, mean - self.mean
        self.var = (self.var * self.count + var * n + delta**2 * self.count * n / total) / total
        self.mean, self.count = self.mean + delta * n / total, total

    def __call__(self, obs):
        return np.clip((obs - self.mean) / np.sqrt(self.var + 1e-8), -10, 10)


class Net:
    """Two layers; ``gradient`` is that of the batch of the last call."""

    def __init__(self, rng, inputs, outputs, scale):
        first = rng.normal(0, 1 / np.sqrt(inputs), (inputs, WIDTH))
        last = rng.normal(0, scale / np.sqrt(WIDTH), (WIDTH, outputs))
        self.params = [first, np.zeros(WIDTH), last, np.zeros(outputs)]

    def __call__(self, x):
        w1, b1, w2, b2 = self.params
        self.x, self.h = x, np.tanh(x @ w1 + b1)
        return self.h @ w2 + b2

    def gradient(self, d_out):
        d_h = (d_out @ self.params[2].T) * (1 - self.h**2)
        return [self.x.T @ d_h, d_h.sum(0), self.h.T @ d_out, d_out.sum(0)]


class Agent:
    """Policy and value; the last parameter is the logarithm of the standard deviation of continuous actions."""

    def __init__(self, rng, size, space):
        self.rng, self.discrete = rng, isinstance(space, gymnasium.spaces.Discrete)
        out = int(space.n) if self.discrete else space.shape[0]
        self.actor, self.critic = Net(rng, size, out, 0.01), Net(rng, size, 1, 1.0)
        self.log_std = np.full(out, -0.5)
        self.params = [*self.actor.params, *self.critic.params, self.log_std]

    def __call__(self, obs):
        return self.actor(obs), self.critic(obs)[:, 0]

    def gradient(self, d_out, d_value, d_log_std):
        return [*self.actor.gradient(d_out), *self.critic.gradient(d_value[:, None]), d_log_std]

    def probs(self, out):
        shifted = np.exp(out - out.max(1, keepdims=True))
        return shifted / shifted.sum(1, keepdims=True)

    def sample(self, out):
        if self.discrete:
            return (self.probs(out).cumsum(1) < self.rng.random((len(out), 1))).sum(1)
        return out + np.exp(self.log_std) * self.rng.normal(size=out.shape)

    def log_prob(self, out, action):
        if self.discrete:
            return np.log(self.probs(out)[np.arange(len(out)), action])
        return (-(((action - out) / np.exp(self.log_std)) ** 2) / 2 - self.log_std - 0.919).sum(1)

    def d_log_prob(self, out, action):
        """Return the gradient of the log-probability to the output and to ``log_std``."""
        if self.discrete:
            return np.eye(out.shape[1])[action] - self.probs(out), np.zeros((len(out), out.shape[1]))
        z = (action - out) / np.exp(self.log_std)
        return z / np.exp(self.log_std), z**2 - 1

    def d_entropy(self, out):
        if self.discrete:
            p = self.probs(out)
            return -p * (np.log(p) - (p * np.log(p)).sum(1, keepdims=True)), np.zeros_like(out)
        return np.zeros_like(out), np.ones_like(out)


class Adam:
    def __init__(self, params):
        self.params, self.step_count = params, 0
        self.m, self.v = [0 * p for p in params], [0 * p for p in params]

    def step(self, gradient, rate):
        self.step_count += 1
        scale = min(1.0, MAX_NORM / (np.sqrt(sum((g**2).sum() for g in gradient)) + 1e-6))
        for p, g, m, v in zip(self.params, gradient, self.m, self.v, strict=True):
            m += 0.1 * (scale * g - m)
            v += 0.001 * ((scale * g) ** 2 - v)
            p -= rate * (m / (1 - 0.9**self.step_count)) / (np.sqrt(v / (1 - 0.999**self.step_count)) + 1e-5)


def train(make_env, num_envs, steps, seed, gamma=0.99):
    """Train on ``num_envs`` environments for ``steps`` steps; return the policy and the value function."""
    rng = np.random.default_rng(seed)
    envs = [make_env() for _ in range(num_envs)]
    space = envs[0].action_space
    obs = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(envs)])
    norm, agent = RunningNorm(obs.shape[1]), Agent(rng, obs.shape[1], space)
    optimizer = Adam(agent.params)

    def to_env(action):
        if agent.discrete:
            return int(action)
        half, middle = (space.high - space.low) / 2, (space.high + space.low) / 2
        return np.clip(middle + half * action, space.low, space.high).astype(np.float32)

    rollout = ROLLOUT // num_envs
    updates = steps // (rollout * num_envs)
    for update in range(updates):
        rate = LEARNING_RATE * (1 - update / updates)
        observed, actions, log_probs, values = [], [], [], []
        rewards, ends = np.zeros((rollout, num_envs)), np.zeros((rollout, num_envs))
        for t in range(rollout):
            norm.update(obs)
            seen = norm(obs)
            out, value = agent(seen)
            action = agent.sample(out)
            observed.append(seen)
            actions.append(action)
            log_probs.append(agent.log_prob(out, action))
            values.append(value)
            following = []
            for i, env in enumerate(envs):
                next_obs, rewards[t, i], terminated, truncated, _ = env.step(to_env(action[i]))
                if truncated and not terminated:
                    rewards[t, i] += gamma * agent(norm(next_obs[None]))[1][0]
                if terminated or truncated:
                    ends[t, i], next_obs = 1.0, env.reset()[0]
                following.append(next_obs)
            obs = np.stack(following)
        observed, actions, log_probs, values = map(np.stack, (observed, actions, log_probs, values))
        next_value, last = agent(norm(obs))[1], np.zeros(num_envs)
        advantages = np.zeros_like(rewards)
        for t in reversed(range(rollout)):
            going_on = 1.0 - ends[t]
            delta = rewards[t] + gamma * next_value * going_on - values[t]
            last = delta + gamma * LAMBDA * going_on * last
            advantages[t] = last
            next_value = values[t]
        returns = advantages + values
        b_obs, b_actions = np.concatenate(observed), np.concatenate(actions)
        b_log_probs, b_advantages, b_returns = log_probs.ravel(), advantages.ravel(), returns.ravel()
        for _ in range(EPOCHS):
            for index in np.array_split(rng.permutation(len(b_obs)), MINIBATCHES):
                (out, value), action = agent(b_obs[index]), b_actions[index]
                advantage, n = b_advantages[index], len(index)
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                ratio = np.exp(agent.log_prob(out, action) - b_log_probs[index])
                free = ratio * advantage <= np.clip(ratio, 1 - CLIP, 1 + CLIP) * advantage
                d_objective = (free * ratio * advantage)[:, None]
                (d_out, d_std), (d_entropy, d_entropy_std) = agent.d_log_prob(out, action), agent.d_entropy(out)
                d_value = VALUE_LOSS * 2 * (value - b_returns[index]) / n
                d_out = -(d_objective * d_out + ENTROPY * d_entropy) / n
                d_log_std = -(d_objective * d_std + ENTROPY * d_entropy_std).mean(0)
                optimizer.step(agent.gradient(d_out, d_value, d_log_std), rate)

    def policy(observation):
        out = agent(norm(observation[None]))[0][0]
        return to_env(out.argmax() if agent.discrete else out)

    def value_of(observation):
        return agent(norm(observation[None]))[1][0]

    return policy, value_of
