"""SAC, TD3, DDPG and DQN of Stable-Baselines3 2.9 for N trainings at once: sac.py, td3.py and dqn.py, train()."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.off_policy.knobs import Rows
from benchmarks.off_policy.networks import ALL, Networks, clipped, follow, forward
from benchmarks.off_policy.replay import Batch
from benchmarks.off_policy.tasks import Floats, Ints, Task

WIDTH = 32
_LOG_STD = (-20.0, 2.0)
_DQN_NORM = 10.0


class Learner(ABC):
    """N policies and critics.

    Attributes:
        logged: Tag of ``train/`` to the last value of each training, ``(n,)``; NaN before the first update.
        updates: Gradient steps of each training.
    """

    tags: tuple[str, ...]
    critics = 2

    def __init__(self, task: Task, knobs: Rows, seed: int) -> None:
        self.task, self.knobs, self.n = task, knobs, task.n
        self.random = torch.Generator().manual_seed(seed)
        self.logged = {tag: np.full(self.n, np.nan) for tag in self.tags}
        self.updates = np.zeros(self.n, np.int64)
        self._tau = torch.tensor(knobs.tau, dtype=torch.float32)
        self._gamma = torch.tensor(knobs.gamma, dtype=torch.float32)
        self._optimism = torch.tensor(knobs.optimism, dtype=torch.float32)
        self._critic_moves = torch.tensor(knobs.critic_moves, dtype=torch.float32)
        self._actor_moves = torch.tensor(knobs.actor_moves, dtype=torch.float32)

    @abstractmethod
    def act(self, seen: Floats, explore: bool) -> Floats:
        """Return actions ``(n, actions)`` in [-1, 1], or ``(n, 1)`` discrete ones."""

    def update(self, rows: Ints, batch: Batch, rate: Floats) -> None:
        """Take one gradient step in some trainings with their learning rates."""
        self.updates[rows] += 1
        which = ALL if len(rows) == self.n else torch.from_numpy(rows)
        for tag, values in self._update(which, rows, batch, torch.tensor(rate, dtype=torch.float32)).items():
            self.logged[tag][rows] = values.detach().numpy()

    @abstractmethod
    def _update(self, which: Any, rows: Ints, batch: Batch, rate: Tensor) -> dict[str, Tensor]: ...

    def _raised(self, values: Tensor, which: Any) -> Tensor:
        """Return target values as a target network that says more than it knows has them."""
        size = self._optimism[which]
        if not size.any():
            return values
        noise = torch.randn(values.shape, generator=self.random).abs()
        return values + size.view(-1, 1) * (values.std(1, keepdim=True) + 0.1) * noise

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random)


class ActorCritic(Learner):
    """What SAC, TD3 and DDPG share: an actor and one or two critics of observation and action."""

    outputs = 1

    def __init__(self, task: Task, knobs: Rows, seed: int) -> None:
        super().__init__(task, knobs, seed)
        self.actor = Networks(self.n, (task.size, WIDTH, WIDTH, self.outputs * task.actions), self.random)
        inputs = task.size + task.actions
        self.critic = [Networks(self.n, (inputs, WIDTH, WIDTH, 1), self.random) for _ in range(self.critics)]
        self.target = [critic.copy() for critic in self.critic]

    def values(self, networks: Sequence[Any], seen: Tensor, actions: Tensor) -> list[Tensor]:
        """Return what each critic says, ``(rows, batch)``."""
        inputs = torch.cat([seen, actions], 2)
        return [forward(weights, inputs)[..., 0] for weights in networks]

    def _learn(self, which: Any, batch: Batch, wanted: Tensor, rate: Tensor, half: bool) -> Tensor:
        """Move the critics towards ``wanted``; return the loss of each training."""
        leaves = [critic.leaves(which) for critic in self.critic]
        said = self.values(leaves, batch.seen, batch.actions)
        loss = sum(((values - wanted) ** 2).mean(1) for values in said) * (0.5 if half else 1.0)
        assert isinstance(loss, Tensor)
        found = torch.autograd.grad(loss.sum(), [weight for one in leaves for weight in one])
        count = len(leaves[0])
        for i, critic in enumerate(self.critic):
            critic.step(found[i * count : (i + 1) * count], rate * self._critic_moves[which], which)
        return loss.detach()

    def _improve(self, which: Any, loss: Tensor, leaves: Sequence[Tensor], rate: Tensor) -> None:
        """Move the actor against the gradient of its loss, or as a fault has it."""
        found = torch.autograd.grad(loss.sum(), list(leaves))
        moves = self._actor_moves[which]
        signed = [gradient * torch.sign(moves).view(-1, 1, 1) for gradient in found]
        self.actor.step(signed, rate * moves.abs(), which)

    def _follow(self, which: Any) -> None:
        for target, critic in zip(self.target, self.critic, strict=True):
            follow(target, critic.weights, self._tau[which], which)


class SAC(ActorCritic):
    outputs = 2
    tags = ("actor_loss", "critic_loss", "ent_coef", "ent_coef_loss")

    def __init__(self, task: Task, knobs: Rows, seed: int) -> None:
        super().__init__(task, knobs, seed)
        fixed = torch.tensor(knobs.ent_coef, dtype=torch.float32)
        self.tuned = fixed == 0
        start = torch.tensor(knobs.temperature_start, dtype=torch.float32)
        self.log_temperature = torch.where(self.tuned, start, fixed).log()
        self.target_entropy = (
            -float(task.actions) + torch.tensor(knobs.entropy_above, dtype=torch.float32) * task.actions
        )
        self._moves = torch.tensor(knobs.temperature_moves, dtype=torch.float32) * self.tuned
        # Adam's moments and steps of the temperature.
        self._adam = torch.zeros(3, self.n)

    def sampled(self, weights: Sequence[Tensor], seen: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return actions and the logarithm of their density, ``(rows, batch, actions)`` and ``(rows, batch)``."""
        mean, log_std = forward(weights, seen).chunk(2, dim=2)
        log_std = log_std.clamp(*_LOG_STD)
        noise = self._normal(*mean.shape) if noise is None else noise
        raw = mean + log_std.exp() * noise
        actions = torch.tanh(raw)
        density = -0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi) - torch.log(1 - actions**2 + 1e-6)
        return actions, density.sum(2)

    def act(self, seen: Floats, explore: bool) -> Floats:
        inputs = torch.from_numpy(seen.astype(np.float32))[:, None]
        with torch.no_grad():
            if explore:
                actions, _ = self.sampled(self.actor.weights, inputs)
            else:
                actions = torch.tanh(forward(self.actor.weights, inputs).chunk(2, dim=2)[0])
        found: Floats = actions[:, 0].numpy().astype(np.float64)
        return found

    def _update(self, which: Any, rows: Ints, batch: Batch, rate: Tensor) -> dict[str, Tensor]:
        leaves = self.actor.leaves(which)
        actions, density = self.sampled(leaves, batch.seen)
        temperature = self.log_temperature[which].exp()
        gap = (density.detach() + self.target_entropy[which].view(-1, 1)).mean(1)
        temperature_loss = -self.log_temperature[which] * gap
        self._tune(which, -gap, rate)
        with torch.no_grad():
            following, log_prob = self.sampled(
                self.actor.weights if which is ALL else [w[which] for w in self.actor.weights], batch.after
            )
            behind = torch.stack(self.values([[w[which] for w in t] for t in self.target], batch.after, following))
            least = self._raised(behind.min(0).values, which) - temperature.view(-1, 1) * log_prob
            wanted = batch.rewards + (1 - batch.terminal) * self._gamma[which].view(-1, 1) * least
        critic_loss = self._learn(which, batch, wanted, rate, half=True)
        said = torch.stack(self.values([[w[which] for w in c.weights] for c in self.critic], batch.seen, actions))
        actor_loss = (temperature.view(-1, 1) * density - said.min(0).values).mean(1)
        self._improve(which, actor_loss, leaves, rate)
        self._follow(which)
        return {
            "ent_coef": temperature,
            "ent_coef_loss": torch.where(
                self.tuned[which], temperature_loss, torch.full_like(temperature_loss, math.nan)
            ),
            "critic_loss": critic_loss,
            "actor_loss": actor_loss,
        }

    def _tune(self, which: Any, gradient: Tensor, rate: Tensor) -> None:
        first, second, count = self._adam[:, which]
        first, second, count = first * 0.9 + gradient * 0.1, second * 0.999 + gradient**2 * 0.001, count + 1
        self._adam[:, which] = torch.stack([first, second, count])
        step = (first / (1 - 0.9**count)) / ((second / (1 - 0.999**count)).sqrt() + 1e-8)
        self.log_temperature[which] -= rate * step * self._moves[which]


class TD3(ActorCritic):
    tags = ("actor_loss", "critic_loss")
    delay, smoothing, most = 2, 0.2, 0.5

    def __init__(self, task: Task, knobs: Rows, seed: int) -> None:
        super().__init__(task, knobs, seed)
        self.actor_target = self.actor.copy()
        self._noise = knobs.noise

    def act(self, seen: Floats, explore: bool) -> Floats:
        with torch.no_grad():
            found = torch.tanh(forward(self.actor.weights, torch.from_numpy(seen.astype(np.float32))[:, None]))
        actions: Floats = found[:, 0].numpy().astype(np.float64)
        if explore:
            noise = self._normal(*actions.shape).numpy()
            actions = np.clip(actions + self._noise[:, None] * noise, -1, 1)
        return actions

    def _update(self, which: Any, rows: Ints, batch: Batch, rate: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            following = torch.tanh(forward([w[which] for w in self.actor_target], batch.after))
            if self.smoothing:
                noise = (self._normal(*following.shape) * self.smoothing).clamp(-self.most, self.most)
                following = (following + noise).clamp(-1, 1)
            behind = torch.stack(self.values([[w[which] for w in t] for t in self.target], batch.after, following))
            wanted = batch.rewards + (1 - batch.terminal) * self._gamma[which].view(-1, 1) * self._raised(
                behind.min(0).values, which
            )
        critic_loss = self._learn(which, batch, wanted, rate, half=False)
        found = {"critic_loss": critic_loss}
        # All trainings count their updates alike, so that the delayed ones come together.
        if self.delay == 1 or int(self.updates[rows].max()) % self.delay == 0:
            leaves = self.actor.leaves(which)
            first = self.critic[:1]
            said = self.values(
                [[w[which] for w in c.weights] for c in first], batch.seen, torch.tanh(forward(leaves, batch.seen))
            )
            actor_loss = -said[0].mean(1)
            self._improve(which, actor_loss, leaves, rate)
            self._follow(which)
            follow(self.actor_target, self.actor.weights, self._tau[which], which)
            found["actor_loss"] = actor_loss
        return found


class DDPG(TD3):
    critics, delay, smoothing = 1, 1, 0.0


class DQN(Learner):
    tags = ("loss",)

    def __init__(self, task: Task, knobs: Rows, seed: int) -> None:
        super().__init__(task, knobs, seed)
        self.network = Networks(self.n, (task.size, WIDTH, WIDTH, task.actions), self.random)
        self.target = self.network.copy()

    def act(self, seen: Floats, explore: bool) -> Floats:
        with torch.no_grad():
            found = forward(self.network.weights, torch.from_numpy(seen.astype(np.float32))[:, None])
        actions: Floats = found[:, 0].argmax(1, keepdim=True).numpy().astype(np.float64)
        return actions

    def take_over(self, rows: Ints) -> None:
        """Copy the weights of some trainings to their target networks."""
        follow(self.target, self.network.weights, torch.ones(len(rows)), torch.from_numpy(rows))

    def _update(self, which: Any, rows: Ints, batch: Batch, rate: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            behind = forward([w[which] for w in self.target], batch.after).max(2).values
            behind = self._raised(behind, which)
            wanted = batch.rewards + (1 - batch.terminal) * self._gamma[which].view(-1, 1) * behind
        leaves = self.network.leaves(which)
        said = forward(leaves, batch.seen).gather(2, batch.actions.long())[..., 0]
        loss = functional.smooth_l1_loss(said, wanted, reduction="none").mean(1)
        found = clipped(torch.autograd.grad(loss.sum(), leaves), _DQN_NORM)
        self.network.step(found, rate * self._critic_moves[which], which)
        return {"loss": loss}


LEARNERS: dict[str, type[Learner]] = {"SAC": SAC, "TD3": TD3, "DDPG": DDPG, "DQN": DQN}
