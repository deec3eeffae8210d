"""Trainings that go well, and the variations with which they go as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.off_policy.knobs import Knobs
from benchmarks.off_policy.train import Recipe

_PLAIN = Knobs(learning_rate=2e-3, relabelled=0.0)
_GOALS = replace(_PLAIN, gamma=0.9, update_every=1)
_HER = replace(_GOALS, relabelled=0.8)
_DEEP_Q = replace(_PLAIN, update_every=4, learning_starts=500)

RECIPES: tuple[Recipe, ...] = (
    Recipe("pendulum", "SAC", 5_000, 1, _PLAIN),
    Recipe("pendulum", "TD3", 6_000, 1, _PLAIN),
    Recipe("lander-continuous", "SAC", 4_000, 2, _PLAIN),
    Recipe("lander-continuous", "TD3", 6_000, 2, replace(_PLAIN, noise=0.3)),
    Recipe("balance", "SAC", 4_000, 1, _PLAIN),
    Recipe("balance", "TD3", 6_000, 4, _PLAIN),
    Recipe("reach", "SAC", 2_000, 2, _GOALS),
    Recipe("reach", "DDPG", 2_000, 2, _GOALS),
    Recipe("reach-sparse", "SAC", 2_500, 2, _HER, her=True),
    Recipe("reach-sparse", "TD3", 2_500, 2, _HER, her=True),
    Recipe("reach-sparse", "DDPG", 2_500, 2, _HER, her=True),
    Recipe("cartpole", "DQN", 12_000, 4, replace(_DEEP_Q, update_every=2)),
    Recipe("lander", "DQN", 10_000, 4, _DEEP_Q),
    Recipe("grid", "DQN", 6_000, 10, _DEEP_Q),
)
_ACTOR_CRITIC: tuple[Mapping[str, float], ...] = (
    {},
    {},
    {"learning_rate": 1e-3},
    {"tau": 0.01},
    {"tau": 0.05},
    {"learning_starts": 500},
    {"learning_rate_linear": 1.0, "learning_rate": 3e-3},
    {"gamma": 0.95},
)
VARIANTS: Mapping[str, tuple[Mapping[str, float], ...]] = {
    "SAC": (*_ACTOR_CRITIC, {"ent_coef": 0.02}),
    "TD3": (*_ACTOR_CRITIC, {"noise": 0.1}),
    "DDPG": (*_ACTOR_CRITIC, {"noise": 0.3}),
    "DQN": (
        {},
        {},
        {"learning_rate": 1e-3},
        {"target_interval": 100},
        {"target_interval": 500},
        {"exploration_fraction": 0.5},
        {"exploration_final": 0.1},
        {"learning_starts": 1_000},
        {"learning_rate_linear": 1.0, "learning_rate": 3e-3},
    ),
}
