"""Wrappers that break FetchReach, each in one way."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np


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
