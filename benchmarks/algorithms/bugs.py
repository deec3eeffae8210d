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
    _ppo("value loss with the wrong sign", "value-loss", ("d_value = VALUE_LOSS", "d_value = -VALUE_LOSS")),
    _ppo(
        "critic not updated",
        "value-loss",
        ("*self.critic.gradient(d_value[:, None])", "*(0 * p for p in self.critic.params)"),
    ),
    _ppo(
        "values of shape (n, 1) against targets of shape (n,)",
        "value-loss",
        ("(value - b_returns[index]) / n", "(value[:, None] - b_returns[index]).mean(1) / n"),
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
    _ppo(
        "policy loss with the wrong sign",
        "update-sign",
        ("d_out = -(d_objective * d_out + ENTROPY", "d_out = (d_objective * d_out - ENTROPY"),
    ),
    _ppo(
        "value - return as the advantage",
        "update-sign",
        ("advantages.ravel(), returns", "-advantages.ravel(), returns"),
    ),
    _ppo(
        "log-probability of a new action in the update",
        "policy-update",
        ("agent(b_obs[index]), b_actions[index]", "agent(b_obs[index]), agent.sample(agent.actor(b_obs[index]))"),
    ),
    _ppo(
        "another action stored than taken",
        "policy-update",
        ("actions.append(action)", "actions.append(agent.sample(out))"),
    ),
    _ppo("ratio without gradient", "policy-update", ("(free * ratio * advantage)", "(0 * ratio * advantage)")),
    _ppo("policy not updated", "policy-update", ("*self.actor.gradient(d_out)", "*(0 * p for p in self.actor.params)")),
    _ppo(
        "observations of a batch in another order",
        "batch-order",
        ("agent(b_obs[index]), b_actions", "agent(b_obs[rng.permutation(index)]), b_actions"),
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
        ("np.concatenate(actions)", "np.concatenate(actions.swapaxes(0, 1))"),
    ),
    _ppo(
        "advantages stacked by environment",
        "environment-order",
        ("advantages.ravel(), returns", "advantages.T.ravel(), returns"),
    ),
    _ppo(
        "returned policy does not normalise",
        "normalisation",
        ("out = agent(norm(observation[None]))[0][0]", "out = agent(observation[None])[0][0]"),
    ),
    _ppo(
        "update with observations that are not normalised",
        "normalisation",
        ("observed.append(seen)", "observed.append(obs)"),
    ),
    _ppo("entropy with the wrong sign", "entropy", ("d_objective * d_out + ENTROPY", "d_objective * d_out - ENTROPY")),
    _ppo(
        "entropy coefficient a thousand times as large",
        "entropy",
        ("d_objective * d_out + ENTROPY", "d_objective * d_out + 1000 * ENTROPY"),
    ),
    _ppo("actions not scaled to their bounds", "action-scaling", ("middle + half * action", "action.clip(-1, 1)")),
    _ppo(
        "most likely action in training",
        "exploration",
        ("action = agent.sample(out)", "action = out.argmax(1) if agent.discrete else out"),
    ),
    _dqn(
        "loss with the wrong sign",
        "value-loss",
        ("d_out[np.arange(BATCH), action] = np", "d_out[np.arange(BATCH), action] = -np"),
    ),
    _dqn("discount factor left out", "value-target", ("+ gamma * (1", "+ (1")),
    _dqn("no bootstrapping", "value-target", ("wanted = reward + gamma * (1 - end) * best", "wanted = reward")),
    _dqn(
        "value of the state in place of the next",
        "value-target",
        ("best = target(following[index])", "best = target(seen[index])"),
    ),
    _dqn("lowest next value", "value-target", ("following[index]).max(1)", "following[index]).min(1)")),
    _dqn("no mask at the end of an episode", "episode-ends", ("gamma * (1 - end) * best", "gamma * best")),
    _dqn(
        "time limit as an end",
        "time-limits",
        ("ended[step] = reward, terminated", "ended[step] = reward, terminated or truncated"),
    ),
    _dqn(
        "action drawn anew in the update",
        "policy-update",
        ("= actions[index], rewards", "= rng.integers(count, size=BATCH), rewards"),
    ),
    _dqn(
        "next observation stored as this one",
        "batch-order",
        ("actions[step] = obs, next_obs, action", "actions[step] = next_obs, next_obs, action"),
    ),
    _dqn(
        "rewards of a batch in another order",
        "batch-order",
        ("rewards[index], ended", "rewards[rng.permutation(index)], ended"),
    ),
    _dqn(
        "lowest value is chosen",
        "update-sign",
        ("network(observation[None]).argmax()", "network(observation[None]).argmin()"),
    ),
    _sac(
        "actor loss with the wrong sign", "update-sign", ("d_raw = ALPHA * 2 * a - d_q", "d_raw = ALPHA * 2 * a + d_q")
    ),
    _sac("discount factor left out", "value-target", ("r + gamma * (1", "r + (1")),
    _sac(
        "value of the state in place of the next",
        "value-target",
        ("lowest(targets, then, next_action)", "lowest(targets, s, next_action)"),
    ),
    _sac("no mask at the end of an episode", "episode-ends", ("gamma * (1 - end) * next_value", "gamma * next_value")),
    _sac(
        "time limit as an end",
        "time-limits",
        ("ended[step] = reward, terminated", "ended[step] = reward, terminated or truncated"),
    ),
    _sac(
        "actions not scaled to their bounds",
        "action-scaling",
        ("env.step((action * high)", "env.step((action * 1.0)"),
        ("actor(observation[None])[0, :width]) * high", "actor(observation[None])[0, :width]) * 1.0"),
    ),
    _sac(
        "actor without gradient", "policy-update", ("d_raw = ALPHA * 2 * a - d_q * (1 - a**2)", "d_raw = ALPHA * 2 * a")
    ),
    _sac(
        "observations of a batch in another order",
        "batch-order",
        ("s, then = seen[index]", "s, then = seen[rng.permutation(index)]"),
    ),
    _sac("critic loss with the wrong sign", "value-loss", ("d_both = 2 *", "d_both = -2 *")),
    _sac(
        "entropy with the wrong sign",
        "entropy",
        ("d_raw = ALPHA * 2 * a", "d_raw = -ALPHA * 2 * a"),
        ("d_log_std = ALPHA * (", "d_log_std = -ALPHA * ("),
    ),
)

VARIANTS = (
    _ppo("as it is", ""),
    _ppo(
        "ReLU",
        "",
        ("np.zeros(WIDTH), last", "rng.normal(0, 0.5, WIDTH), last"),
        ("np.tanh(x @ w1 + b1)", "np.maximum(0, x @ w1 + b1)"),
        ("(1 - self.h**2)", "(self.h > 0)"),
    ),
    _ppo(
        "shared trunk",
        "",
        ("Net(rng, size, out, 0.01)", "Net(rng, size, out + 1, 0.01)"),
        (
            "return self.actor(obs), self.critic(obs)[:, 0]",
            "return np.split(both := self.actor(obs), [-1], 1)[0], both[:, -1]",
        ),
        (
            "*self.actor.gradient(d_out), *self.critic.gradient(d_value[:, None])",
            "*self.actor.gradient(np.c_[d_out, d_value]), *(0 * p for p in self.critic.params)",
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
    _ppo("KL penalty in place of clipping", "", ("(free * ratio * advantage)", "(ratio * advantage - (ratio - 1))")),
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
