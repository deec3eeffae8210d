"""A fast path through SB3's policy: the same operations on the same tensors, so the same numbers to the last bit.

Half of a small policy's time in training is not arithmetic but calls: modules within modules, a distribution object
with its checks for every step. For the policy that most PPO trainings use (vectors in, two separate networks of tanh
layers, a Gaussian with one standard deviation per action) this module does only the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy, MultiInputActorCriticPolicy
from stable_baselines3.common.torch_layers import CombinedExtractor, FlattenExtractor, MlpExtractor
from torch import Tensor, nn
from torch.nn.functional import linear

# As torch.distributions.Normal computes them.
_LOG_SQRT_TAU = math.log(math.sqrt(2 * math.pi))
_ENTROPY_OF_UNIT = 0.5 + 0.5 * math.log(2 * math.pi)
_KINDS = (ActorCriticPolicy, MultiInputActorCriticPolicy)


def use_fast_policy(policy: BasePolicy) -> bool:
    """Make ``policy`` choose and evaluate actions by the fast path; only this object is changed, none of its tensors.

    Returns:
        Whether it was done; policies of another kind keep SB3's own path.
    """
    if not isinstance(policy, ActorCriticPolicy) or type(policy) not in _KINDS or not _is_plain(policy):
        return False
    flatten = flattener(policy.observation_space)
    actor, critic = _layers(policy.mlp_extractor.policy_net), _layers(policy.mlp_extractor.value_net)
    if flatten is None or actor is None or critic is None:
        return False
    action_net, value_net, log_std = policy.action_net, policy.value_net, policy.log_std
    assert isinstance(action_net, nn.Linear)
    assert isinstance(value_net, nn.Linear)
    shape = policy.action_space.shape
    assert shape is not None

    def compute(observations: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Return values ``(n, 1)``, means ``(n, actions)`` and standard deviations of the same shape."""
        seen = flatten(observations)
        means = linear(_tanh(seen, actor), action_net.weight, action_net.bias)
        values = linear(_tanh(seen, critic), value_net.weight, value_net.bias)
        deviations = torch.ones_like(means) * log_std.exp()
        if not (torch.isfinite(means).all() and (deviations > 0).all()):
            # SB3's distribution refuses these with a message that people search for.
            torch.distributions.Normal(means, deviations)
        return values, means, deviations

    def forward(observations: Any, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        values, means, deviations = compute(observations)
        actions = means if deterministic else means + torch.empty_like(means).normal_() * deviations
        return actions.reshape((-1, *shape)), values, _log_probability(actions, means, deviations)

    def evaluate_actions(observations: Any, actions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        values, means, deviations = compute(observations)
        log_probability = _log_probability(actions, means, deviations)
        entropy = (_ENTROPY_OF_UNIT + torch.log(deviations)).sum(dim=1)
        return values, log_probability, entropy

    policy.forward = forward  # type: ignore[method-assign, assignment]
    policy.evaluate_actions = evaluate_actions  # type: ignore[method-assign, assignment]
    return True


def _is_plain(policy: ActorCriticPolicy) -> bool:
    return (
        type(policy.action_dist) is DiagGaussianDistribution
        and type(policy.mlp_extractor) is MlpExtractor
        and type(policy.features_extractor) in (FlattenExtractor, CombinedExtractor)
        and policy.share_features_extractor
        and not policy.use_sde
    )


def flattener(space: spaces.Space[Any]) -> Callable[[Any], Tensor] | None:
    """Return a function from a batch of observations to one of vectors, as SB3's preprocessing and extractors do."""

    def flat(space: spaces.Space[Any]) -> bool:
        return isinstance(space, spaces.Box) and len(space.shape) == 1

    if flat(space):
        return lambda observations: observations.float()
    if isinstance(space, spaces.Dict) and all(flat(part) for part in space.spaces.values()):
        keys = tuple(space.spaces)
        return lambda observations: torch.cat([observations[key].float() for key in keys], dim=1)
    return None


def _layers(network: nn.Sequential) -> list[nn.Linear] | None:
    """Return the linear layers of a network if each is followed by a tanh, ``None`` for any other network."""
    linears, between = list(network)[::2], list(network)[1::2]
    if len(linears) != len(between) or not all(type(layer) is nn.Tanh for layer in between):
        return None
    return linears if all(type(layer) is nn.Linear for layer in linears) else None  # type: ignore[return-value]


def _tanh(vectors: Tensor, layers: list[nn.Linear]) -> Tensor:
    for layer in layers:
        vectors = torch.tanh(linear(vectors, layer.weight, layer.bias))
    return vectors


def _log_probability(actions: Tensor, means: Tensor, deviations: Tensor) -> Tensor:
    """Return the log density of each row of ``actions``.

    The operations are in the order of torch.distributions.Normal: the order in which gradients are summed decides
    their last bit.
    """
    variance = deviations**2
    log_deviations = deviations.log()
    density = -((actions - means) ** 2) / (2 * variance) - log_deviations - _LOG_SQRT_TAU
    return density.sum(dim=1)
