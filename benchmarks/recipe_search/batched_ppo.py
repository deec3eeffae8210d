"""PPO as Stable-Baselines3 has it, for many settings and seeds at once, on the model of the arm.

Everything has a leading axis of trainings: networks are multiplied by batched products, and what one call costs is
shared by all. The settings of a :class:`Shape` are common, those of ``varied`` differ from one training to the next.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.init import orthogonal_

from benchmarks.recipe_search.arm import ACTION, OBSERVATION, STEPS, Arm, Array

_BETAS, _EPSILON = (0.9, 0.999), 1e-5
_INPUTS = OBSERVATION + 6
_EPISODES = 100

Layers = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Shape:
    """What all trainings of a batch have in common."""

    n_envs: int
    n_steps: int
    batch_size: int
    n_epochs: int
    net_arch: tuple[int, ...]
    total_steps: int

    @property
    def rollout(self) -> int:
        return self.n_envs * self.n_steps


def _network(count: int, widths: Sequence[int], gain: float) -> Layers:
    layers = []
    for place, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        weights = torch.empty(count, outputs, inputs)
        for weight in weights:
            orthogonal_(weight, gain if place == len(widths) - 2 else math.sqrt(2))
        layers.append((weights.transpose(1, 2).contiguous(), torch.zeros(count, 1, outputs)))
    return layers


def _forward(layers: Layers, x: Tensor) -> Tensor:
    for weights, bias in layers[:-1]:
        x = torch.tanh(torch.baddbmm(bias, x, weights))
    weights, bias = layers[-1]
    return torch.baddbmm(bias, x, weights)


def _observed(states: Array, goals: Array) -> Tensor:
    return torch.as_tensor(np.concatenate([states[..., :3], goals, states], -1), dtype=torch.float32)


def _log_density(actions: Tensor, means: Tensor, log_std: Tensor) -> Tensor:
    return (-0.5 * ((actions - means) / log_std.exp()) ** 2 - log_std).sum(-1)


class _Adam:
    def __init__(self, weights: Sequence[Tensor]) -> None:
        self._weights = list(weights)
        self._means = [torch.zeros_like(weight) for weight in weights]
        self._squares = [torch.zeros_like(weight) for weight in weights]
        self._steps = 0

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: Tensor, most: Tensor) -> None:
        norm = torch.stack([gradient.pow(2).sum((1, 2)) for gradient in gradients]).sum(0).sqrt()
        share = (most / (norm + 1e-6)).clamp(max=1)[:, None, None]
        clipped = [gradient * share for gradient in gradients]
        self._steps += 1
        torch._foreach_lerp_(self._means, clipped, 1 - _BETAS[0])
        torch._foreach_mul_(self._squares, _BETAS[1])
        torch._foreach_addcmul_(self._squares, clipped, clipped, 1 - _BETAS[1])
        roots = torch._foreach_sqrt(self._squares)
        torch._foreach_div_(roots, math.sqrt(1 - _BETAS[1] ** self._steps))
        torch._foreach_add_(roots, _EPSILON)
        rate = (-rate / (1 - _BETAS[0] ** self._steps))[:, None, None]
        torch._foreach_add_(self._weights, [mean / root * rate for mean, root in zip(self._means, roots, strict=True)])


def train(arm: Arm, shape: Shape, varied: Mapping[str, Sequence[float]], seed: int) -> Array:
    """Train and return the mean final distance of each, in mm, of the mean actions on the same 100 goals.

    ``varied`` has, for each training, ``learning_rate`` (linear to 0), ``gamma``, ``gae_lambda``, ``clip_range``,
    ``log_std_init``, ``vf_coef``, ``max_grad_norm`` and ``ent_coef``.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    of = {key: torch.tensor(values, dtype=torch.float32) for key, values in varied.items()}
    count = len(of["gamma"])
    actor = _network(count, (_INPUTS, *shape.net_arch, ACTION), 0.01)
    critic = _network(count, (_INPUTS, *shape.net_arch, 1), 1.0)
    log_std = of["log_std_init"][:, None, None].expand(count, 1, ACTION).clone()
    weights = [*(tensor for layer in (*actor, *critic) for tensor in layer), log_std]
    for weight in weights:
        weight.requires_grad_()
    adam, clip = _Adam(weights), of["clip_range"][:, None]
    lanes = (count, shape.n_envs)
    states, goals, age = arm.starts(lanes), arm.goals(random, lanes), 0
    for done in range(shape.rollout, shape.total_steps + 1, shape.rollout):
        kept: list[tuple[Tensor, ...]] = []
        with torch.no_grad():
            for _ in range(shape.n_steps):
                seen = _observed(states, goals)
                means, value = _forward(actor, seen), _forward(critic, seen)[..., 0]
                action = means + torch.randn_like(means) * log_std.exp()
                states = arm.step(states, action.numpy())
                reward = torch.as_tensor(-np.linalg.norm(states[..., :3] - goals, axis=-1), dtype=torch.float32)
                age += 1
                ends = age % STEPS == 0
                if ends:
                    # The time limit is no end of the task, as in SB3.
                    reward = reward + of["gamma"][:, None] * _forward(critic, _observed(states, goals))[..., 0]
                    states, goals = arm.starts(lanes), arm.goals(random, lanes)
                density = _log_density(action, means, log_std)
                kept.append((seen, action, density, value, reward, torch.tensor(0.0 if ends else 1.0)))
            following = _forward(critic, _observed(states, goals))[..., 0]
            advantage, advantages = torch.zeros(lanes), []
            for _, _, _, value, reward, goes_on in reversed(kept):
                discount = of["gamma"][:, None] * goes_on
                advantage = reward + discount * following - value + discount * of["gae_lambda"][:, None] * advantage
                advantages.append(advantage)
                following = value
            seen, action, density, value = (
                torch.stack([step[part] for step in kept], 1).flatten(1, 2) for part in range(4)
            )
            gain = torch.stack(advantages[::-1], 1).flatten(1, 2)
            wanted = gain + value
        rate = of["learning_rate"] * (1 - done / shape.total_steps)
        for _ in range(shape.n_epochs):
            for rows in torch.randperm(shape.rollout).split(shape.batch_size):
                if len(rows) < 2:
                    continue
                part = gain[:, rows]
                part = (part - part.mean(1, keepdim=True)) / (part.std(1, keepdim=True) + 1e-8)
                means, values = _forward(actor, seen[:, rows]), _forward(critic, seen[:, rows])[..., 0]
                ratio = (_log_density(action[:, rows], means, log_std) - density[:, rows]).exp()
                clipped = torch.max(torch.min(ratio, 1 + clip), 1 - clip)
                loss = -torch.min(part * ratio, part * clipped).mean(1)
                loss = loss + of["vf_coef"] * ((values - wanted[:, rows]) ** 2).mean(1)
                loss = loss - of["ent_coef"] * log_std.sum((1, 2))
                adam.step(torch.autograd.grad(loss.sum(), weights), rate, of["max_grad_norm"])
    with torch.no_grad():
        states, goals = arm.starts((count, _EPISODES)), arm.goals(np.random.default_rng(2**20), (_EPISODES,))
        goals = np.broadcast_to(goals, (count, _EPISODES, 3))
        for _ in range(STEPS):
            states = arm.step(states, _forward(actor, _observed(states, goals)).numpy())
    return np.nan_to_num(1000 * np.linalg.norm(states[..., :3] - goals, axis=-1).mean(1), nan=1e3)
