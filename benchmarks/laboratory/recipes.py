"""Healthy recipes, drawn at random around a good one for each environment.

The shape parameters are drawn once for a batch of trainings, everything else for each training.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from benchmarks.laboratory.interface import SETTINGS, Shapes

Settings = dict[str, float]


@dataclass(frozen=True)
class Good:
    """What works on an environment, and how far from it a recipe may be drawn.

    Attributes:
        steps: Environment steps in which it learns most of what it can, and half as many more.
        rate: Learning rate, drawn within a factor of ``spread`` around it.
        gamma: Discount; 1 - gamma is drawn within a factor of 1.7.
        spread: Of the rate.
        gae_lambda: Lowest and highest.
        epochs: Lowest and highest, log-uniform.
        envs: Numbers of environments to choose from.
        rollout: Samples of a rollout to choose from.
        normal_observation: Share of the recipes that normalise observations.
        normal_reward: Share of the recipes that normalise rewards.
        std: Lowest and highest logarithm of the first standard deviation.
    """

    steps: tuple[int, ...] = (20_000, 30_000)
    rate: float = 1e-3
    gamma: float = 0.98
    spread: float = 2.0
    gae_lambda: tuple[float, float] = (0.9, 0.98)
    epochs: tuple[int, int] = (4, 10)
    envs: tuple[int, ...] = (4, 8, 16)
    rollout: tuple[int, ...] = (512, 1024)
    normal_observation: float = 0.2
    normal_reward: float = 0.2
    std: tuple[float, float] = (-0.5, 0.0)


GOOD: dict[str, Good] = {
    "cartpole": Good(
        steps=(24_000, 32_000), rate=2e-3, spread=1.6, gae_lambda=(0.8, 0.95), rollout=(256, 512), normal_reward=0.1
    ),
    "acrobot-held": Good(steps=(20_000, 30_000), gamma=0.98, normal_observation=0.5),
    "pendulum-strong": Good(steps=(24_000, 32_000), rate=1.5e-3, gamma=0.87, epochs=(6, 14)),
    "mountain-car-shaped": Good(steps=(12_000, 20_000), gamma=0.99),
    "mountain-car-continuous-shaped": Good(steps=(12_000, 20_000), gamma=0.98),
    "double-integrator": Good(steps=(16_000, 24_000)),
    # Rewards of thousands are not learned in this time without normalisation.
    "regulator-6d-large-reward": Good(steps=(12_000, 20_000), gamma=0.9, normal_reward=1.0),
    # Few environments, or too few episodes would end for their returns to be judged.
    "tracking-long": Good(steps=(28_000, 36_000), gamma=0.95, envs=(2, 4)),
    "plant-mixed-units": Good(gamma=0.95),
    "lander": Good(steps=(24_000, 32_000), gamma=0.98),
    "walker": Good(rate=1.5e-3, gamma=0.98),
    "runner": Good(rate=1.5e-3, gamma=0.98, normal_reward=0.7),
    "reach-2d": Good(gamma=0.9, rate=1.5e-3),
    "reach-2d-sparse": Good(steps=(14_000, 20_000), gamma=0.95),
    "fetch-like": Good(gamma=0.85, rate=2e-3, spread=1.7, std=(-0.7, 0.0)),
    "reach-4d-ends": Good(steps=(16_000, 24_000), gamma=0.95),
    # Nor are rewards of thousandths.
    "reach-6d-small-reward": Good(steps=(20_000, 30_000), gamma=0.9, rate=1.5e-3, normal_reward=1.0),
    "grid-world": Good(steps=(20_000, 30_000), gamma=0.95),
    "bandit": Good(steps=(8_000, 16_000), gamma=0.95),
    "throw": Good(steps=(20_000, 28_000), gamma=0.95, rate=2e-3, spread=1.5, std=(-1.0, -0.3)),
    "stock": Good(gamma=0.9, normal_reward=0.5),
    "wind": Good(gamma=0.96),
}

# Points that a run logs: fewer than SB3's own runs of 100,000 steps have, as many as these have updates.
MOST_POINTS = 60


def draw_shapes(name: str, source: random.Random) -> Shapes:
    """Return what all trainings of a batch have in common."""
    good = GOOD[name]
    envs, rollout = source.choice(good.envs), source.choice(good.rollout)
    steps = source.choice(good.steps)
    width = 64 if source.random() < 0.1 else 32
    batch = source.choice([size for size in (64, 128, 128, 256) if size <= rollout // 4])
    every = max(1, math.ceil(steps / rollout / MOST_POINTS))
    return Shapes(rollout // envs, envs, batch, (width, width), steps, log_interval=every)


def draw(name: str, shapes: Shapes, source: random.Random) -> Settings:
    """Return healthy settings of one training, names as in ``SETTINGS``."""
    good = GOOD[name]
    rate = math.exp(source.uniform(-1, 1) * math.log(good.spread)) * good.rate
    # Fewer samples a gradient step ask for smaller steps.
    rate *= (shapes.batch_size / 128) ** 0.3
    low, high = good.epochs
    settings: Settings = {
        **SETTINGS,
        "learning_rate": min(max(rate, 1e-4), 3e-3),
        "learning_rate_linear": float(source.random() < 0.3),
        "gamma": 1.0 - (1.0 - good.gamma) * math.exp(source.uniform(-1, 1) * math.log(1.7)),
        "gae_lambda": source.uniform(*good.gae_lambda),
        "clip_range": 0.2 if source.random() < 0.5 else source.uniform(0.1, 0.3),
        "clip_range_linear": float(source.random() < 0.15),
        "n_epochs": float(round(math.exp(source.uniform(math.log(low), math.log(high))))),
        "normalize_observation": float(source.random() < good.normal_observation),
        "normalize_reward": float(source.random() < good.normal_reward),
    }
    if source.random() < 0.4:
        settings["ent_coef"] = math.exp(source.uniform(math.log(1e-4), math.log(1e-2)))
    if source.random() < 0.3:
        settings["vf_coef"] = source.uniform(0.25, 1.0)
    if source.random() < 0.3:
        settings["max_grad_norm"] = source.uniform(0.3, 2.0)
    if source.random() < 0.1:
        settings["target_kl"] = source.uniform(0.03, 0.1)
    if source.random() < 0.3:
        settings["log_std_init"] = source.uniform(*good.std)
    settings["relu"] = float(source.random() < 0.15)
    return settings
