"""Environments as users write them in a file of their own, each broken in one way, and healthy ones: own_envs.py:Name.

They are about other tasks than the fault laboratory's, and none of them was used to fit a weight.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import gymnasium_robotics
import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.envs.classic_control.continuous_mountain_car import Continuous_MountainCarEnv
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from gymnasium.envs.mujoco.inverted_pendulum_v5 import InvertedPendulumEnv
from gymnasium.envs.mujoco.reacher_v5 import ReacherEnv
from gymnasium.wrappers import TimeLimit

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


# Healthy ones.
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


# Broken ones.
class CartPoleNoReward(CartPole):
    def step(self, action: Any) -> Stepped:
        observation, _, over, cut, info = super().step(action)
        return observation, 0.0, over, cut, info


class CartPoleDeaf(CartPole):
    def step(self, action: Any) -> Stepped:
        return super().step(int(self.np_random.integers(2)))


class CartPoleShuffled(CartPole):
    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)
        return (self.np_random.permutation(observation), *rest)


class CartPoleCosts(CartPole):
    def step(self, action: Any) -> Stepped:
        observation, reward, *rest = super().step(action)
        return (observation, -reward, *rest)


class CartPoleNan(CartPole):
    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)
        if abs(observation[2]) > 0.15:
            observation[3] = np.nan
        return (observation, *rest)


class CartPoleTired(CartPole):
    """The episode's counter is not set back."""

    limit = 150

    def reset(self, **options: Any) -> Any:
        count = getattr(self, "count", 0)
        found = super().reset(**options)
        self.count = count
        return found


class CartPoleFrozen(CartPole):
    def reset(self, **options: Any) -> Any:
        self.first, info = super().reset(**options)
        return self.first, info

    def step(self, action: Any) -> Stepped:
        _, *rest = super().step(action)
        return (self.first, *rest)


class CartPoleUnscaled(CartPole):
    """One sensor in other units."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (4,), np.float32)

    def look(self, observation: Any) -> Any:
        return (observation * np.array([1e4, 1e4, 1.0, 1e4])).astype(np.float32)

    def reset(self, **options: Any) -> Any:
        observation, info = super().reset(**options)
        return self.look(observation), info

    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)
        return (self.look(observation), *rest)


class PendulumFlipped(Pendulum):
    def step(self, action: Any) -> Stepped:
        observation, reward, *rest = super().step(action)
        return (observation, -reward, *rest)


class PendulumLoud(Pendulum):
    def step(self, action: Any) -> Stepped:
        observation, reward, *rest = super().step(action)
        return (observation, 3e3 * reward, *rest)


class PendulumFaint(Pendulum):
    def step(self, action: Any) -> Stepped:
        observation, reward, *rest = super().step(action)
        return (observation, 1e-5 * reward, *rest)


class PendulumNoise(Pendulum):
    def step(self, action: Any) -> Stepped:
        observation, _, *rest = super().step(action)
        return (observation, float(self.np_random.normal()), *rest)


class PendulumDeaf(Pendulum):
    def step(self, action: Any) -> Stepped:
        return super().step(np.zeros(1, np.float32))


class PendulumErratic(Pendulum):
    """The torque's sign is drawn."""

    def step(self, action: Any) -> Stepped:
        return super().step(action * self.np_random.choice([-1.0, 1.0]))


class PendulumBlind(Pendulum):
    """Without its velocity."""

    def look(self, observation: Any) -> Any:
        return observation * np.array([1, 1, 0], np.float32)

    def reset(self, **options: Any) -> Any:
        observation, info = super().reset(**options)
        return self.look(observation), info

    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)
        return (self.look(observation), *rest)


class PendulumLateEyes(Pendulum):
    """What is seen is five steps old."""

    def reset(self, **options: Any) -> Any:
        observation, info = super().reset(**options)
        self.seen = [observation] * 5
        return observation, info

    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)
        self.seen.append(observation)
        return (self.seen.pop(0), *rest)


class PendulumLateHands(Pendulum):
    """Actions take effect five steps later."""

    def reset(self, **options: Any) -> Any:
        self.waiting = [np.zeros(1, np.float32)] * 5
        return super().reset(**options)

    def step(self, action: Any) -> Stepped:
        self.waiting.append(action)
        return super().step(self.waiting.pop(0))


class PendulumFlat(Pendulum):
    """The reward is clipped to where it does not change."""

    def step(self, action: Any) -> Stepped:
        observation, reward, *rest = super().step(action)
        return (observation, float(np.clip(reward, -1e-3, 0.0)) - 1.0, *rest)


class AcrobotTooHigh(Acrobot):
    """A height that it cannot reach."""

    def _terminal(self) -> bool:
        return False


class AcrobotHasty(Acrobot):
    limit = 15


class AcrobotDeaf(Acrobot):
    def step(self, action: Any) -> Stepped:
        return super().step(1)


class MountainCarWeak(MountainCar):
    """An engine too weak for the hill."""

    def __init__(self) -> None:
        super().__init__()
        self.power = 2e-5


class ReacherBlind(Reacher):
    """The target is not in the observation."""

    def _get_obs(self) -> Any:
        observation = super()._get_obs()
        observation[[4, 5, 8, 9]] = 0.0
        return observation


class ReacherFlees(Reacher):
    def step(self, action: Any) -> Stepped:
        observation, _, over, cut, info = super().step(action)
        return observation, -float(info["reward_dist"]), over, cut, info


class ReacherWired(Reacher):
    """Noise on top of the motors, larger than any action."""

    def step(self, action: Any) -> Stepped:
        return super().step(np.clip(0.02 * action + self.np_random.normal(size=2), -1, 1))


class InvertedPendulumHazy(InvertedPendulum):
    def look(self, observation: Any) -> Any:
        return observation + 3.0 * self.np_random.normal(size=4)

    def reset(self, **options: Any) -> Any:
        observation, info = super().reset(**options)
        return self.look(observation), info

    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)
        return (self.look(observation), *rest)


class InvertedPendulumOver(InvertedPendulum):
    """Ends where it should go on."""

    def step(self, action: Any) -> Stepped:
        observation, _, over, cut, info = super().step(action)
        return observation, float(not over), not over, cut, info


class _Seen(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Base: changes what is seen and what is paid."""

    def look(self, observation: Any) -> Any:
        return observation

    def pay(self, reward: float, observation: Any, info: dict[str, Any]) -> float:
        return reward

    def reset(self, **options: Any) -> Any:
        observation, info = self.env.reset(**options)
        return self.look(observation), info

    def step(self, action: Any) -> Any:
        observation, reward, over, cut, info = self.env.step(action)
        return self.look(observation), self.pay(float(reward), observation, info), over, cut, info


class GoalHidden(_Seen):
    def look(self, observation: Any) -> Any:
        return {**observation, "desired_goal": np.zeros(3)}


class Negated(_Seen):
    def pay(self, reward: float, observation: Any, info: dict[str, Any]) -> float:
        return -reward


class Clocked(_Seen):
    """Pays for the time that has passed."""

    def reset(self, **options: Any) -> Any:
        self.time = 0
        return super().reset(**options)

    def pay(self, reward: float, observation: Any, info: dict[str, Any]) -> float:
        self.time += 1
        return -0.01 * self.time


class NeverSucceeds(_Seen):
    def step(self, action: Any) -> Any:
        observation, reward, over, cut, info = super().step(action)
        return observation, reward, over, cut, {**info, "is_success": 0.0}


class TinyGoal(_Seen):
    """Pays only within a millimetre."""

    def pay(self, reward: float, observation: Any, info: dict[str, Any]) -> float:
        return float(reward > -0.001)


class Juggled(gymnasium.ActionWrapper[Any, Any, Any]):
    def action(self, action: Any) -> Any:
        return self.np_random.permutation(action)


class FarGoal(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Goals far above the arm's reach."""

    def reset(self, **options: Any) -> Any:
        observation, info = self.env.reset(**options)
        self.unwrapped.goal = self.unwrapped.goal + np.array([0.0, 0.0, 0.8])
        return {**observation, "desired_goal": self.unwrapped.goal.copy()}, info


def fetch_goal_hidden() -> gymnasium.Env[Any, Any]:
    return GoalHidden(fetch_reach())


def fetch_negated() -> gymnasium.Env[Any, Any]:
    return Negated(fetch_reach())


def fetch_clocked() -> gymnasium.Env[Any, Any]:
    return Clocked(fetch_reach())


def fetch_never_succeeds() -> gymnasium.Env[Any, Any]:
    return NeverSucceeds(fetch_reach())


def fetch_tiny_goal() -> gymnasium.Env[Any, Any]:
    return TinyGoal(fetch_reach())


def fetch_juggled() -> gymnasium.Env[Any, Any]:
    return Juggled(fetch_reach())


def fetch_far_goal() -> gymnasium.Env[Any, Any]:
    return FarGoal(fetch_reach())


def fetch_short() -> gymnasium.Env[Any, Any]:
    """Five steps, too few for any goal."""
    return TimeLimit(fetch_reach().unwrapped, 5)
