"""PPO as a single file in CleanRL's manner: its tags, its steps and its last minibatches; the code is our own.

    pip install torch==2.13.0 gymnasium==1.4.0 tensorboard
    python -m benchmarks.frameworks.cleanrl_style OUT                  records runs of CartPole and Pendulum
    python -m benchmarks.frameworks.cleanrl_style OUT --minibatches    how far a last minibatch is off the mean

What is logged, and when, follows vwxyzjn/cleanrl, ppo.py and ppo_continuous_action.py: each finished episode under
charts/ at the step at which it ended, the losses of the LAST minibatch of an update under losses/, value_loss halved,
clipfrac as a mean over all minibatches, old_approx_kl as the k1 estimator and approx_kl as k3.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical, Independent, Normal
from torch.utils.tensorboard import SummaryWriter

from benchmarks.frameworks import label

PACKAGES = ("torch", "gymnasium", "tensorboard")
GOOD: dict[str, dict[str, Any]] = {
    "CartPole-v1": dict(
        n_envs=4, n_steps=128, minibatches=4, epochs=4, lr=2.5e-4, ent_coef=0.01, gamma=0.99, lam=0.95, total=60_000
    ),
    "Pendulum-v1": dict(
        n_envs=4, n_steps=512, minibatches=32, epochs=10, lr=1e-3, ent_coef=0.0, gamma=0.9, lam=0.95, total=120_000
    ),
}
FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "": ("", {}),
    "learning-rate-high": ("lr = 0.1", {"lr": 0.1}),
    "learning-rate-low": ("lr = 1e-7", {"lr": 1e-7}),
    "reward-huge": ("reward x 1e5", {"reward_scale": 1e5}),
    "reward-constant": ("the reward is always 0", {"reward_scale": 0.0}),
    "entropy-bonus": ("ent_coef = 2", {"ent_coef": 2.0}),
}
RUNS = [
    ("CartPole-v1", "", 1), ("CartPole-v1", "", 2), ("Pendulum-v1", "", 1), ("Pendulum-v1", "", 2),
    ("CartPole-v1", "learning-rate-high", 1), ("CartPole-v1", "learning-rate-low", 1), ("CartPole-v1", "entropy-bonus", 1),
    ("Pendulum-v1", "learning-rate-high", 1), ("Pendulum-v1", "learning-rate-low", 1), ("Pendulum-v1", "reward-huge", 1),
    ("CartPole-v1", "reward-constant", 1),
]  # fmt: skip


def layer(inputs: int, outputs: int, gain: float = 2**0.5) -> nn.Linear:
    made = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(made.weight, gain)
    nn.init.zeros_(made.bias)
    return made


class Agent(nn.Module):
    def __init__(self, envs: gymnasium.vector.VectorEnv) -> None:
        super().__init__()
        seen = int(np.prod(envs.single_observation_space.shape))
        space = envs.single_action_space
        self.discrete = isinstance(space, gymnasium.spaces.Discrete)
        size = int(space.n) if self.discrete else int(np.prod(space.shape))
        self.actor = nn.Sequential(layer(seen, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, size, 0.01))
        self.critic = nn.Sequential(layer(seen, 64), nn.Tanh(), layer(64, 64), nn.Tanh(), layer(64, 1, 1.0))
        self.log_std = nn.Parameter(torch.zeros(size)) if not self.discrete else None

    def policy(self, seen: torch.Tensor) -> Any:
        out = self.actor(seen)
        return Categorical(logits=out) if self.discrete else Independent(Normal(out, self.log_std.exp()), 1)


def train(
    folder: Path,
    env_id: str,
    seed: int,
    minibatch_rows: list[dict[str, float]] | None = None,
    agent_class: type[Agent] = Agent,
    **changes: Any,
) -> float:
    """Train into ``folder`` and return the mean true return of the last tenth of the episodes.

    ``changes`` replace settings of ``GOOD``; ``lr`` and ``ent_coef`` may be functions of the part of the training that is done.
    """
    s = {"reward_scale": 1.0, **GOOD[env_id], **changes}
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    envs = gymnasium.make_vec(env_id, s["n_envs"], vectorization_mode="sync")
    agent = agent_class(envs)
    optimizer = torch.optim.Adam(agent.parameters(), eps=1e-5)
    writer = SummaryWriter(str(folder))
    seen, _ = envs.reset(seed=seed)
    done = np.zeros(s["n_envs"], bool)
    totals, shown, lengths = np.zeros(s["n_envs"]), np.zeros(s["n_envs"]), np.zeros(s["n_envs"])
    episodes: list[float] = []
    step, n, m = 0, s["n_steps"], s["n_envs"]
    updates = s["total"] // (n * m)
    for update in range(updates):
        done_part = update / updates
        rate = s["lr"](done_part) if callable(s["lr"]) else s["lr"] * (1 - done_part)
        bonus = s["ent_coef"](done_part) if callable(s["ent_coef"]) else s["ent_coef"]
        optimizer.param_groups[0]["lr"] = rate
        rows: dict[str, list[Any]] = {key: [] for key in ("seen", "action", "logp", "reward", "done", "value")}
        for _ in range(n):
            step += m
            with torch.no_grad():
                now = torch.as_tensor(np.asarray(seen), dtype=torch.float32)
                policy = agent.policy(now)
                action = policy.sample()
                value = agent.critic(now).squeeze(-1)
            for key, item in (("seen", now), ("action", action), ("logp", policy.log_prob(action)), ("value", value)):
                rows[key].append(item)
            rows["done"].append(torch.as_tensor(done, dtype=torch.float32))
            low_high = envs.single_action_space
            given = action.numpy() if agent.discrete else np.clip(action.numpy(), low_high.low, low_high.high)
            seen, reward, ended, cut, _ = envs.step(given)
            # The step after an episode ends only resets; it has no reward.
            begins = done
            done = ended | cut
            rows["reward"].append(torch.as_tensor(reward * s["reward_scale"], dtype=torch.float32))
            totals += np.where(begins, 0.0, reward)
            shown += np.where(begins, 0.0, reward * s["reward_scale"])
            lengths += ~begins
            for i in np.flatnonzero(done):
                writer.add_scalar("charts/episodic_return", shown[i], step)
                writer.add_scalar("charts/episodic_length", lengths[i], step)
                episodes.append(totals[i])
                totals[i] = shown[i] = lengths[i] = 0.0
        stacked = {key: torch.stack(item) for key, item in rows.items()}
        with torch.no_grad():
            last = agent.critic(torch.as_tensor(np.asarray(seen), dtype=torch.float32)).squeeze(-1)
            advantages, running = torch.zeros_like(stacked["value"]), torch.zeros(m)
            for t in reversed(range(n)):
                left = 1.0 - (torch.as_tensor(done, dtype=torch.float32) if t == n - 1 else stacked["done"][t + 1])
                following = last if t == n - 1 else stacked["value"][t + 1]
                delta = stacked["reward"][t] + s["gamma"] * following * left - stacked["value"][t]
                running = delta + s["gamma"] * s["lam"] * left * running
                advantages[t] = running
        flat = {key: item.flatten(0, 1) for key, item in stacked.items()}
        advantage = advantages.flatten()
        target = advantage + flat["value"]
        clipped: list[float] = []
        noted: list[dict[str, float]] = []
        for _ in range(s["epochs"]):
            for at in np.array_split(chance.permutation(n * m), s["minibatches"]):
                policy = agent.policy(flat["seen"][at])
                log_ratio = policy.log_prob(flat["action"][at]) - flat["logp"][at]
                ratio = log_ratio.exp()
                with torch.no_grad():
                    old_kl, kl = -log_ratio.mean(), (ratio - 1 - log_ratio).mean()
                    clipped.append(float(((ratio - 1).abs() > 0.2).float().mean()))
                a = advantage[at]
                a = (a - a.mean()) / (a.std() + 1e-8)
                policy_loss = torch.max(-a * ratio, -a * ratio.clamp(0.8, 1.2)).mean()
                value_loss = 0.5 * (agent.critic(flat["seen"][at]).squeeze(-1) - target[at]).square().mean()
                entropy = policy.entropy().mean()
                loss = policy_loss - bonus * entropy + 0.5 * value_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
                optimizer.step()
                noted.append(
                    {
                        "approx_kl": float(kl),
                        "entropy": float(entropy),
                        "value_loss": float(value_loss),
                        "policy_loss": float(policy_loss),
                    }
                )
        if minibatch_rows is not None:
            epoch = noted[-s["minibatches"] :]
            means = {f"{key}, last epoch": float(np.mean([row[key] for row in epoch])) for key in noted[-1]}
            minibatch_rows.append({**noted[-1], **means})
        spread = float(target.var())
        explained = np.nan if spread == 0 else 1 - float((target - flat["value"]).var()) / spread
        writer.add_scalar("charts/learning_rate", rate, step)
        for key in ("value_loss", "policy_loss", "entropy"):
            writer.add_scalar(f"losses/{key}", noted[-1][key], step)
        writer.add_scalar("losses/old_approx_kl", float(old_kl), step)
        writer.add_scalar("losses/approx_kl", float(kl), step)
        writer.add_scalar("losses/clipfrac", float(np.mean(clipped)), step)
        writer.add_scalar("losses/explained_variance", explained, step)
    writer.close()
    envs.close()
    return float(np.mean(episodes[-max(1, len(episodes) // 10) :]))


def record(out: Path) -> None:
    for env_id, fault, seed in RUNS:
        words, changes = FAULTS[fault]
        folder = label.place(out, "cleanrl", "ppo", env_id, fault, seed)
        if label.is_recorded(folder):
            continue
        reached = train(folder, env_id, seed, **changes)
        label.write(folder, "cleanrl", "ppo", env_id, fault, words, reached, PACKAGES)


def minibatches(out: Path) -> str:
    """Return a table of how many times larger the last minibatch's value is than the mean of its epoch."""
    lines = ["| task | metric | 5 % | median | 95 % | 99 % |", "|---|---|---|---|---|---|"]
    for env_id in GOOD:
        rows: list[dict[str, float]] = []
        train(out / env_id, env_id, 1, minibatch_rows=rows)
        for key in ("approx_kl", "value_loss", "entropy"):
            ratios = np.array([row[key] / row[f"{key}, last epoch"] for row in rows])
            shares = " | ".join(f"{np.quantile(ratios, share):.2f}" for share in (0.05, 0.5, 0.95, 0.99))
            lines.append(f"| {env_id} | {key} | {shares} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    torch.set_num_threads(1)
    if "--minibatches" in arguments:
        print(minibatches(Path(arguments[0])))
    else:
        record(Path(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
