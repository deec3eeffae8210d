"""What the doctor measures by running the networks on a sample of the rollout: before the update and after it.

Nothing here draws a random number, writes a gradient into a parameter or changes a mode: the training is not affected.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy

from rldoctor.callback.metrics import Metrics, action_effect
from rldoctor.callback.rollout import Array, Rollout

# exp() of more may overflow; the ratio is certainly wrong long before.
_LARGEST_LOG_RATIO = 20.0
_CRITIC_WORDS = ("value_net", "vf_features_extractor", "critic")
_POLICY_WORDS = ("policy_net", "action_net", "log_std", "pi_features_extractor", "actor")


@dataclass(frozen=True)
class _Learning:
    """The sample before the update, with which the effect of the update is measured; one row a sample."""

    observations: Any
    actions: torch.Tensor
    log_probs: torch.Tensor
    values: torch.Tensor
    advantages: Array
    returns: torch.Tensor


class PolicyProbe:
    """Measures one model's policy and critic.

    Args:
        model: An on-policy SB3 algorithm (PPO, A2C).
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._policy: ActorCriticPolicy = model.policy
        # By name, as of the rollout that is measured: to list them takes longer than to look at them.
        self._named: dict[str, torch.Tensor] = {}
        self._weights: dict[str, torch.Tensor] = {}
        self._learning: _Learning | None = None

    def before_update(self, rollout: Rollout) -> Metrics:
        """Measure the policy that collected ``rollout``, and remember what :meth:`after_update` compares with."""
        self._named = dict(self._policy.named_parameters())
        self._weights = self._flat_weights()
        count = sum(weights.numel() for weights in self._weights.values())
        broken = count - sum(int(torch.isfinite(weights).sum()) for weights in self._weights.values())
        metrics = {"weights_nonfinite": broken / max(1, count)}
        self._learning = None
        if broken:
            return metrics
        self._learning, metrics["first_ratio_error"] = self._remember(rollout)
        observed = self._tensors({key: rollout.rows(value) for key, value in rollout.observations.items()})
        values, log_probs, entropy = self._policy.evaluate_actions(
            observed, self._actions(rollout.rows(rollout.actions))
        )
        metrics |= self._gradients(rollout, values, log_probs, entropy)
        limit = _largest_entropy(rollout.action_space)
        if entropy is not None and limit:
            metrics["action_entropy_fraction"] = float(entropy.detach().mean()) / limit
        with torch.no_grad():
            metrics |= self._sensitivities(rollout, observed, values.detach().flatten())
        return metrics

    def after_update(self) -> Metrics:
        """Measure what the update did to the weights, to the probabilities of good actions, and to the critic."""
        if not self._weights and self._learning is None:
            return {}  # nothing was remembered: the rollout before was not measured
        before, weights = self._weights, self._flat_weights()
        learning, self._weights, self._learning = self._learning, {}, None
        metrics = _changes(before, weights)
        if learning is None or not all(torch.isfinite(part).all() for part in weights.values()):
            return metrics
        with torch.no_grad():
            values, log_probs, _ = self._policy.evaluate_actions(learning.observations, learning.actions)
        moved = (log_probs.flatten() - learning.log_probs).cpu().numpy()
        if np.ptp(moved) > 0 and np.ptp(learning.advantages) > 0:
            metrics["update_alignment"] = float(np.corrcoef(_ranks(moved), _ranks(learning.advantages))[0, 1])
        error = float(((learning.values - learning.returns) ** 2).mean())
        after = float(((values.flatten() - learning.returns) ** 2).mean())
        if error > 0:
            metrics["critic_improvement"] = max(-10.0, 1.0 - after / error)
        return metrics

    def _remember(self, rollout: Rollout) -> tuple[_Learning, float]:
        """Return the sample to measure the update with, and the largest |ratio - 1| before it."""
        chosen = rollout.wide_sample
        observed = self._tensors({key: value[chosen] for key, value in rollout.observations.items()})
        taken = self._actions(rollout.actions[chosen])
        with torch.no_grad():
            values, log_probs, _ = self._policy.evaluate_actions(observed, taken)
        log_probs = log_probs.flatten()
        log_ratio = log_probs - self._numbers(rollout.log_probs[chosen]).flatten()
        bounded = log_ratio.clamp(-_LARGEST_LOG_RATIO, _LARGEST_LOG_RATIO)
        advantages = rollout.true_advantages[chosen]
        returns = self._numbers(advantages + rollout.values[chosen])
        learning = _Learning(observed, taken, log_probs, values.flatten(), advantages, returns)
        return learning, float((bounded.exp() - 1).abs().max())

    def _gradients(
        self, rollout: Rollout, values: torch.Tensor, log_probs: torch.Tensor, entropy: torch.Tensor | None
    ) -> Metrics:
        """Measure the gradient of the loss at the update's first step, before clipping, over the sample.

        At ratio 1 the gradient of PPO's clipped objective is that of ``-advantage * log_prob`` (Schulman et al. 2017,
        section 2.2), so that one line serves PPO and A2C. SB3 averages over a minibatch, not over this sample: its
        first gradient has the same mean and more noise.
        """
        model = self._model
        weights = self._numbers(rollout.rows(rollout.advantages)).flatten()
        if getattr(model, "normalize_advantage", False) and len(weights) > 1:
            weights = (weights - weights.mean()) / (weights.std() + 1e-8)
        targets = self._numbers(rollout.rows(rollout.returns)).flatten()
        certain = -log_probs.mean() if entropy is None else entropy.mean()
        loss = (
            -(weights * log_probs.flatten()).mean()
            - model.ent_coef * certain
            + model.vf_coef * ((targets - values.flatten()) ** 2).mean()
        )
        named = [(name, weight) for name, weight in self._named.items() if weight.requires_grad]
        found = torch.autograd.grad(loss, [weight for _, weight in named], allow_unused=True)
        squares = {
            name: float((gradient**2).sum())
            for (name, _), gradient in zip(named, found, strict=True)
            if gradient is not None
        }
        total = sum(squares.values())
        metrics = {"gradient_norm": math.sqrt(total)}
        if total > 0:
            metrics["critic_gradient_share"] = math.sqrt(sum(s for n, s in squares.items() if _is_critic(n)) / total)
        return metrics

    def _sensitivities(self, rollout: Rollout, observed: Any, values: torch.Tensor) -> Metrics:
        """Measure how far action and value move when the goal, or all, is taken from another row of the sample."""
        count = len(values)
        order = torch.as_tensor(np.random.default_rng(2).permutation(count), device=values.device)
        changes = {"observation": _rows(observed, order)}
        if isinstance(observed, Mapping) and "desired_goal" in observed:
            changes["goal"] = {**observed, "desired_goal": observed["desired_goal"][order]}
        # One pass for all of them: calls cost more than rows.
        together = _stacked([observed, *changes.values()])
        centres, spreads = _centre_and_spread(self._policy.get_distribution(together))
        all_values = self._policy.predict_values(together).flatten()
        centre, spread = centres[:count], None if spreads is None else spreads[:count]
        metrics: Metrics = {}
        for i, name in enumerate(changes, start=1):
            part = slice(i * count, (i + 1) * count)
            moved = (centres[part] - centre).abs()
            # Half the sum of differences is the total variation distance of two discrete distributions.
            metrics[f"policy_{name}_sensitivity"] = (
                float((moved / spread).mean()) if spread is not None else float(0.5 * moved.sum(1).mean())
            )
            change = float((all_values[part] - all_values[:count]).abs().mean())
            metrics[f"critic_{name}_sensitivity"] = change / rollout.return_scale
        middle = centre.cpu().numpy()[rollout.paired]
        taken = _as_numbers(rollout.actions[rollout.pairs], rollout.action_space)
        if taken.shape == middle.shape:
            metrics |= action_effect(rollout, middle, taken - middle)
        return metrics

    def _flat_weights(self) -> dict[str, torch.Tensor]:
        """Return copies of the weights of the policy, of the critic and of the rest, each end to end."""
        parts: dict[str, list[torch.Tensor]] = {}
        for name, weight in self._named.items():
            part = "critic" if _is_critic(name) else "policy" if any(word in name for word in _POLICY_WORDS) else "rest"
            parts.setdefault(part, []).append(weight.detach().flatten())
        return {part: torch.cat(weights) for part, weights in parts.items()}

    def _tensors(self, observations: Mapping[str, Array]) -> Any:
        tensors = {key: torch.as_tensor(value, device=self._policy.device) for key, value in observations.items()}
        return tensors.get("", tensors)

    def _actions(self, actions: Array) -> torch.Tensor:
        # As SB3's buffers and train() pass them.
        tensor = torch.as_tensor(actions.astype(np.float32), device=self._policy.device)
        return tensor.long().flatten() if isinstance(self._model.action_space, gymnasium.spaces.Discrete) else tensor

    def _numbers(self, values: Array) -> torch.Tensor:
        return torch.as_tensor(values.astype(np.float32), device=self._policy.device)


def can_probe(model: Any) -> bool:
    """Return whether the stored data is all that the policy needs: neither action masks nor recurrent states."""
    buffer = model.rollout_buffer
    return isinstance(model.policy, ActorCriticPolicy) and not any(
        hasattr(buffer, name) for name in ("action_masks", "hidden_states_pi")
    )


def _changes(before: Mapping[str, torch.Tensor], after: Mapping[str, torch.Tensor]) -> Metrics:
    """Return how far the weights of the policy and of the critic moved, as a share of their size."""
    sizes = {part: float(before[part].norm()) for part in ("policy", "critic") if part in before}
    return {
        f"{part}_weight_change": float((after[part] - before[part]).norm()) / size
        for part, size in sizes.items()
        if size > 0
    }


def _is_critic(name: str) -> bool:
    return any(word in name for word in _CRITIC_WORDS)


def _ranks(values: Array) -> Array:
    ranks = np.empty(len(values))
    ranks[np.argsort(values)] = np.arange(len(values))
    return ranks


def _rows(observed: Any, order: torch.Tensor) -> Any:
    if isinstance(observed, Mapping):
        return {key: value[order] for key, value in observed.items()}
    return observed[order]


def _stacked(parts: Sequence[Any]) -> Any:
    if isinstance(parts[0], Mapping):
        return {key: torch.cat([part[key] for part in parts]) for key in parts[0]}
    return torch.cat(list(parts))


def _centre_and_spread(distribution: Distribution) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return mean and standard deviation of a Gaussian policy, or the probabilities of a discrete one and ``None``."""
    inner: Any = distribution.distribution
    if isinstance(inner, list):
        return torch.cat([part.probs for part in inner], dim=1), None
    if isinstance(inner, torch.distributions.Normal):
        return inner.mean.clone(), inner.stddev.clone()
    return inner.probs.clone(), None


def _largest_entropy(space: gymnasium.Space[Any]) -> float:
    """Return the entropy of the uniform distribution on a discrete space in nats; 0 for a continuous one."""
    if isinstance(space, gymnasium.spaces.Discrete):
        return math.log(int(space.n))
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return float(np.sum(np.log(space.nvec)))
    if isinstance(space, gymnasium.spaces.MultiBinary):
        return float(np.prod(space.shape)) * math.log(2)
    return 0.0


def _as_numbers(actions: Array, space: gymnasium.Space[Any]) -> Array:
    """Return actions as rows of numbers: discrete ones as one-hot, shape ``(n, k)``."""
    if isinstance(space, gymnasium.spaces.Discrete):
        one_hot: Array = np.eye(int(space.n))[actions.reshape(-1).astype(int)]
        return one_hot
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        columns = actions.reshape(len(actions), -1).astype(int)
        return np.concatenate([np.eye(int(n))[columns[:, i]] for i, n in enumerate(space.nvec.flatten())], axis=1)
    return actions.reshape(len(actions), -1)
