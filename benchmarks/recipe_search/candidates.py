"""Candidates: how they are drawn and changed, what they cost, and how their distances are scored."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from msgspec import Struct

from benchmarks.recipe_search.batched_ppo import Shape
from rldoctor.model import Json

# One update of a minibatch takes as long as so many steps of the environment, on two cores with one thread for PyTorch.
UPDATE = 2.5
MOST_STEPS, LEAST_STEPS = 9_900, 4_000
_SHAPES: dict[str, list[int]] = {
    "n_envs": [4, 8, 16],
    "n_steps": [16, 24, 32, 50, 64],
    "batch_size": [64, 96, 128, 192, 256, 512],
    "n_epochs": [6, 8, 10, 15, 20, 30, 40],
}
_NETWORKS = [(64, 64), (64, 64), (128, 128), (64, 64, 64)]
_CHOICES = {
    "gae_lambda": [0.5, 0.6, 0.7, 0.8, 0.9, 0.95],
    "clip_range": [0.1, 0.15, 0.2, 0.3, 0.4],
    "vf_coef": [0.25, 0.5, 1.0, 2.0],
    "max_grad_norm": [0.5, 0.5, 1.0, 2.0],
    "ent_coef": [0.0, 0.0, -0.003],
}
_START = {
    "learning_rate": 5e-3,
    "gamma": 0.5,
    "gae_lambda": 0.8,
    "clip_range": 0.2,
    "log_std_init": -0.5,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "ent_coef": 0.0,
}


class Trial(Struct):
    """A candidate and the mean final distances that its seeds reached, in mm; ``where`` is arm or environment."""

    shape: dict[str, Json]
    settings: dict[str, float]
    distances: list[float]
    where: str = "arm"


@dataclass
class Pool:
    """Draws candidates that all cost the same: a time budget, in steps of the environment."""

    cost: float
    random: random.Random

    def shape(self, chosen: dict[str, int], network: tuple[int, ...]) -> Shape | None:
        """Return the shape that spends the budget; ``None`` for one that is impossible or beside the point."""
        rollout = chosen["n_envs"] * chosen["n_steps"]
        if chosen["batch_size"] > rollout:
            return None
        price = rollout + UPDATE * chosen["n_epochs"] * -(-rollout // chosen["batch_size"])
        steps = int(self.cost // price) * rollout
        if not LEAST_STEPS <= steps <= MOST_STEPS:
            return None
        return Shape(**chosen, net_arch=network, total_steps=steps)

    def new_shape(self) -> Shape:
        while True:
            chosen = {key: self.random.choice(values) for key, values in _SHAPES.items()}
            if found := self.shape(chosen, self.random.choice(_NETWORKS)):
                return found

    def near_shape(self, shape: Shape) -> Shape:
        """Return a shape of which up to two numbers are one place along."""
        while True:
            chosen, network = {key: getattr(shape, key) for key in _SHAPES}, shape.net_arch
            for _ in range(self.random.choice([0, 1, 1, 2])):
                key = self.random.choice([*_SHAPES, "net_arch"])
                if key == "net_arch":
                    network = self.random.choice(_NETWORKS)
                else:
                    values = _SHAPES[key]
                    place = values.index(chosen[key]) + self.random.choice([-1, 1])
                    chosen[key] = values[min(max(place, 0), len(values) - 1)]
            if found := self.shape(chosen, network):
                return found

    def settings(self, near: dict[str, float] | None = None) -> dict[str, float]:
        """Return settings of which one to three differ from ``near``; from the start, where nothing is known, more."""
        found = dict(near or _START)
        for _ in range(self.random.choice([1, 2, 3]) if near else 5):
            key = self.random.choice(list(found))
            if key == "learning_rate":
                found[key] *= 2 ** self.random.uniform(-0.7, 0.7)
            elif key == "gamma":
                found[key] = min(0.98, max(0.0, found[key] + self.random.uniform(-0.15, 0.15)))
            elif key == "log_std_init":
                found[key] += self.random.uniform(-0.3, 0.3)
            else:
                found[key] = self.random.choice(_CHOICES[key])
        return found


def score(distances: Sequence[float]) -> float:
    """Return what is to be small, in mm: a standard deviation above the mean, more where few seeds say so."""
    return float(np.mean(distances) + np.std(distances)) + 6 / len(distances)


def changes(trial: Trial) -> list[str]:
    """Return the candidate as ``--set`` takes it."""
    numbers = {key: float(f"{value:.3g}") for key, value in trial.settings.items()}
    both = {**trial.shape, **numbers, "learning_rate_schedule": "linear"}
    return [f"{key}={value}" for key, value in both.items()]


def shape_of(trial: Trial) -> Shape:
    numbers = {key: int(value) for key, value in trial.shape.items() if isinstance(value, (int, float))}
    network = trial.shape["net_arch"]
    assert isinstance(network, list)
    return Shape(**numbers, net_arch=tuple(int(str(width)) for width in network))


def as_json(shape: Shape) -> dict[str, Json]:
    return {**asdict(shape), "net_arch": list(shape.net_arch)}


def halving(count: int, rungs: Sequence[int]) -> list[tuple[int, int]]:
    """Return how many candidates reach each rung, and its seeds: a third of the one before, at least two."""
    return [(max(2, math.ceil(count / 3**place)), seeds) for place, seeds in enumerate(rungs)]
