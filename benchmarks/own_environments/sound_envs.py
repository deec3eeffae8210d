"""The healthy environments of own_envs.py: those of Gymnasium and FetchReach, in classes that limit their episodes themselves."""

from __future__ import annotations

from typing import Any

import gymnasium
import gymnasium_robotics
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.continuous_mountain_car import Continuous_MountainCarEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from gymnasium.envs.mujoco.inverted_pendulum_v5 import InvertedPendulumEnv
from gymnasium.envs.mujoco.reacher_v5 import ReacherEnv

gymnasium.register_envs(gymnasium_robotics)
Stepped = tuple[Any, float, bool, bool, dict[str, Any]]


class Limited:
    """Ends episodes itself after ``limit`` steps, as classes without a registration do."""

    limit = 200

    def reset(self, **options: Any) -> Any:
        self.count = 0
        return super().reset(**options)  # type: ignore[misc]

    def step(self, action: Any) -> Stepped:
        observation, reward, over, _, info = super().step(action)  # type: ignore[misc]
        self.count += 1
        return observation, float(reward), bool(over), self.count >= self.limit, info


class CartPole(Limited, CartPoleEnv):
    limit = 500


class Pendulum(Limited, PendulumEnv):
    pass


class Acrobot(Limited, AcrobotEnv):
    limit = 500


class MountainCar(Limited, Continuous_MountainCarEnv):
    limit = 999


class InvertedPendulum(Limited, InvertedPendulumEnv):
    limit = 1000


class Reacher(Limited, ReacherEnv):
    limit = 50


def fetch_reach(**options: Any) -> gymnasium.Env[Any, Any]:
    return gymnasium.make("FetchReachDense-v4", **options)


class CartPoleCentred(CartPole):
    """A reward for staying in the middle."""

    def step(self, action: Any) -> Stepped:
        observation, _, over, cut, info = super().step(action)
        return observation, 1.0 - abs(float(observation[0])) / 2.4, over, cut, info


class PendulumShifted(Pendulum):
    """A reward from 0 to 1."""

    def step(self, action: Any) -> Stepped:
        observation, reward, over, cut, info = super().step(action)
        return observation, 1.0 + reward / 16.3, over, cut, info


class ReacherDistance(Reacher):
    """The distance alone."""

    def step(self, action: Any) -> Stepped:
        observation, _, over, cut, info = super().step(action)
        return observation, float(info["reward_dist"]), over, cut, info
