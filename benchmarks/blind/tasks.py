"""The tasks of the blind trainings, none of them among tests/runs or tests/strangers, with recipes that learn them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np

from benchmarks.blind import worlds

Env = gymnasium.Env[Any, Any]


class Shaped(gymnasium.Wrapper[Any, Any, Any, Any]):
    """MountainCar with a reward for what its energy gains, besides -1 a step."""

    def reset(self, **options: Any) -> Any:
        seen, info = self.env.reset(**options)
        self.energy = self._energy(seen)
        return seen, info

    def step(self, action: Any) -> Any:
        seen, reward, over, cut, info = self.env.step(action)
        energy, before = self._energy(seen), self.energy
        self.energy = energy
        return seen, float(reward) + 300 * (0.99 * energy - before), over, cut, info

    @staticmethod
    def _energy(seen: Any) -> float:
        return 100 * float(0.0025 / 3 * (1 + np.sin(3 * seen[0])) + 0.5 * seen[1] ** 2)


class Flat(gymnasium.ObservationWrapper[Any, Any, Any]):
    """MiniGrid's view as one array of numbers of about 1, with the three actions that move."""

    def __init__(self, env: Env) -> None:
        super().__init__(env)
        self.observation_space = gymnasium.spaces.Box(0, 2, (151,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(3)

    def observation(self, observation: Any) -> Any:
        way = np.eye(4)[observation["direction"]]
        return np.concatenate([observation["image"].ravel() / 8, way]).astype(np.float32)


def mini_grid(name: str = "Empty-Random-5x5") -> Env:
    import minigrid  # noqa: F401

    return Flat(gymnasium.make(f"MiniGrid-{name}-v0"))


@dataclass(frozen=True)
class Task:
    """An environment with settings that learn it in a short training.

    Attributes:
        make: Makes the environment.
        steps: Of the whole run, over all environments.
        settings: Of PPO, where they differ from its defaults.
        n_envs: How many environments.
        normalize: Whether VecNormalize stands between.
    """

    make: Callable[[], Env]
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    n_envs: int = 8
    normalize: bool = False


_USUAL: Mapping[str, Any] = dict(n_steps=128, batch_size=128, n_epochs=8, learning_rate=1e-3)
TASKS: Mapping[str, Task] = {
    "mountain-car-shaped": Task(
        lambda: Shaped(gymnasium.make("MountainCar-v0")), 60_000, {**_USUAL, "n_epochs": 6}, normalize=True
    ),
    "mini-grid": Task(mini_grid, 40_000, {**_USUAL, "ent_coef": 0.01}),
    "point-goal": Task(worlds.PointGoal, 50_000, {**_USUAL, "gamma": 0.95}, normalize=True),
    "tanks": Task(worlds.Tanks, 50_000, {**_USUAL, "gamma": 0.95}),
    "warehouse": Task(worlds.Warehouse, 50_000, {**_USUAL, "gamma": 0.97}, normalize=True),
    "advertisements": Task(worlds.Advertisements, 40_000, _USUAL),
    "balls": Task(worlds.Balls, 50_000, {**_USUAL, "gamma": 0.97, "ent_coef": 0.01}),
    "chase": Task(worlds.Chase, 50_000, {**_USUAL, "gamma": 0.97}),
}
