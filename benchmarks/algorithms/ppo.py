"""PPO in one file, written plainly: what the probes judge, and where bugs are put in."""

from __future__ import annotations

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical, Distribution, Normal

Distribution.set_default_validate_args(False)
LEARNING_RATE, CLIP, LAMBDA, EPOCHS, MINIBATCHES, ROLLOUT = 8e-3, 0.2, 0.95, 4, 2, 64
ENTROPY, VALUE_LOSS, MAX_NORM, WIDTH = 0.003, 0.5, 0.5, 32


class RunningNorm:
    """Mean and variance of all observations so far (Chan et al., 1979)."""

    def __init__(self, size):
        self.mean, self.var, self.count = np.zeros(size, np.float32), np.ones(size, np.float32), 1e-4

    def update(self, batch):
        n, mean, var = len(batch), batch.mean(0), batch.var(0)
        total, delta = self.count + n, mean - self.mean
        self.var = (self.var * self.count + var * n + delta**2 * self.count * n / total) / total
        self.mean, self.count = self.mean + delta * n / total, total

    def __call__(self, obs):
        return torch.as_tensor(np.clip((obs - self.mean) / np.sqrt(self.var + 1e-8), -10, 10), dtype=torch.float32)


class Agent(nn.Module):
    def __init__(self, obs_size, space):
        super().__init__()
        self.discrete = isinstance(space, gymnasium.spaces.Discrete)
        out = int(space.n) if self.discrete else space.shape[0]
        self.actor = nn.Sequential(nn.Linear(obs_size, WIDTH), nn.Tanh(), nn.Linear(WIDTH, out))
        self.critic = nn.Sequential(nn.Linear(obs_size, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))
        with torch.no_grad():
            self.actor[-1].weight.mul_(0.01)
        self.log_std = nn.Parameter(torch.full((1, out), -0.5))

    def dist(self, obs):
        logits = self.actor(obs)
        return Categorical(logits=logits) if self.discrete else Normal(logits, self.log_std.exp().expand_as(logits))

    def log_prob(self, dist, action):
        return dist.log_prob(action) if self.discrete else dist.log_prob(action).sum(-1)

    def entropy(self, dist):
        return dist.entropy() if self.discrete else dist.entropy().sum(-1)

    def value(self, obs):
        return self.critic(obs).squeeze(-1)


def train(make_env, num_envs, steps, seed, gamma=0.99):
    """Train on ``num_envs`` environments for ``steps`` steps; return the policy and the value function."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    envs = [make_env() for _ in range(num_envs)]
    space = envs[0].action_space
    obs = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(envs)])
    norm, agent = RunningNorm(obs.shape[1]), Agent(obs.shape[1], space)
    optimizer = torch.optim.Adam(agent.parameters(), lr=LEARNING_RATE, eps=1e-5)

    def to_env(action):
        if agent.discrete:
            return int(action)
        half, middle = (space.high - space.low) / 2, (space.high + space.low) / 2
        return np.clip(middle + half * action.numpy(), space.low, space.high)

    rollout = ROLLOUT // num_envs
    for update in range(steps // (rollout * num_envs)):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * (1 - update / (steps // (rollout * num_envs)))
        observed, actions, log_probs, values, rewards, ends = [], [], [], [], [], []
        for _ in range(rollout):
            norm.update(obs)
            seen = norm(obs)
            with torch.no_grad():
                dist = agent.dist(seen)
                action = dist.sample()
                log_prob, value = agent.log_prob(dist, action), agent.value(seen)
            reward, end, following = np.zeros(num_envs, np.float32), np.zeros(num_envs, np.float32), []
            for i, env in enumerate(envs):
                next_obs, reward[i], terminated, truncated, _ = env.step(to_env(action[i]))
                if truncated and not terminated:
                    with torch.no_grad():
                        reward[i] += gamma * agent.value(norm(next_obs[None])).item()
                if terminated or truncated:
                    end[i], next_obs = 1.0, env.reset()[0]
                following.append(next_obs)
            observed.append(seen)
            actions.append(action)
            log_probs.append(log_prob)
            values.append(value)
            rewards.append(torch.as_tensor(reward))
            ends.append(torch.as_tensor(end))
            obs = np.stack(following)
        observed, actions, log_probs = torch.stack(observed), torch.stack(actions), torch.stack(log_probs)
        values, rewards, ends = torch.stack(values), torch.stack(rewards), torch.stack(ends)
        with torch.no_grad():
            next_value = agent.value(norm(obs))
        advantages, last = torch.zeros_like(rewards), torch.zeros(num_envs)
        for t in reversed(range(rollout)):
            going_on = 1.0 - ends[t]
            delta = rewards[t] + gamma * next_value * going_on - values[t]
            last = delta + gamma * LAMBDA * going_on * last
            advantages[t] = last
            next_value = values[t]
        returns = advantages + values
        b_obs, b_actions = observed.flatten(0, 1), actions.flatten(0, 1)
        b_log_probs, b_advantages, b_returns = log_probs.flatten(), advantages.flatten(), returns.flatten()
        for _ in range(EPOCHS):
            for index in np.array_split(rng.permutation(len(b_obs)), MINIBATCHES):
                dist, advantage = agent.dist(b_obs[index]), b_advantages[index]
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                ratio = (agent.log_prob(dist, b_actions[index]) - b_log_probs[index]).exp()
                policy_loss = -torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()
                value_loss = ((agent.value(b_obs[index]) - b_returns[index]) ** 2).mean()
                entropy = agent.entropy(dist).mean()
                loss = policy_loss + VALUE_LOSS * value_loss - ENTROPY * entropy
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), MAX_NORM)
                optimizer.step()

    @torch.no_grad()
    def policy(observation):
        dist = agent.dist(norm(observation[None]))
        return to_env(dist.probs.argmax(-1)[0] if agent.discrete else dist.mean[0])

    @torch.no_grad()
    def value_of(observation):
        return agent.value(norm(observation[None])).item()

    return policy, value_of
