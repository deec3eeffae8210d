"""The laboratory's environments: N trainings of E copies each, stepped as tensors."""

from __future__ import annotations

from benchmarks.laboratory.environments.bodies import Hopper, Lander, Walker
from benchmarks.laboratory.environments.classic import (
    Acrobot,
    CartPole,
    MountainCar,
    MountainCarContinuous,
    Pendulum,
    ShapedCar,
    ShapedContinuousCar,
)
from benchmarks.laboratory.environments.decisions import Bandit, Stock, Throw, Wind
from benchmarks.laboratory.environments.reaching import Fetch, Grid, Reach2, Reach2Sparse, Reach4, Reach6
from benchmarks.laboratory.environments.steering import DoubleIntegrator, Plant, Regulator, Tracking
from benchmarks.laboratory.environments.world import World

# All that trainings are made on. MountainCar and its continuous sister as Gymnasium has them are not among them: PPO
# learns neither in a lab's time.
WORLDS: dict[str, type[World]] = {
    world.name: world
    for world in (
        CartPole,
        Acrobot,
        Pendulum,
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

__all__ = ["WORLDS", "MountainCar", "MountainCarContinuous", "World"]
