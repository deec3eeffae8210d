"""Bugs in the algorithm's code, put into SB3's PPO from outside."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from stable_baselines3 import PPO

from rldoctor.experiments.faults.fault import Fault


def _after_advantages(change: Callable[[Any], None]) -> Callable[[PPO], None]:
    """Return an adjustment that runs ``change(rollout_buffer)`` each time the advantages have been computed."""

    def adjust(model: PPO) -> None:
        buffer = model.rollout_buffer
        compute = buffer.compute_returns_and_advantage

        def changed(*args: Any, **kwargs: Any) -> None:
            compute(*args, **kwargs)
            change(buffer)

        buffer.compute_returns_and_advantage = changed  # type: ignore[method-assign]

    return adjust


def _negate(buffer: Any) -> None:
    buffer.advantages = -buffer.advantages


def _shuffle(buffer: Any) -> None:
    flat = buffer.advantages.reshape(-1)
    np.random.default_rng(0).shuffle(flat)
    buffer.advantages = flat.reshape(buffer.advantages.shape)


def _ignore_dones(model: PPO) -> None:
    buffer = model.rollout_buffer
    compute = buffer.compute_returns_and_advantage

    def changed(last_values: Any, dones: Any) -> None:
        buffer.episode_starts[:] = 0
        compute(last_values, np.zeros_like(dones))

    buffer.compute_returns_and_advantage = changed  # type: ignore[method-assign]


def _reuse(model: PPO) -> None:
    kept: dict[str, Any] = {}
    fields = ("observations", "actions", "values", "log_probs", "advantages", "returns")

    def change(buffer: Any) -> None:
        if not kept:
            kept.update({name: deepcopy(getattr(buffer, name)) for name in fields})
        for name in fields:
            setattr(buffer, name, deepcopy(kept[name]))

    _after_advantages(change)(model)


def _freeze(*parts: str) -> Callable[[PPO], None]:
    def adjust(model: PPO) -> None:
        for name, parameter in model.policy.named_parameters():
            if any(part in name for part in parts):
                parameter.requires_grad_(False)

    return adjust


def _plain_sgd(model: PPO) -> None:
    model.policy.optimizer = torch.optim.SGD(model.policy.parameters(), lr=float(model.lr_schedule(1.0)))


def _store(change: Callable[[PPO, Any, Any], tuple[Any, Any]]) -> Callable[[PPO], None]:
    """Return an adjustment that keeps other actions or log-probabilities in the rollout than those that were used."""

    def adjust(model: PPO) -> None:
        buffer: Any = model.rollout_buffer
        add = buffer.add

        def changed(obs: Any, action: Any, reward: Any, start: Any, value: Any, log_prob: Any) -> None:
            action, log_prob = change(model, action, log_prob)
            add(obs, action, reward, start, value, log_prob)

        buffer.add = changed

    return adjust


def _clip(model: PPO, action: Any, log_prob: Any) -> tuple[Any, Any]:
    space: Any = model.action_space
    return np.clip(action, space.low, space.high), log_prob


def _mean_log_prob(_: PPO, action: Any, log_prob: Any) -> tuple[Any, Any]:
    # The mean over the dimensions of an action where the sum is meant.
    return action, log_prob / max(1, int(np.prod(np.shape(action)[1:]))) - 0.5


FAULTS = (
    Fault(
        "advantage-sign",
        "The advantages have the wrong sign: good actions are made less likely.",
        ("update-direction-wrong",),
        adjust=lambda _: _after_advantages(_negate),
    ),
    Fault(
        "advantages-shuffled",
        "Advantages belong to other steps than their actions (an index bug).",
        ("update-direction-wrong", "advantages-miscomputed"),
        adjust=lambda _: _after_advantages(_shuffle),
    ),
    Fault(
        "gae-ignores-dones",
        "Advantages run across the ends of episodes; PPO copes with it on some tasks.",
        ("advantages-miscomputed", "plateau-below-target"),
        adjust=lambda _: _ignore_dones,
    ),
    Fault(
        "critic-frozen",
        "The critic's weights never change.",
        ("critic-not-learning",),
        adjust=lambda _: _freeze("value_net"),
    ),
    Fault(
        "policy-frozen",
        "The policy's weights never change.",
        ("updates-too-small",),
        adjust=lambda _: _freeze("policy_net", "action_net", "log_std"),
    ),
    Fault(
        "optimizer-sgd",
        "Plain SGD with a learning rate made for Adam.",
        ("updates-too-small",),
        adjust=lambda _: _plain_sgd,
    ),
    Fault(
        "stale-data",
        "Every update uses the first rollout again.",
        ("stale-data-reused", "update-direction-wrong", "updates-too-aggressive"),
        adjust=lambda _: _reuse,
    ),
    Fault(
        "stored-action-clipped",
        "The rollout keeps the clipped action with the probability of the one that was drawn.",
        ("rollout-update-mismatch", "updates-too-aggressive"),
        adjust=lambda _: _store(_clip),
        only=("FetchReachDense-v4", "Pendulum-v1"),
    ),
    Fault(
        "log-probability-off",
        "The rollout keeps another log-probability than that of its action.",
        ("rollout-update-mismatch", "updates-too-aggressive"),
        adjust=lambda _: _store(_mean_log_prob),
    ),
)
