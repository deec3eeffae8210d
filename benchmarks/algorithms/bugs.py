"""Bugs and harmless variants, as replacements of text in the correct algorithms, each found exactly once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Change(NamedTuple):
    """A change of an algorithm.

    Attributes:
        algorithm: Name of the file.
        name: What it is called.
        part: The part that is then faulty, a key of ``checks/probes.toml``; empty for a harmless variant.
        edits: Pairs of old and new text.
    """

    algorithm: str
    name: str
    part: str
    edits: tuple[tuple[str, str], ...]


def _ppo(name: str, part: str, *edits: tuple[str, str]) -> Change:
    return Change("ppo", name, part, edits)


def _dqn(name: str, part: str, *edits: tuple[str, str]) -> Change:
    return Change("dqn", name, part, edits)


def _sac(name: str, part: str, *edits: tuple[str, str]) -> Change:
    return Change("sac", name, part, edits)


BUGS = (
    _ppo("value loss with the wrong sign", "value-loss", ("+ VALUE_LOSS *", "- VALUE_LOSS *")),
    _ppo(
        "critic not in the optimiser",
        "value-loss",
        ("Adam(agent.parameters()", "Adam([*agent.actor.parameters(), agent.log_std]"),
    ),
    _ppo(
        "value of shape (n, 1) against targets of shape (n,)",
        "value-loss",
        ("agent.value(b_obs[index]) -", "agent.critic(b_obs[index]) -"),
    ),
    _ppo("discount factor left out", "value-target", ("rewards[t] + gamma * next_value", "rewards[t] + next_value")),
    _ppo(
        "no bootstrapping",
        "value-target",
        ("rewards[t] + gamma * next_value * going_on - values[t]", "rewards[t] - values[t]"),
    ),
    _ppo(
        "recursion from the first step on",
        "value-target",
        ("for t in reversed(range(rollout))", "for t in range(rollout)"),
    ),
    _ppo(
        "advantage as the target of the value",
        "value-target",
        ("returns = advantages + values", "returns = advantages"),
    ),
    _ppo(
        "value of this step in place of the next",
        "value-target",
        ("gamma * next_value * going_on", "gamma * values[t] * going_on"),
    ),
    _ppo("no mask at the end of an episode", "episode-ends", ("going_on = 1.0 - ends[t]", "going_on = 1.0")),
    _ppo("no mask on the next value", "episode-ends", ("gamma * next_value * going_on", "gamma * next_value")),
    _ppo(
        "advantage carried over the end of an episode",
        "episode-ends",
        ("gamma * LAMBDA * going_on * last", "gamma * LAMBDA * last"),
    ),
    _ppo("mask of the step before", "episode-ends", ("going_on = 1.0 - ends[t]", "going_on = 1.0 - ends[t - 1]")),
    _ppo("time limit as an end", "time-limits", ("if truncated and not terminated", "if False")),
    _ppo("policy loss with the wrong sign", "update-sign", ("policy_loss = -torch.min(", "policy_loss = torch.min(")),
    _ppo(
        "value - return as the advantage",
        "update-sign",
        ("advantages.flatten(), returns", "-advantages.flatten(), returns"),
    ),
    _ppo(
        "old over new in the ratio",
        "update-sign",
        (
            "(agent.log_prob(dist, b_actions[index]) - b_log_probs[index])",
            "(b_log_probs[index] - agent.log_prob(dist, b_actions[index]))",
        ),
    ),
    _ppo(
        "log-probability of a new action in the update",
        "policy-update",
        ("dist, b_actions[index])", "dist, dist.sample())"),
    ),
    _ppo(
        "another action stored than taken", "policy-update", ("actions.append(action)", "actions.append(dist.sample())")
    ),
    _ppo(
        "ratio without gradient", "policy-update", ("b_log_probs[index]).exp()", "b_log_probs[index]).exp().detach()")
    ),
    _ppo("policy not in the optimiser", "policy-update", ("Adam(agent.parameters()", "Adam(agent.critic.parameters()")),
    _ppo(
        "observations of a batch in another order",
        "batch-order",
        ("agent.dist(b_obs[index])", "agent.dist(b_obs[rng.permutation(index)])"),
    ),
    _ppo(
        "returns of a batch in another order",
        "batch-order",
        ("b_returns[index])", "b_returns[rng.permutation(index)])"),
    ),
    _ppo(
        "advantages of a batch in another order",
        "batch-order",
        ("b_advantages[index]", "b_advantages[rng.permutation(index)]"),
    ),
    _ppo(
        "actions stacked by environment, the rest by step",
        "environment-order",
        ("actions.flatten(0, 1)", "actions.transpose(0, 1).flatten(0, 1)"),
    ),
    _ppo(
        "advantages stacked by environment",
        "environment-order",
        ("advantages.flatten(), returns", "advantages.T.flatten(), returns"),
    ),
    _ppo(
        "returned policy does not normalise",
        "normalisation",
        ("dist = agent.dist(norm(observation[None]))", "dist = agent.dist(torch.as_tensor(observation[None]))"),
    ),
    _ppo(
        "update with observations that are not normalised",
        "normalisation",
        ("observed.append(seen)", "observed.append(torch.as_tensor(obs))"),
    ),
    _ppo("entropy with the wrong sign", "entropy", ("- ENTROPY * entropy", "+ ENTROPY * entropy")),
    _ppo(
        "entropy coefficient a thousand times as large",
        "entropy",
        ("- ENTROPY * entropy", "- 1000 * ENTROPY * entropy"),
    ),
    _ppo(
        "actions not scaled to their bounds",
        "action-scaling",
        ("middle + half * action.numpy()", "action.numpy().clip(-1, 1)"),
    ),
    _ppo(
        "most likely action in training",
        "exploration",
        ("action = dist.sample()", "action = dist.probs.argmax(-1) if agent.discrete else dist.mean"),
    ),
    _dqn("loss with the wrong sign", "value-loss", ("loss = nn", "loss = -nn")),
    _dqn("discount factor left out", "value-target", ("+ gamma * (1", "+ (1")),
    _dqn("target network never updated", "value-target", ("if step % TARGET_EVERY == 0:", "if False:")),
    _dqn(
        "value of the state in place of the next",
        "value-target",
        ("target(torch.as_tensor(following[index]))", "target(torch.as_tensor(seen[index]))"),
    ),
    _dqn("no mask at the end of an episode", "episode-ends", ("(1 - torch.as_tensor(ended[index])) * best", "best")),
    _dqn(
        "time limit as an end",
        "time-limits",
        ("ended[step] = reward, terminated", "ended[step] = reward, terminated or truncated"),
    ),
    _dqn(
        "value of the best action in place of the action taken",
        "policy-update",
        (".gather(1, torch.as_tensor(actions[index])[:, None]).squeeze(1)", ".max(1).values"),
    ),
    _dqn(
        "next observation stored as this one",
        "batch-order",
        ("actions[step] = obs, next_obs, action", "actions[step] = next_obs, next_obs, action"),
    ),
    _dqn(
        "lowest value is chosen",
        "update-sign",
        ("network(torch.as_tensor(obs)).argmax()", "network(torch.as_tensor(obs)).argmin()"),
        ("network(torch.as_tensor(observation)).argmax()", "network(torch.as_tensor(observation)).argmin()"),
    ),
    _sac("actor loss with the wrong sign", "update-sign", ("actor_loss = (ALPHA", "actor_loss = -(ALPHA")),
    _sac("discount factor left out", "value-target", ("r + gamma * (1", "r + (1")),
    _sac("no mask at the end of an episode", "episode-ends", ("(1 - end) * next_value", "next_value")),
    _sac(
        "actions not scaled to their bounds",
        "action-scaling",
        ("(action * high).numpy()", "action.numpy()"),
        ("[0] * high).numpy()", "[0]).numpy()"),
    ),
    _sac(
        "actor without gradient",
        "policy-update",
        ("lowest(critics, s, new_action)", "lowest(critics, s, new_action.detach())"),
    ),
    _sac(
        "observations of a batch in another order",
        "batch-order",
        (
            "array[index]) for array in (seen, actions, following)",
            "array[index]) for array in (rng.permutation(seen), actions, following)",
        ),
    ),
)

VARIANTS = (
    _ppo("as it is", ""),
    _ppo(
        "ReLU",
        "",
        (
            "nn.Linear(obs_size, WIDTH), nn.Tanh(), nn.Linear(WIDTH, out)",
            "nn.Linear(obs_size, WIDTH), nn.ReLU(), nn.Linear(WIDTH, out)",
        ),
    ),
    _ppo(
        "shared trunk",
        "",
        (
            "self.critic = nn.Sequential(nn.Linear(obs_size, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))",
            "self.critic = nn.Sequential(self.actor[0], self.actor[1], nn.Linear(WIDTH, 1))",
        ),
    ),
    _ppo(
        "lambda-returns first, advantages from them",
        "",
        (
            "last = delta + gamma * LAMBDA * going_on * last",
            "last = rewards[t] + gamma * going_on * ((1 - LAMBDA) * next_value + LAMBDA * (last if t < rollout - 1 else next_value))",
        ),
        ("advantages[t] = last", "advantages[t] = last - values[t]"),
    ),
    _ppo("minibatches in the order of time", "", ("rng.permutation(len(b_obs))", "np.arange(len(b_obs))")),
    _ppo(
        "KL penalty in place of clipping",
        "",
        (
            "-torch.min(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage).mean()",
            "-(ratio * advantage).mean() + (ratio - 1 - ratio.log()).mean()",
        ),
    ),
    Change("dqn", "as it is", "", ()),
    Change("sac", "as it is", "", ()),
)


def load(change: Change):
    """Return the ``train`` of an algorithm with a change in it."""
    file = FOLDER / f"{change.algorithm}.py"
    text = file.read_text(encoding="utf-8")
    for old, new in change.edits:
        assert text.count(old) == 1, (change.name, old, text.count(old))
        text = text.replace(old, new)
    name = f"_changed_{change.algorithm}"
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader=None))
    sys.modules[name] = module
    exec(compile(text, str(file), "exec"), module.__dict__)
    return module.train
