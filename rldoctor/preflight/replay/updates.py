"""Which way updates move networks, targets and the temperature, on batches whose right answer is known beforehand."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces

from rldoctor.preflight.replay.stand_in import Machinery

# Networks and the slow copies that follow them, by SB3's names.
_PAIRS = (("critic", "critic_target"), ("actor", "actor_target"), ("q_net", "q_net_target"))
# Gradient steps of a probe at this learning rate: enough for Adam to move a value visibly, whatever its size.
_STEPS, _RATE, _BATCH = 8, 1e-3, 64
# Added to what target networks say, far outside what rewards in [-1, 0] can explain.
_FAR = 100.0
# How far an untrained temperature is from the entropy that it is told to reach, in nats.
_NATS = 1e3
# Of the fraction by which a target moves: rounding leaves 1e-4 of a small step.
_TAU_ERROR = 0.02


@dataclass(frozen=True)
class TargetMoves:
    """How a target network follows its network.

    Attributes:
        name: Of the target network.
        gap_at_start: Largest difference of a weight before any update.
        fraction: By which it moved towards the network when it moved; ``None`` if it never did.
        stray: What of its move is not in the direction of the network, as a fraction of the distance.
        expected: The fraction that ``tau`` asks for.
    """

    name: str
    gap_at_start: float
    fraction: float | None
    stray: float
    expected: float

    @property
    def is_right(self) -> bool:
        """Whether it moves towards its network, by as much as it should."""
        right = self.fraction is not None and abs(self.fraction - self.expected) <= _TAU_ERROR * max(
            self.expected, 0.05
        )
        return right and self.stray <= _TAU_ERROR


@dataclass(frozen=True)
class Directions:
    """Changes after a few updates on batches with a known answer; ``None`` where an algorithm has no such part.

    Attributes:
        critic_down: Of the critics' values where every episode ends with a reward far below them; must be negative.
        terminal_pull: The same where target networks promise much more; must be negative too: nothing follows an end.
        bootstrap_pull: Where no episode ends and target networks promise much more; must be positive.
        actor_gain: Of the critic's value of the actor's action, the critic held still; must be positive.
        temperature: Of the temperature's logarithm where the entropy is below its target, and where it is above; the
            first must be positive, the second negative.
    """

    critic_down: float
    terminal_pull: float
    bootstrap_pull: float
    actor_gain: float | None
    temperature: tuple[float, float] | None


def follow_targets(machinery: Machinery) -> tuple[TargetMoves, ...]:
    """Update until each target network has moved once, at most as often as the settings say it takes."""
    model = machinery.model
    pairs = [pair for pair in _PAIRS if all(getattr(model, name, None) is not None for name in pair)]
    starts = {slow: _distance(_flat(model, slow), _flat(model, fast)) for fast, slow in pairs}
    moved: dict[str, TargetMoves] = {}
    for act in _updates(model):
        before = {slow: _flat(model, slow) for _, slow in pairs}
        act()
        for fast, slow in pairs:
            step, gap = _flat(model, slow) - before[slow], _flat(model, fast) - before[slow]
            if slow not in moved and float(step.abs().max()) > 0:
                length = float(gap @ gap) or 1.0
                fraction = float(step @ gap) / length
                stray = float((step - fraction * gap).norm()) / length**0.5
                moved[slow] = TargetMoves(slow, starts[slow], fraction, stray, float(model.tau))
        if len(moved) == len(pairs):
            break
    still = [TargetMoves(slow, starts[slow], None, 0.0, float(model.tau)) for _, slow in pairs if slow not in moved]
    return (*moved.values(), *still)


def _updates(model: Any) -> Iterator[Callable[[], object]]:
    """Yield gradient steps, then what DQN does after each step of its environments."""
    steps = max(2 * int(getattr(model, "policy_delay", 1)), 4)
    for _ in range(steps):
        yield lambda: model.train(gradient_steps=1, batch_size=_BATCH)
    for _ in range(int(getattr(model, "target_update_interval", 0)) // model.n_envs + 1):
        yield model._on_step


def _flat(model: Any, name: str) -> torch.Tensor:
    return torch.cat([weight.detach().double().flatten() for weight in getattr(model, name).parameters()])


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())


def find_directions(machinery: Machinery) -> Directions:
    """Update on batches with a known answer, each time from the same weights."""
    model = machinery.model
    model.lr_schedule = lambda _: _RATE
    sample, start = machinery.buffer.sample, _Snapshot(model)
    batch = sample(_BATCH)
    low = torch.full_like(batch.rewards, -5.0)

    def pull(dones: float, rewards: torch.Tensor, promise: float) -> float:
        """Return how far updates on this batch move the critics' values."""
        start.restore()
        _promise(model, promise)
        given = batch._replace(dones=torch.full_like(batch.dones, dones), rewards=rewards)
        machinery.buffer.sample = lambda *_, **__: given
        before = _values(model, batch)
        model.train(gradient_steps=_STEPS, batch_size=_BATCH)
        return _values(model, batch) - before

    try:
        return Directions(
            critic_down=pull(1.0, low, 0.0),
            terminal_pull=pull(1.0, low, _FAR),
            bootstrap_pull=pull(0.0, torch.zeros_like(low), _FAR),
            actor_gain=_actor_gain(machinery, batch, start),
            temperature=_temperature(machinery, batch, start),
        )
    finally:
        machinery.buffer.sample = sample
        start.restore()


class _Snapshot:
    """The weights, optimizers and temperature of a model, to begin each probe from."""

    def __init__(self, model: Any) -> None:
        self._model = model
        parts, self._variables = model._get_torch_save_params()
        self._parts = {part: copy.deepcopy(_attribute(model, part).state_dict()) for part in parts}
        self._values = {name: _attribute(model, name).detach().clone() for name in self._variables}

    def restore(self) -> None:
        """Put everything back."""
        for part, state in self._parts.items():
            _attribute(self._model, part).load_state_dict(copy.deepcopy(state))
        with torch.no_grad():
            for name, value in self._values.items():
                _attribute(self._model, name).copy_(value)


def _attribute(model: Any, name: str) -> Any:
    for part in name.split("."):
        model = getattr(model, part)
    return model


def _promise(model: Any, more: float) -> None:
    """Let target networks value everything so much more."""
    target = model.critic_target if hasattr(model, "critic_target") else model.q_net_target
    with torch.no_grad():
        for network in _heads(target):
            list(network.parameters())[-1].add_(more)


def _heads(critic: Any) -> Sequence[Any]:
    return critic.q_networks if hasattr(critic, "q_networks") else [critic.q_net]


def _values(model: Any, batch: Any) -> float:
    """Return the mean value of the batch's own actions."""
    with torch.no_grad():
        if isinstance(model.action_space, spaces.Discrete):
            return float(model.q_net(batch.observations).gather(1, batch.actions.long()).mean())
        return float(np.mean([float(values.mean()) for values in model.critic(batch.observations, batch.actions)]))


def _actor_gain(machinery: Machinery, batch: Any, start: _Snapshot) -> float | None:
    model = machinery.model
    if not hasattr(model, "actor"):
        return None
    start.restore()
    _without_temperature(model)
    machinery.buffer.sample = lambda *_, **__: batch
    # SAC's actor draws unless it is told not to.
    certain = {"deterministic": True} if hasattr(model, "target_entropy") else {}
    step = model.critic.optimizer.step
    # The critic stands still, so that only the actor can change the value.
    model.critic.optimizer.step = lambda *_, **__: None

    def value() -> float:
        with torch.no_grad():
            actions = model.actor(batch.observations, **certain)
            return float(torch.cat(model.critic(batch.observations, actions), dim=1).amin(dim=1).mean())

    try:
        before = value()
        model.train(gradient_steps=2 * _STEPS, batch_size=_BATCH)
        return value() - before
    finally:
        model.critic.optimizer.step = step


def _without_temperature(model: Any) -> None:
    """Take the entropy bonus out of SAC's actor loss: what is left must raise the critic's value."""
    with torch.no_grad():
        for name in ("log_ent_coef", "ent_coef_tensor"):
            if getattr(model, name, None) is not None:
                getattr(model, name).fill_(-30.0 if name == "log_ent_coef" else 0.0)


def _temperature(machinery: Machinery, batch: Any, start: _Snapshot) -> tuple[float, float] | None:
    model = machinery.model
    if getattr(model, "ent_coef_optimizer", None) is None:
        return None
    machinery.buffer.sample = lambda *_, **__: batch
    wanted, moves = model.target_entropy, []
    try:
        for model.target_entropy in (_NATS, -_NATS):
            start.restore()
            before = float(model.log_ent_coef)
            model.train(gradient_steps=_STEPS, batch_size=_BATCH)
            moves.append(float(model.log_ent_coef) - before)
    finally:
        model.target_entropy = wanted
    return moves[0], moves[1]
