"""Environments as users write them in a file of their own, each broken in one way, and healthy ones: own_envs.py:Name.

They are about other tasks than the fault laboratory's, and none of them was used to fit a weight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import TimeLimit

from benchmarks.own_environments.fetch_wrappers import (
    Clocked,
    FarGoal,
    GoalHidden,
    Juggled,
    Negated,
    NeverSucceeds,
    TinyGoal,
)

# The healthy ones are examined under this file's name as well.
from benchmarks.own_environments.sound_envs import (  # noqa: F401
    Acrobot,
    CartPole,
    CartPoleCentred,
    InvertedPendulum,
    MountainCar,
    Pendulum,
    PendulumShifted,
    Reacher,
    ReacherDistance,
    Stepped,
    fetch_reach,
)


class Looking:
    """Shows what ``look`` makes of each observation."""

    def look(self, observation: Any) -> Any:
        raise NotImplementedError

    def reset(self, **options: Any) -> Any:
        observation, info = super().reset(**options)  # type: ignore[misc]
        return self.look(observation), info

    def step(self, action: Any) -> Stepped:
        observation, *rest = super().step(action)  # type: ignore[misc]
        return (self.look(observation), *rest)


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


class CartPoleUnscaled(Looking, CartPole):
    """One sensor in other units."""

    def __init__(self) -> None:
        super().__init__()
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (4,), np.float32)

    def look(self, observation: Any) -> Any:
        return (observation * np.array([1e4, 1e4, 1.0, 1e4])).astype(np.float32)


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


class PendulumBlind(Looking, Pendulum):
    """Without its velocity."""

    def look(self, observation: Any) -> Any:
        return observation * np.array([1, 1, 0], np.float32)


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


class InvertedPendulumHazy(Looking, InvertedPendulum):
    def look(self, observation: Any) -> Any:
        return observation + 3.0 * self.np_random.normal(size=4)


class InvertedPendulumOver(InvertedPendulum):
    """Ends where it should go on."""

    def step(self, action: Any) -> Stepped:
        observation, _, over, cut, info = super().step(action)
        return observation, float(not over), not over, cut, info


def _fetch_in(
    wrapper: Callable[[gymnasium.Env[Any, Any]], gymnasium.Env[Any, Any]],
) -> Callable[[], gymnasium.Env[Any, Any]]:
    """Return a function that makes FetchReach in a wrapper."""
    return lambda: wrapper(fetch_reach())


fetch_goal_hidden = _fetch_in(GoalHidden)
fetch_negated = _fetch_in(Negated)
fetch_clocked = _fetch_in(Clocked)
fetch_never_succeeds = _fetch_in(NeverSucceeds)
fetch_tiny_goal = _fetch_in(TinyGoal)
fetch_juggled = _fetch_in(Juggled)
fetch_far_goal = _fetch_in(FarGoal)


def fetch_short() -> gymnasium.Env[Any, Any]:
    """Five steps, too few for any goal."""
    return TimeLimit(fetch_reach().unwrapped, 5)
