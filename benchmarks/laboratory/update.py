"""One update of N trainings from their rollouts, as ``stable_baselines3/ppo/ppo.py`` (2.9) does it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.laboratory.interface import Faults, Recipe
from benchmarks.laboratory.learner import Batch, Learner, Progress, Sums
from benchmarks.laboratory.networks import Activation, Layout, Parts, backward, forward

# Of Adam, as in PyTorch.
_BETAS = (0.9, 0.999)
_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
# Trainings that have done their epochs are left out of the next ones where at least this share of the others is saved.
_WORTH_LEAVING_OUT = 0.1


@torch.no_grad()
def update(
    learner: Learner,
    batch: Batch,
    recipe: Recipe,
    faults: Faults,
    progress: Progress,
    alive: Tensor,
    generator: torch.Generator,
    orders: list[Tensor] | None = None,
) -> tuple[Sums, Tensor]:
    """Train all networks on their rollouts.

    Args:
        learner: Changed in place.
        batch: The rollouts.
        recipe: Settings.
        faults: Put in.
        progress: Learning rate and clip range now.
        alive: Trainings that have not ended, bool ``(N,)``; the others are left as they are.
        generator: For the order of samples (one order for all trainings) and for faults.
        orders: The order of samples in each epoch instead, ``(M,)`` each.

    Returns:
        What SB3 would log, and which trainings go on: one whose policy turns NaN ends, as SB3 raises.
    """
    n, samples = batch.log_probs.shape
    sums, alive, going = Sums(n), alive.clone(), alive & (recipe.n_epochs > 0)
    packed = batch.packed()
    for epoch in range(int(recipe.n_epochs.max())):
        going = going & alive & (recipe.n_epochs > epoch)
        if not going.any():
            break
        order = orders[epoch] if orders else torch.randperm(samples, generator=generator)
        which = torch.nonzero(going).flatten()
        whole = len(which) == n
        if whole:
            part = _Part(learner, recipe, faults, progress)
            ended, stopped = part.epoch(packed, order, sums, None, generator)
        else:
            some = learner.only(which)
            part = _Part(some, recipe.only(which), faults.only(which), _only(progress, which))
            ended, stopped = part.epoch(packed[which], order, sums, which, generator)
            learner.put(which, some)
        alive[which] &= ~ended
        going[which] &= ~stopped
    return sums, alive


def _only(progress: Progress, which: Tensor) -> Progress:
    return replace(progress, learning_rate=progress.learning_rate[which], clip_range=progress.clip_range[which])


class _Part:
    """Trainings that make an epoch together."""

    def __init__(self, learner: Learner, recipe: Recipe, faults: Faults, progress: Progress) -> None:
        self.learner, self.recipe, self.faults, self.progress = learner, recipe, faults, progress
        self.n = len(learner.steps)
        self.parts = Parts(learner.layout, learner.rows)
        self.gradients = torch.zeros_like(learner.rows)
        self.to = Parts(learner.layout, self.gradients)
        self.activation = Activation(recipe.relu)
        self.kept = kept_shares(learner.layout, faults)
        self.low, self.high = 1 - progress.clip_range[:, None], 1 + progress.clip_range[:, None]
        self.max_norm = recipe.max_grad_norm
        self.present = faults.present()
        self.sgd = bool(recipe.sgd.any())

    def epoch(
        self, packed: Tensor, order: Tensor, sums: Sums, which: Tensor | None, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Make one pass; return which trainings ended (NaN) and which stopped (target_kl)."""
        size = self.recipe.shapes.batch_size
        shuffled = packed.index_select(1, order)
        observed = shuffled[:, :, : self.learner.layout.observation_size].repeat(2, 1, 1)
        fresh = _Epoch(self.n)
        limited = bool(torch.isfinite(self.recipe.target_kl).any())
        repeated = "minibatch_repeated" in self.present
        for start in range(0, len(order), size):
            end = min(start + size, len(order))
            rows, inputs = shuffled[:, start:end], observed[:, start:end]
            if repeated:
                again = torch.rand(self.n, generator=generator) < self.faults.minibatch_repeated
                rows = torch.where(again[:, None, None], packed[:, : end - start], rows)
                inputs = rows[:, :, : self.learner.layout.observation_size].repeat(2, 1, 1)
            self._minibatch(rows, inputs, fresh, limited, generator)
            if fresh.out is not None and fresh.out.all():
                break
        fresh.restore(self.learner)
        fresh.add_to(sums, which)
        return fresh.ended, fresh.stopped

    def _minibatch(
        self, rows: Tensor, inputs: Tensor, fresh: _Epoch, limited: bool, generator: torch.Generator
    ) -> None:
        layout, recipe, faults = self.learner.layout, self.recipe, self.faults
        count = rows.shape[1]
        masks = self._dropout(count, generator) if "dropout" in self.present else None
        layers = forward(self.parts, self.activation, inputs, masks)
        out, values = self.parts.outputs(layers[-1])
        actions, (old, advantages, returns) = rows[:, :, layout.observation_size : -3], rows[:, :, -3:].unbind(2)
        head = Head(layout, out, self.parts.log_std, actions)
        broken = torch.isnan(head.log_prob).any(1) | head.invalid
        if count > 1:
            centred = advantages - advantages.mean(1, keepdim=True)
            normal = centred / (advantages.std(1, keepdim=True) + 1e-8)
            advantages = torch.where(recipe.normalize_advantage[:, None] > 0, normal, advantages)
        log_ratio = head.log_prob - old
        true_ratio = log_ratio.exp()
        sign: Any = 1.0
        ratio = true_ratio
        if "ratio_inverted" in self.present:
            wrong = (torch.rand(self.n, generator=generator) < faults.ratio_inverted)[:, None]
            ratio, sign = torch.where(wrong, (-log_ratio).exp(), ratio), torch.where(wrong, -1.0, 1.0)
        bounded = torch.minimum(torch.maximum(ratio, self.low), self.high)
        plain, clipped = advantages * ratio, advantages * bounded
        gains, losses = advantages > 0, advantages < 0
        objective = torch.minimum(plain, clipped)
        flat = (gains & (ratio > self.high)) | (losses & (ratio < self.low))
        if "objective_max" in self.present:
            wrong = (torch.rand(self.n, generator=generator) < faults.objective_max)[:, None]
            objective = torch.where(wrong, torch.maximum(plain, clipped), objective)
            flat = torch.where(wrong, (gains & (ratio < self.low)) | (losses & (ratio > self.high)), flat)
        policy_loss = -objective.mean(1)
        error = values - returns
        value_loss = error.square().mean(1)
        entropy_loss = -head.entropy.mean(1)
        critic_weight = recipe.vf_coef
        if "value_sign" in self.present:
            wrong = torch.rand(self.n, generator=generator) < faults.value_sign
            critic_weight = torch.where(wrong, -critic_weight, critic_weight)
        loss = policy_loss + recipe.ent_coef * entropy_loss + critic_weight * value_loss
        kl = ((true_ratio - 1) - log_ratio).mean(1)
        clip_fraction = ((ratio - 1).abs() > self.progress.clip_range[:, None]).float().mean(1)
        stop = kl > 1.5 * recipe.target_kl if limited else torch.zeros_like(broken)
        fresh.note(self.learner, broken, stop, [entropy_loss, policy_loss, value_loss, clip_fraction, kl, loss])
        # d loss / d log_prob: PyTorch's min shares the gradient on ties, which adds up to the whole of it.
        slope = -(advantages * ratio).masked_fill(flat, 0.0) * sign / count
        policy_gradient = head.gradient(slope, recipe.ent_coef, self.to)
        value_gradient = (2 * critic_weight / count)[:, None] * error
        backward(self.parts, self.activation, inputs, layers, self.to, policy_gradient, value_gradient, masks)
        self._step()

    def _dropout(self, count: int, generator: torch.Generator) -> list[Tensor]:
        keep = (1 - self.faults.dropout).repeat(2)[:, None, None]
        shapes = [(2 * self.n, count, width) for width in self.learner.layout.net_arch]
        return [(torch.rand(shape, generator=generator) < keep) / keep for shape in shapes]

    def _step(self) -> None:
        """Clip each training's gradient, and make a step of Adam or SGD."""
        learner, gradients, recipe = self.learner, self.gradients, self.recipe
        squares = gradients.square() if self.kept is None else gradients.square() * (self.kept > 0)
        norm = squares.sum(1).view(2, -1).sum(0).sqrt()
        gradients.mul_((self.max_norm / (norm + 1e-6)).clamp(max=1.0).repeat(2)[:, None])
        learner.steps += 1
        learner.first.lerp_(gradients, 1 - _BETAS[0])
        learner.second.mul_(_BETAS[1]).addcmul_(gradients, gradients, value=1 - _BETAS[1])
        first_correction = 1 - _BETAS[0] ** learner.steps.double()
        second_correction = (1 - _BETAS[1] ** learner.steps.double()).sqrt()
        # lr / c1 * m / (sqrt(v) / c2 + eps), with c2 taken out of the fraction.
        size = (self.progress.learning_rate * second_correction / first_correction).float().repeat(2)[:, None]
        least = (recipe.adam_eps * second_correction).float().repeat(2)[:, None]
        change = learner.second.sqrt().add_(least)
        torch.div(learner.first, change, out=change)
        change.mul_(size)
        if self.sgd:
            plain = self.progress.learning_rate.repeat(2)[:, None] * gradients
            change = torch.where(recipe.sgd.repeat(2)[:, None] > 0, plain, change)
        if self.kept is not None:
            change.mul_(self.kept)
        learner.rows.sub_(change)


class _Epoch:
    """Means of one epoch, and the trainings that left it before its end."""

    def __init__(self, n: int) -> None:
        self.totals = torch.zeros(5, n)
        self.minibatches = torch.zeros(n)
        self.loss = torch.full((n,), math.nan)
        self.ended, self.stopped = torch.zeros(n, dtype=torch.bool), torch.zeros(n, dtype=torch.bool)
        self.out: Tensor | None = None
        self._left: list[tuple[Tensor, Learner]] = []

    def note(self, learner: Learner, broken: Tensor, stop: Tensor, values: list[Tensor]) -> None:
        """Count a minibatch before its step; keep the networks of trainings that leave here."""
        new = broken | stop
        counts = ~broken if self.out is None else ~(broken | self.out)
        if counts.all():
            self.totals += torch.stack(values[:5])
            self.minibatches += 1
            self.loss = values[5]
        else:
            self.totals += torch.where(counts, torch.stack(values[:5]), 0.0)
            self.minibatches += counts
            self.loss = torch.where(counts, values[5], self.loss)
        if not new.any():
            return
        out = torch.zeros_like(new) if self.out is None else self.out
        leaving = torch.nonzero(new & ~out).flatten()
        if len(leaving):
            self._left.append((leaving, learner.only(leaving)))
        self.ended |= broken & ~out
        self.stopped |= stop & ~broken & ~out
        self.out = out | new

    def restore(self, learner: Learner) -> None:
        """Put the networks back that were computed on after their training had left."""
        for which, kept in self._left:
            learner.put(which, kept)

    def add_to(self, sums: Sums, which: Tensor | None) -> None:
        """Add this epoch to the sums of the update; the KL divergence is that of the last epoch alone."""
        chosen = slice(None) if which is None else which
        entropy, policy, value, clipped, kl = self.totals
        sums.entropy_loss[chosen] += entropy
        sums.policy_loss[chosen] += policy
        sums.value_loss[chosen] += value
        sums.clip_fraction[chosen] += clipped
        sums.minibatches[chosen] += self.minibatches
        sums.kl[chosen], sums.kl_minibatches[chosen], sums.loss[chosen] = kl, self.minibatches, self.loss


class Head:
    """The distribution of actions: log-probabilities, entropy and their gradients."""

    def __init__(self, layout: Layout, out: Tensor, log_std: Tensor | None, actions: Tensor) -> None:
        self.log_std = log_std
        if log_std is None:
            self.logs = torch.log_softmax(out, 2)
            self.probs = self.logs.exp()
            self.chosen = actions.long()
            self.log_prob = self.logs.gather(2, self.chosen).squeeze(2)
            self.entropy = -(self.probs * self.logs).sum(2)
            self.invalid = torch.zeros(len(out), dtype=torch.bool)
            return
        std = log_std.exp()[:, None]
        self.std = std
        self.score = (actions - out) / std
        constant = (log_std.sum(1) + layout.action_size * _HALF_LOG_TAU)[:, None]
        self.log_prob = -0.5 * self.score.square().sum(2) - constant
        self.entropy = (constant + 0.5 * layout.action_size).expand_as(self.log_prob)
        # What makes SB3's Normal raise: a standard deviation that is not above 0.
        self.invalid = ~(std > 0).all(2).squeeze(1)

    def gradient(self, slope: Tensor, ent_coef: Tensor, to: Parts) -> Tensor:
        """Return the gradient of means or logits; that of ``log_std`` goes to ``to``.

        Args:
            slope: Of the loss with respect to each log-probability, ``(N, B)``.
            ent_coef: Weight of minus the mean entropy in the loss.
            to: Gradients.
        """
        if self.log_std is None or to.log_std is None:
            gradient = self.probs * -slope.unsqueeze(2)
            gradient.scatter_add_(2, self.chosen, slope.unsqueeze(2))
            if bool((ent_coef != 0).any()):
                weight = (ent_coef / slope.shape[1])[:, None, None]
                gradient += weight * self.probs * (self.logs + self.entropy.unsqueeze(2))
            return gradient
        to.log_std.copy_((slope.unsqueeze(2) * (self.score.square() - 1)).sum(1) - ent_coef[:, None])
        return slope.unsqueeze(2) * self.score / self.std


def kept_shares(layout: Layout, faults: Faults) -> Tensor | None:
    """Return by what each step of each weight is multiplied, ``(2N, size)``; ``None`` where nothing is frozen."""
    if not any(faults.has(name) for name in ("policy_frozen", "critic_frozen", "std_frozen", "last_layer_only")):
        return None
    n = faults.count
    kept = torch.ones(2 * n, layout.size)
    kept[:n] *= (1 - faults.policy_frozen)[:, None]
    kept[n:] *= (1 - faults.critic_frozen)[:, None]
    kept[:n, : layout.head] *= (1 - faults.last_layer_only)[:, None]
    if not layout.discrete:
        kept[:n, layout.log_std :] *= (1 - faults.std_frozen)[:, None]
    return kept
