"""The laboratory's environments: N trainings of E copies each, stepped as tensors."""

from __future__ import annotations

from benchmarks.laboratory.environments.bodies import Hopper, Lander, Walker
from benchmarks.laboratory.environments.classic import (
    Acrobot,
    CartPole,
    HeldAcrobot,
    MountainCar,
    MountainCarContinuous,
    Pendulum,
    ShapedCar,
    ShapedContinuousCar,
    StrongPendulum,
)
from benchmarks.laboratory.environments.decisions import Bandit, Stock, Throw, Wind
from benchmarks.laboratory.environments.reaching import Fetch, Grid, Reach2, Reach2Sparse, Reach4, Reach6
from benchmarks.laboratory.environments.steering import DoubleIntegrator, Plant, Regulator, Tracking
from benchmarks.laboratory.environments.world import World

# Trainings are made on those that have a recipe (recipes.py). Acrobot, Pendulum and the mountain cars just as Gymnasium
# has them have none: PPO takes longer for them than a laboratory has.
WORLDS: dict[str, type[World]] = {
    world.name: world
    for world in (
        CartPole,
        Acrobot,
        Pendulum,
        MountainCar,
        MountainCarContinuous,
        HeldAcrobot,
        StrongPendulum,
        ShapedCar,
        ShapedContinuousCar,
        DoubleIntegrator,
        Regulator,
        Tracking,
        Plant,
        Lander,
        Walker,
        Hopper,
        Reach2,
        Reach2Sparse,
        Fetch,
        Reach4,
        Reach6,
        Grid,
        Bandit,
        Throw,
        Stock,
        Wind,
    )
}

__all__ = ["WORLDS", "World"]
