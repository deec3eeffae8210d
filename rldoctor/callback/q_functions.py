"""One way to ask any off-policy algorithm of Stable-Baselines3 and sb3-contrib for its values and its policy.

Nothing here draws from the training's random numbers, changes a weight or a mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch

from rldoctor.callback.rollout import Array, Observations
from rldoctor.model import FloatArray

# Parts of one network that hold no weights, or statistics that a target network takes over otherwise.
_CRITICS = ("critic", "q_net", "quantile_net")


@dataclass(frozen=True)
class Chosen:
    """What the policy would do, without exploration.

    Attributes:
        values: The values of these actions, shape ``(n,)``.
        actions: The actions, as the replay buffer stores them, shape ``(n, action_dim)``.
        entropy: Mean of -log of the policy's density, in nats; ``None`` for a deterministic one.
    """

    values: FloatArray
    actions: Array
    entropy: float | None = None


class QFunctions:
    """The critic, its target and the policy of one model.

    Args:
        model: DQN, QR-DQN, SAC, TD3, DDPG, TQC or CrossQ, or what is built like one of these.

    Raises:
        TypeError: It is not.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        name = next((name for name in _CRITICS if isinstance(getattr(model, name, None), torch.nn.Module)), "")
        if not name:
            raise TypeError(f"{type(model).__name__} has no critic that is known")
        self.critic: torch.nn.Module = getattr(model, name)
        target = getattr(model, f"{name}_target", None)
        self.target: torch.nn.Module | None = target if isinstance(target, torch.nn.Module) else None
        self.actor: Any = getattr(model, "actor", None)
        self.discrete = isinstance(model.action_space, gymnasium.spaces.Discrete)

    def values(self, observed: Observations, actions: Array, target: bool = False) -> FloatArray:
        """Return the values of actions as the buffer stores them, shape ``(n,)``: what the update bootstraps from."""
        network = self.target if target and self.target is not None else self.critic
        with self._undisturbed():
            return self._values(network, self._tensors(observed), self._tensor(actions))

    def chosen(self, observed: Observations) -> Chosen:
        """Return what the policy would do after some observations."""
        with self._undisturbed():
            seen = self._tensors(observed)
            if self.discrete:
                every = self._every_action(self.critic, seen)
                best = every.argmax(1, keepdim=True)
                return Chosen(_numbers(every.gather(1, best)), best.cpu().numpy())
            assert self.actor is not None
            if hasattr(self.actor, "action_log_prob"):
                sampled, log_prob = self.actor.action_log_prob(seen)
                entropy = float(-log_prob.mean())
                return Chosen(self._values(self.critic, seen, sampled), self.actor(seen, True).cpu().numpy(), entropy)
            actions = self.actor(seen)
            return Chosen(self._values(self.critic, seen, actions), actions.cpu().numpy())

    def _values(self, network: torch.nn.Module, seen: Any, actions: torch.Tensor) -> FloatArray:
        if self.discrete:
            return _numbers(self._every_action(network, seen).gather(1, actions.long()))
        found = network(seen, actions.float())
        if isinstance(found, torch.Tensor):
            # TQC: all quantiles of all critics, the highest of which it drops.
            quantiles, _ = found.reshape(len(found), -1).sort(dim=1)
            dropped = getattr(self._model, "top_quantiles_to_drop_per_net", 0) * getattr(network, "n_critics", 1)
            return _numbers(quantiles[:, : quantiles.shape[1] - dropped].mean(1))
        return _numbers(torch.cat(tuple(found), dim=1).min(dim=1).values)

    def _every_action(self, network: torch.nn.Module, seen: Any) -> torch.Tensor:
        found: torch.Tensor = network(seen)
        return found.mean(1) if found.dim() == 3 else found

    def _tensors(self, observed: Observations) -> Any:
        tensors = {key: torch.as_tensor(value, device=self._model.device) for key, value in observed.items()}
        return tensors.get("", tensors) if len(tensors) == 1 else tensors

    def _tensor(self, actions: Array) -> torch.Tensor:
        return torch.as_tensor(actions, device=self._model.device)

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Draw from random numbers of our own, and leave modes and gradients as they are."""
        device = torch.device(self._model.device)
        devices = [device.index or 0] if device.type == "cuda" else []
        training = self._model.policy.training
        with torch.no_grad(), torch.random.fork_rng(devices):
            torch.manual_seed(0)
            self._model.policy.set_training_mode(False)
            try:
                yield
            finally:
                self._model.policy.set_training_mode(training)


def weights_of(network: torch.nn.Module) -> torch.Tensor:
    """Return a copy of all weights of a network in one row."""
    parts = [weight.detach().reshape(-1) for weight in network.parameters()]
    return torch.cat(parts).clone() if parts else torch.zeros(0)


def rows_of(observed: Observations, chosen: Any) -> Observations:
    """Return some rows of observations."""
    return {key: value[chosen] for key, value in observed.items()}


def joined(parts: list[Observations]) -> Observations:
    """Return observations one after the other."""
    keys: Mapping[str, Array] = parts[0]
    return {key: np.concatenate([part[key] for part in parts]) for key in keys}


def _numbers(values: torch.Tensor) -> FloatArray:
    return values.reshape(-1).cpu().numpy().astype(np.float64)
