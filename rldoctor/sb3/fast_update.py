"""A fast path through SB3's off-policy updates: the same losses on the same batches, in fewer calls.

Most of the time of an update of a small network is not arithmetic but calls: modules within modules, distribution
objects, one optimizer step for each tensor, gradients of the critic that the actor's loss does not need. For plain
networks (vectors in, layers of ReLU, Adam) this module does only what counts. Adam's fused step rounds in another
order, so that a training is not the same to the last bit; what it learns is (docs/off-policy.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import torch
from stable_baselines3 import DDPG, DQN, SAC, TD3
from stable_baselines3.common.torch_layers import CombinedExtractor, FlattenExtractor
from torch import Tensor, nn
from torch.nn.functional import linear, mse_loss, smooth_l1_loss

from rldoctor.sb3.fast_policy import flattener
from rldoctor.sb3.fast_sampling import Batch, Sampler, sampler

# As SB3's actor of SAC and its squashed Gaussian (sac/policies.py, common/distributions.py).
_LOG_STD_MIN, _LOG_STD_MAX, _EPSILON = -20.0, 2.0, 1e-6
_LOG_SQRT_TAU = math.log(math.sqrt(2 * math.pi))

Losses = dict[str, list[float]]
Update = Callable[[int, int], Losses]
Layers = Sequence[nn.Linear]


def use_fast_update(model: Any) -> bool:
    """Make ``model`` update by the fast path; only this object is changed.

    Returns:
        Whether it was done; models of another kind keep SB3's own path.
    """
    flatten = flattener(model.observation_space)
    update_of = _UPDATES.get(type(model))
    if flatten is None or update_of is None or not _is_plain(model):
        return False
    update, *optimizers = update_of(model, sampler(model.replay_buffer, flatten))

    def train(gradient_steps: int, batch_size: int) -> None:
        model.policy.set_training_mode(True)
        model._update_learning_rate(optimizers)
        losses = update(gradient_steps, batch_size)
        model.logger.record("train/n_updates", model._n_updates, exclude="tensorboard")
        for name, values in losses.items():
            if values:
                model.logger.record(f"train/{name}", np.mean(values))

    model.train = train
    return True


def _is_plain(model: Any) -> bool:
    """Return whether all networks are layers with ReLU behind observations as they are, and are trained by Adam."""
    modules = list(model.policy.modules())
    optimizers = [optimizer for module in modules if (optimizer := getattr(module, "optimizer", None)) is not None]
    extractors = [found for module in modules if (found := getattr(module, "features_extractor", None)) is not None]
    networks = [module for module in modules if type(module) is nn.Sequential and len(module)]
    return (
        not getattr(model, "use_sde", False)
        and model._vec_normalize_env is None
        and model.device.type == "cpu"
        and type(model.policy).__module__.startswith("stable_baselines3.")
        and model.policy.activation_fn is nn.ReLU
        and all(map(_is_plain_adam, optimizers))
        and all(type(extractor) in (FlattenExtractor, CombinedExtractor) for extractor in extractors)
        and all(type(layer) in (nn.Linear, nn.ReLU, nn.Tanh, nn.Flatten) for network in networks for layer in network)
    )


class _Adam:
    """An optimizer of PyTorch, stepped by its fused kernel at once: its own ``step`` groups its tensors anew each time.

    What it holds is the optimizer's own state, so that a checkpoint has it.
    """

    def __init__(self, optimizer: torch.optim.Adam) -> None:
        self._group = optimizer.param_groups[0]
        self._weights: list[Tensor] = self._group["params"]
        for weight in self._weights:
            if not optimizer.state[weight]:
                zeros = {"exp_avg": torch.zeros_like(weight), "exp_avg_sq": torch.zeros_like(weight)}
                optimizer.state[weight] = {"step": torch.tensor(0.0), **zeros}
        states = [optimizer.state[weight] for weight in self._weights]
        self._steps, self._means, self._squares = (
            [state[key] for state in states] for key in ("step", "exp_avg", "exp_avg_sq")
        )

    def descend(self, loss: Tensor, most: float = math.inf) -> float:
        """Take one step down the gradient of ``loss``, of at most that norm; return the loss."""
        for weight in self._weights:
            weight.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        if math.isfinite(most):
            nn.utils.clip_grad_norm_(self._weights, most)
        self.step([weight.grad for weight in self._weights if weight.grad is not None])
        return loss.item()

    @torch.no_grad()
    def step(self, gradients: list[Tensor]) -> None:
        """Take one step."""
        torch._foreach_add_(self._steps, 1)
        beta1, beta2 = self._group["betas"]
        torch._fused_adam_(
            self._weights,
            gradients,
            self._means,
            self._squares,
            [],
            self._steps,
            lr=self._group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=self._group["weight_decay"],
            eps=self._group["eps"],
            amsgrad=False,
            maximize=False,
        )


def _is_plain_adam(optimizer: Any) -> bool:
    """Return whether an optimizer is Adam with one group of weights and no variant."""
    if type(optimizer) is not torch.optim.Adam:
        return False
    first, *others = optimizer.param_groups
    return not (others or first["amsgrad"] or first["maximize"])


def _sac(model: Any, sample: Sampler) -> tuple[Any, ...]:
    """Return SAC's update (sac.py) and its optimizers."""
    body, mean, log_std = _linears(model.actor.latent_pi), model.actor.mu, model.actor.log_std
    critics, targets = _critics(model.critic), _critics(model.critic_target)
    online, slow = list(model.critic.parameters()), list(model.critic_target.parameters())
    actor, critic, temperature = _Adam(model.actor.optimizer), _Adam(model.critic.optimizer), None
    if model.ent_coef_optimizer is not None:
        temperature = _Adam(model.ent_coef_optimizer)

    def act(observations: Tensor) -> tuple[Tensor, Tensor]:
        """Return actions and their log density, shape ``(n, 1)``."""
        latent = torch.relu(_forward(observations, body))
        means = linear(latent, mean.weight, mean.bias)
        log_stds = linear(latent, log_std.weight, log_std.bias).clamp(_LOG_STD_MIN, _LOG_STD_MAX)
        stds = log_stds.exp()
        if not torch.isfinite(means).all():
            # SB3's distribution refuses these with a message that people search for.
            torch.distributions.Normal(means, stds)
        noise = torch.empty_like(means).normal_()
        actions = torch.tanh(means + noise * stds)
        # (gaussian - mean) / std is the noise itself.
        density = -0.5 * noise**2 - log_stds - _LOG_SQRT_TAU - torch.log(1 - actions**2 + _EPSILON)
        return actions, density.sum(dim=1, keepdim=True)

    def update(steps: int, size: int) -> Losses:
        losses: Losses = {"ent_coef": [], "actor_loss": [], "critic_loss": [], "ent_coef_loss": []}
        for step in range(steps):
            batch = sample(size)
            actions, density = act(batch.observations)
            alpha = float(model.ent_coef_tensor if temperature is None else model.log_ent_coef.detach().exp())
            losses["ent_coef"].append(alpha)
            if temperature is not None:
                # The gradient of -(log_ent_coef * (density + target_entropy)).mean().
                slope = -(density.detach().mean() + model.target_entropy)
                losses["ent_coef_loss"].append(float(model.log_ent_coef.detach() * slope))
                temperature.step([slope.reshape(1)])
            with torch.no_grad():
                following, their_density = act(batch.next_observations)
                value = _least(targets, batch.next_observations, following) - alpha * their_density
                wanted = _bootstrapped(batch, value, model.gamma)
            losses["critic_loss"].append(_fit(critic, critics, batch, wanted, 0.5))
            actor_loss = (alpha * density - _least(critics, batch.observations, actions, frozen=True)).mean()
            losses["actor_loss"].append(actor.descend(actor_loss))
            if step % model.target_update_interval == 0:
                _follow(slow, online, model.tau)
        model._n_updates += steps
        return losses

    optimizers = [model.actor.optimizer, model.critic.optimizer, model.ent_coef_optimizer]
    return update, *[optimizer for optimizer in optimizers if optimizer is not None]


def _td3(model: Any, sample: Sampler) -> tuple[Any, ...]:
    """Return TD3's update (td3.py), which is DDPG's too, and its optimizers."""
    policy, slow_policy = _linears(model.actor.mu), _linears(model.actor_target.mu)
    critics, targets = _critics(model.critic), _critics(model.critic_target)
    online = [*model.critic.parameters(), *model.actor.parameters()]
    slow = [*model.critic_target.parameters(), *model.actor_target.parameters()]
    actor, critic = _Adam(model.actor.optimizer), _Adam(model.critic.optimizer)

    def update(steps: int, size: int) -> Losses:
        losses: Losses = {"actor_loss": [], "critic_loss": []}
        for _ in range(steps):
            model._n_updates += 1
            batch = sample(size)
            with torch.no_grad():
                noise = torch.empty_like(batch.actions).normal_(0, model.target_policy_noise)
                noise.clamp_(-model.target_noise_clip, model.target_noise_clip)
                following = (torch.tanh(_forward(batch.next_observations, slow_policy)) + noise).clamp_(-1, 1)
                value = _least(targets, batch.next_observations, following)
                wanted = _bootstrapped(batch, value, model.gamma)
            losses["critic_loss"].append(_fit(critic, critics, batch, wanted, 1.0))
            if model._n_updates % model.policy_delay == 0:
                actions = torch.tanh(_forward(batch.observations, policy))
                loss = -_least(critics[:1], batch.observations, actions, frozen=True).mean()
                losses["actor_loss"].append(actor.descend(loss))
                _follow(slow, online, model.tau)
        return losses

    return update, model.actor.optimizer, model.critic.optimizer


def _dqn(model: Any, sample: Sampler) -> tuple[Any, ...]:
    """Return DQN's update (dqn.py) and its optimizer."""
    network, target = _linears(model.q_net.q_net), _linears(model.q_net_target.q_net)
    optimizer = _Adam(model.policy.optimizer)

    def update(steps: int, size: int) -> Losses:
        losses: Losses = {"loss": []}
        for _ in range(steps):
            batch = sample(size)
            with torch.no_grad():
                value = _forward(batch.next_observations, target).amax(dim=1, keepdim=True)
                wanted = _bootstrapped(batch, value, model.gamma)
            values = _forward(batch.observations, network).gather(1, batch.actions.long())
            loss = smooth_l1_loss(values, wanted)
            losses["loss"].append(optimizer.descend(loss, model.max_grad_norm))
        model._n_updates += steps
        return losses

    return update, model.policy.optimizer


_UPDATES: Mapping[type, Callable[[Any, Sampler], tuple[Any, ...]]] = {SAC: _sac, TD3: _td3, DDPG: _td3, DQN: _dqn}


def _linears(network: nn.Sequential) -> Layers:
    return [layer for layer in network if isinstance(layer, nn.Linear)]


def _critics(critic: Any) -> list[Layers]:
    return [_linears(network) for network in critic.q_networks]


def _forward(vectors: Tensor, layers: Layers, frozen: bool = False) -> Tensor:
    """Return the output of the last of ``layers``, with ReLU after the others.

    ``frozen`` weights get no gradient, only the vectors do.
    """
    last = len(layers) - 1
    for place, layer in enumerate(layers):
        weight, bias = (layer.weight.detach(), layer.bias.detach()) if frozen else (layer.weight, layer.bias)
        vectors = linear(vectors, weight, bias)
        if place < last:
            vectors = torch.relu_(vectors)
    return vectors


def _least(critics: Sequence[Layers], observations: Tensor, actions: Tensor, frozen: bool = False) -> Tensor:
    """Return the least value that any critic gives, shape ``(n, 1)``."""
    seen = torch.cat([observations, actions], dim=1)
    return reduce(torch.minimum, [_forward(seen, layers, frozen) for layers in critics])


def _bootstrapped(batch: Batch, value: Tensor, gamma: float) -> Tensor:
    discounts = gamma if batch.discounts is None else batch.discounts
    return batch.rewards + (1 - batch.dones) * discounts * value


def _fit(optimizer: _Adam, critics: Sequence[Layers], batch: Batch, wanted: Tensor, scale: float) -> float:
    """Take one step of the critics towards what is wanted; return the loss."""
    seen = torch.cat([batch.observations, batch.actions], dim=1)
    losses = [mse_loss(_forward(seen, layers), wanted) for layers in critics]
    return optimizer.descend(scale * reduce(torch.add, losses))


def _follow(slow: list[Tensor], online: list[Tensor], tau: float) -> None:
    """Move target networks a fraction ``tau`` towards the networks."""
    with torch.no_grad():
        torch._foreach_mul_(slow, 1 - tau)
        torch._foreach_add_(slow, online, alpha=tau)
