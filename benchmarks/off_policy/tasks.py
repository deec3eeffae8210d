"""The laboratory's tasks, each for N trainings at once: arrays have one row a training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Task(ABC):
    """N copies of one environment.

    Attributes:
        size: Numbers in an observation; of a task with goals first the achieved goal, then the desired one.
        actions: Dimensions of an action in [-1, 1], or how many discrete ones there are.
        discrete: Which of the two.
        goal: Dimensions of a goal, 0 without.
        limit: Steps after which an episode is cut off.
    """

    size: int
    actions: int
    discrete: bool = False
    goal: int = 0
    limit: int

    def __init__(self, n: int, seed: int) -> None:
        self.n = n
        self.random = np.random.default_rng(seed)
        self.steps = np.zeros(n, np.int64)
        self.reset(np.ones(n, bool))

    def reset(self, which: Flags) -> None:
        """Begin new episodes in some rows."""
        self.steps[which] = 0
        self._begin(which, int(which.sum()))

    def step(self, actions: Floats) -> tuple[Floats, Flags, Flags, Floats]:
        """Return reward, whether the task ended it, whether time did, and success (NaN where there is none)."""
        self.steps += 1
        reward, over, success = self._step(actions)
        return reward, over, (self.steps >= self.limit) & ~over, success

    @abstractmethod
    def _begin(self, which: Flags, count: int) -> None: ...

    @abstractmethod
    def _step(self, actions: Floats) -> tuple[Floats, Flags, Floats]: ...

    @abstractmethod
    def seen(self) -> Floats:
        """Return the observations, ``(n, size)``."""

    def reward_of(self, achieved: Floats, desired: Floats) -> Floats:
        """Return the reward for reaching ``achieved``, of a task with goals."""
        raise NotImplementedError

    def _none(self) -> Floats:
        return np.full(self.n, np.nan)


class Pendulum(Task):
    """Gymnasium's Pendulum, with half its steps in an episode."""

    size, actions, limit = 3, 1, 100

    def _begin(self, which: Flags, count: int) -> None:
        if not hasattr(self, "state"):
            self.state = np.zeros((self.n, 2))
        self.state[which] = self.random.uniform(-1, 1, (count, 2)) * (np.pi, 1.0)

    def _step(self, actions: Floats) -> tuple[Floats, Flags, Floats]:
        angle, speed = self.state.T
        push = 2.0 * np.clip(actions[:, 0], -1, 1)
        upright = (angle + np.pi) % (2 * np.pi) - np.pi
        reward = -(upright**2 + 0.1 * speed**2 + 0.001 * push**2)
        speed = np.clip(speed + (15.0 * np.sin(angle) + 3.0 * push) * 0.05, -8, 8)
        self.state = np.column_stack([angle + speed * 0.05, speed])
        return reward, np.zeros(self.n, bool), self._none()

    def seen(self) -> Floats:
        angle, speed = self.state.T
        return np.column_stack([np.cos(angle), np.sin(angle), speed])


class Balance(Task):
    """Gymnasium's CartPole, 200 steps at most, pushed by any force up to 10."""

    size, actions, limit = 4, 1, 200

    def _begin(self, which: Flags, count: int) -> None:
        if not hasattr(self, "state"):
            self.state = np.zeros((self.n, 4))
        self.state[which] = self.random.uniform(-0.05, 0.05, (count, 4))

    def _force(self, actions: Floats) -> Floats:
        return 10.0 * np.clip(actions[:, 0], -1, 1)

    def _step(self, actions: Floats) -> tuple[Floats, Flags, Floats]:
        _, v, angle, turn = self.state.T
        sine, cosine = np.sin(angle), np.cos(angle)
        pushed = (self._force(actions) + 0.05 * turn**2 * sine) / 1.1
        turning = (9.8 * sine - cosine * pushed) / (0.5 * (4.0 / 3.0 - 0.1 * cosine**2 / 1.1))
        moving = pushed - 0.05 * turning * cosine / 1.1
        self.state += 0.02 * np.column_stack([v, moving, turn, turning])
        over = (np.abs(self.state[:, 0]) > 2.4) | (np.abs(self.state[:, 2]) > 12 * np.pi / 180)
        return np.ones(self.n), over, self._none()

    def seen(self) -> Floats:
        return self.state.copy()


class CartPole(Balance):
    """Pushed by one of two forces."""

    actions, discrete = 2, True

    def _force(self, actions: Floats) -> Floats:
        return np.where(actions[:, 0] > 0, 10.0, -10.0)


class Lander(Task):
    """A craft that is to touch the ground slowly and soon: one dimension, thrust against gravity."""

    size, actions, limit = 2, 1, 80

    def _begin(self, which: Flags, count: int) -> None:
        if not hasattr(self, "height"):
            self.height, self.speed = np.zeros(self.n), np.zeros(self.n)
        self.height[which] = self.random.uniform(0.6, 1.4, count)
        self.speed[which] = self.random.uniform(-0.4, 0.0, count)

    def _thrust(self, actions: Floats) -> Floats:
        return (np.clip(actions[:, 0], -1, 1) + 1.0) / 2.0

    def _step(self, actions: Floats) -> tuple[Floats, Flags, Floats]:
        self.speed = np.clip(self.speed + 0.05 * (2.0 * self._thrust(actions) - 1.0), -2, 2)
        self.height = self.height + 0.1 * self.speed
        down, lost = self.height <= 0, self.height > 2.5
        soft = down & (self.speed > -0.25)
        reward = np.where(soft, 4.0, np.where(down, 4.0 * self.speed, np.where(lost, -8.0, -0.1 * self.height)))
        return reward, down | lost, soft.astype(np.float64)

    def seen(self) -> Floats:
        return np.column_stack([self.height, 2.0 * self.speed])


class DiscreteLander(Lander):
    """Thrust off, half, or full."""

    actions, discrete = 3, True

    def _thrust(self, actions: Floats) -> Floats:
        return actions[:, 0] / 2.0


class Reach(Task):
    """A point is to be brought to a goal in a square; the reward is minus the distance."""

    size, actions, goal, limit, threshold = 6, 2, 2, 25, 0.15

    def _begin(self, which: Flags, count: int) -> None:
        if not hasattr(self, "at"):
            self.at, self.aim, self.speed = (np.zeros((self.n, 2)) for _ in range(3))
        self.at[which] = self.random.uniform(-1, 1, (count, 2))
        self.aim[which] = self.random.uniform(-1, 1, (count, 2))
        self.speed[which] = 0.0

    def _step(self, actions: Floats) -> tuple[Floats, Flags, Floats]:
        self.speed = 0.5 * self.speed + 0.1 * np.clip(actions, -1, 1)
        self.at = np.clip(self.at + self.speed, -1, 1)
        reached = np.linalg.norm(self.at - self.aim, axis=1) < self.threshold
        return self.reward_of(self.at, self.aim), np.zeros(self.n, bool), reached.astype(np.float64)

    def reward_of(self, achieved: Floats, desired: Floats) -> Floats:
        away: Floats = -np.linalg.norm(achieved - desired, axis=-1)
        return away

    def seen(self) -> Floats:
        return np.column_stack([self.at, self.aim, 5.0 * self.speed])


class SparseReach(Reach):
    """The reward is -1 away from the goal and 0 at it."""

    def reward_of(self, achieved: Floats, desired: Floats) -> Floats:
        return np.where(np.linalg.norm(achieved - desired, axis=-1) < self.threshold, 0.0, -1.0)


_MOVES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])


class Grid(Task):
    """A walk on 7 x 7 fields to a goal that is drawn anew; -0.1 a step, 1 at the goal, which ends it."""

    size, actions, discrete, limit, side = 4, 4, True, 40, 7

    def _begin(self, which: Flags, count: int) -> None:
        if not hasattr(self, "at"):
            self.at, self.aim = (np.zeros((self.n, 2), np.int64) for _ in range(2))
        self.at[which] = self.random.integers(0, self.side, (count, 2))
        self.aim[which] = (self.at[which] + self.random.integers(1, self.side, (count, 2))) % self.side

    def _step(self, actions: Floats) -> tuple[Floats, Flags, Floats]:
        self.at = np.clip(self.at + _MOVES[actions[:, 0].astype(np.int64)], 0, self.side - 1)
        there = (self.at == self.aim).all(axis=1)
        return np.where(there, 1.0, -0.1), there, self._none()

    def seen(self) -> Floats:
        return np.column_stack([self.at, self.aim]) / (self.side - 1) * 2.0 - 1.0


TASKS: Mapping[str, type[Task]] = {
    "pendulum": Pendulum,
    "balance": Balance,
    "cartpole": CartPole,
    "lander-continuous": Lander,
    "lander": DiscreteLander,
    "reach": Reach,
    "reach-sparse": SparseReach,
    "grid": Grid,
}
