"""Small environments with goals, and wrappers that repeat steps, that test_kinds_of_ends.py tells apart."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from tests.preflight.kinds_of_limits import Base


# Goals within and out of reach.
class Arm(Base):
    """An arm of two links of half a metre."""

    limit, near, far, aside = 60, 0.2, 0.9, 0.0
    place_space = Box(-5.0, 5.0, (2,), np.float32)
    observation_space = Dict(
        observation=Box(-5, 5, (4,), np.float32), achieved_goal=place_space, desired_goal=place_space
    )

    def tip(self) -> Any:
        one, two = self.place, self.place + self.load
        return np.array([0.5 * (np.cos(one) + np.cos(two)), 0.5 * (np.sin(one) + np.sin(two))])

    def look(self) -> Any:
        joints = np.array([self.place, self.load])
        return {
            "observation": np.concatenate([np.cos(joints), np.sin(joints)]).astype(np.float32),
            "achieved_goal": self.tip().astype(np.float32),
            "desired_goal": self.goal.astype(np.float32),
        }

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.goal = np.zeros(2)
        super().reset(seed=seed)
        angle = self.np_random.uniform(-np.pi, np.pi)
        self.goal = self.np_random.uniform(self.near, self.far) * np.array([np.cos(angle), np.sin(angle)]) + self.aside
        return self.look(), {}

    def move(self, action: Any) -> None:
        one, two = np.clip(action, -1, 1)
        self.place += 0.15 * one
        self.load += 0.15 * two

    def pay(self) -> float:
        return float(self.compute_reward(self.tip(), self.goal, {}))

    def compute_reward(self, achieved: Any, desired: Any, info: Any) -> Any:
        return -np.linalg.norm(np.asarray(achieved, float) - np.asarray(desired, float), axis=-1)

    def tell(self) -> dict[str, Any]:
        return {"is_success": self.pay() > -0.06}


class ArmTooShort(Arm):
    near, far = 1.2, 1.6


class ArmBesideItsGoals(Arm):
    """Goals in the frame of another cell."""

    aside = 1.5


class ArmPushesABlock(Arm):
    """The achieved goal is that of a block that is seldom touched."""

    near, far = 0.6, 1.2

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.block = np.array([0.3, 0.3])
        return super().reset(seed=seed)

    def move(self, action: Any) -> None:
        super().move(action)
        if np.linalg.norm(super().tip() - self.block) < 0.05:
            self.block = self.block + 0.02 * np.clip(action, -1, 1)

    def tip(self) -> Any:
        return self.block


class Walker(Arm):
    """A long way to a fixed goal, that random steps do not go."""

    near, far, aside, limit = 0.0, 0.1, 8.0, 200

    def tip(self) -> Any:
        return np.array([self.place, self.load])

    def move(self, action: Any) -> None:
        turned = 7.0 * self.place + 5.0 * self.load
        self.place += 0.1 * np.cos(turned) * float(action[0])
        self.load += 0.1 * np.sin(turned) * float(action[0])


# Wrappers that repeat steps.
class Coins(Base):
    """Coins lie on a line; each is taken once."""

    limit = 80
    action_space = Discrete(2)
    observation_space = Box(-1.0, 1.0, (9,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        gymnasium.Env.reset(self, seed=seed)
        self.coins = self.np_random.choice([-1.0, 0.0, 1.0], 61)
        self.place, self.time, self.taken = 30, 0, 0.0
        return self.look(), {}

    def look(self) -> Any:
        return np.array(self.coins[np.clip(np.arange(self.place - 4, self.place + 5), 0, 60)], np.float32)

    def move(self, action: Any) -> None:
        self.place = int(np.clip(self.place + 2 * int(action) - 1, 0, 60))
        self.taken, self.coins[self.place] = float(self.coins[self.place]), 0.0

    def pay(self) -> float:
        return self.taken


class Repeat(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Four steps for one."""

    def of(self, rewards: list[float]) -> float:
        return sum(rewards)

    def step(self, action: Any) -> Any:
        rewards: list[float] = []
        for _ in range(4):
            seen, reward, over, cut, info = self.env.step(action)
            rewards.append(float(reward))
            if over or cut:
                break
        return seen, self.of(rewards), over, cut, info


class RepeatAndForget(Repeat):
    def of(self, rewards: list[float]) -> float:
        return rewards[-1]


class RepeatAndKeepTheFirst(Repeat):
    def of(self, rewards: list[float]) -> float:
        return rewards[0]


class RepeatAndAverage(Repeat):
    def of(self, rewards: list[float]) -> float:
        return sum(rewards) / len(rewards)


def coins_forgotten() -> Any:
    return RepeatAndForget(Coins())


def coins_first() -> Any:
    return RepeatAndKeepTheFirst(Coins())


def coins_summed() -> Any:
    return Repeat(Coins())


def coins_averaged() -> Any:
    return RepeatAndAverage(Coins())


def distance_at_the_last() -> Any:
    """The distance is as good as the sum of the distances."""
    return RepeatAndForget(Base())
